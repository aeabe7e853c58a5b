#include "tersor/ir/op.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace tersor::ir {
namespace {

// The text names of the operators for which `holds` is true, in order.
template <typename Predicate>
std::string OpsWhere(const Predicate& holds) {
  std::string names;
  for (const OpInfo& info : AllOps()) {
    if (holds(info)) names += (names.empty() ? "" : " ") + std::string(info.text_name);
  }
  return names;
}

std::string OpsWith(Trait trait) {
  return OpsWhere([&](const OpInfo& info) { return info.Has(trait); });
}

TEST(Traits, SayWhatPassesAsk) {
  EXPECT_EQ(OpsWhere([](const OpInfo& info) { return info.is_layer(); }), "conv2d fully_connected");
  EXPECT_EQ(OpsWith(Trait::epilogue), "conv2d fully_connected");
  EXPECT_EQ(OpsWith(Trait::link), "add max_pool2d multiply");
  EXPECT_EQ(OpsWith(Trait::impure), "all_reduce_sum dropout");
  EXPECT_EQ(OpsWith(Trait::moves), "broadcast_to concat reshape slice transpose");
  EXPECT_EQ(OpsWith(Trait::one_scale),
            "avg_pool2d broadcast_to concat max_pool2d maximum minimum pad reduce_max reshape "
            "slice transpose");
  EXPECT_EQ(OpsWhere([](const OpInfo& info) { return info.mutates(); }),
            "adam_update moving_average_update sgd_update");
}

TEST(Traits, PrefixesDoNotBelongToTheName) {
  const OpInfo& conv = InfoOf(OpKind::kConv2d);
  EXPECT_EQ(conv.operands[1].name, "filter");
  EXPECT_EQ(conv.weight(), 1);
  EXPECT_EQ(conv.bias(), 2);
  EXPECT_EQ(InfoOf(OpKind::kMatMul).weight(), -1);
  EXPECT_EQ(InfoOf(OpKind::kMatMul).bias(), -1);
  const OpInfo& sgd = InfoOf(OpKind::kSgdUpdate);
  EXPECT_EQ(sgd.operands[2].name, "velocity");
  EXPECT_TRUE(sgd.operands[2].optional && sgd.operands[2].mutated);
  const OpInfo& add = InfoOf(OpKind::kAdd);
  EXPECT_EQ(add.operands[0].name, "lhs");
  EXPECT_TRUE(add.operands[0].in_place);
  EXPECT_FALSE(add.operands[1].in_place);
}

TEST(Traits, FixedOutputsAreTheParametersOfTheFormats) {
  auto fixed = [](OpKind op) { return InfoOf(op).fixed_output; };
  EXPECT_EQ(fixed(OpKind::kSoftmax), (Quantization{{1.0f / 256}, {-128}, -1}));
  EXPECT_EQ(fixed(OpKind::kSigmoid), (Quantization{{1.0f / 256}, {-128}, -1}));
  EXPECT_EQ(fixed(OpKind::kTanh), (Quantization{{1.0f / 128}, {0}, -1}));
  EXPECT_EQ(fixed(OpKind::kLogSoftmax), (Quantization{{1.0f / 16}, {127}, -1}));
  EXPECT_EQ(OpsWhere([](const OpInfo& info) { return info.fixed_output.has_value(); }),
            "log_softmax sigmoid softmax tanh");
}

TEST(Traits, FitTogether) {
  for (const OpInfo& info : AllOps()) {
    EXPECT_FALSE(info.Has(Trait::integer) && info.Has(Trait::one_scale)) << info.text_name;
    EXPECT_TRUE(!info.is_layer() || info.bias() > info.weight()) << info.text_name;
    EXPECT_TRUE(!info.Has(Trait::epilogue) || info.results.size() == 1) << info.text_name;
    // A link reads the value before it, and at most one more.
    EXPECT_TRUE(!info.Has(Trait::link) || info.operands.size() <= 2) << info.text_name;
    EXPECT_TRUE(!info.fixed_output || info.Has(Trait::integer)) << info.text_name;
    for (const OperandInfo& operand : info.operands) {
      EXPECT_TRUE(!operand.in_place || info.results.size() == 1) << info.text_name;
      EXPECT_FALSE(operand.in_place && (operand.mutated || operand.optional)) << info.text_name;
    }
    const std::set<Trait> different(info.traits.begin(), info.traits.end());
    EXPECT_EQ(different.size(), info.traits.size()) << info.text_name;
    for (Trait trait : info.traits) EXPECT_EQ(ParseTrait(TraitName(trait)), trait);
  }
  EXPECT_EQ(ParseTrait("fast"), std::nullopt);
}

TEST(Activations, AreOperatorsToo) {
  EXPECT_EQ(ActivationFor(OpKind::kRelu), Activation::kRelu);
  EXPECT_EQ(ActivationFor(OpKind::kRelu6), Activation::kRelu6);
  EXPECT_EQ(ActivationFor(OpKind::kTanh), std::nullopt);
  for (Activation activation : {Activation::kRelu, Activation::kRelu6}) {
    EXPECT_EQ(ActivationFor(OpFor(activation)), activation);
    EXPECT_EQ(InfoOf(OpFor(activation)).text_name, ActivationName(activation));
  }
  EXPECT_EQ(GradientOpFor(Activation::kRelu), OpKind::kReluGrad);
  EXPECT_EQ(GradientOpFor(Activation::kRelu6), OpKind::kRelu6Grad);
}

}  // namespace
}  // namespace tersor::ir
