#include "tersor/ir/shape_rules.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/ir/shape_rules/rule_case_parser.h"
#include "tersor/ir/text.h"

namespace tersor::ir {
namespace {

// What a case gives: "f32[N,4]", "f32[2], f32[2]", "" or the failure.
std::string Infer(std::string_view line) {
  const auto parsed = ParseRuleCase(line);
  if (!parsed.ok()) return parsed.status().message();
  const auto results = parsed->Infer();
  if (!results.ok()) return results.status().message();
  std::string text;
  for (const TensorType& result : *results) {
    if (!text.empty()) text += ", ";
    text += PrintType(result);
  }
  return text;
}

TEST(ShapeRules, Facts) {
  for (const RuleCase& fact : kRuleCases) EXPECT_EQ(Infer(fact.line), fact.expected) << fact.line;
}

TEST(ShapeRules, EachOperatorHasAnAcceptedAndARefusedCase) {
  std::map<std::string_view, int> accepted, refused;
  for (const RuleCase& fact : kRuleCases) {
    const std::string_view op = fact.line.substr(0, fact.line.find('('));
    ++(fact.expected.starts_with(std::string(op) + ": ") ? refused : accepted)[op];
  }
  for (const OpInfo& info : AllOps()) {
    EXPECT_GE(accepted[info.text_name], 1) << info.text_name;
    EXPECT_GE(refused[info.text_name], 1) << info.text_name;
  }
}

TEST(ShapeRules, RefuseAnAttributeOfAnotherType) {
  const TensorType x{DType::kF32, {kBatch, 4}, std::nullopt};
  const TensorType* operands[] = {&x};
  Attributes attributes;
  attributes.Set(Attr::min, int64_t{0}).Set(Attr::max, 1.0);
  EXPECT_EQ(InferTypes(OpKind::kClamp, operands, attributes, std::nullopt).status().message(),
            "clamp: attribute min has a value of another type");
}

TEST(ShapeRules, RefuseCellsOfAPaddingThatIsNotExplicit) {
  const TensorType x{DType::kF32, {kBatch, 4, 4, 1}, std::nullopt};
  const TensorType* operands[] = {&x};
  Attributes attributes;
  attributes.Set(Attr::window, std::vector<int64_t>{2, 2});
  attributes.Set(Attr::padding, Padding{Padding::Kind::kSame, 1, 0, 0, 0});
  EXPECT_EQ(InferTypes(OpKind::kMaxPool2d, operands, attributes, std::nullopt).status().message(),
            "max_pool2d: attribute padding counts cells, but is not explicit");
}

std::string Check(TensorType type) {
  const Status status = CheckType(type);
  return status.ok() ? "ok" : status.message();
}

TEST(CheckType, Facts) {
  const auto f32 = [](Shape shape) { return TensorType{DType::kF32, shape, std::nullopt}; };
  const auto i8 = [](Shape shape, Quantization q) { return TensorType{DType::kI8, shape, q}; };
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Check(f32({})), "ok");
  EXPECT_EQ(Check(f32({kBatch, 1})), "ok");
  EXPECT_EQ(Check(f32({1, kBatch})), "ok");
  EXPECT_EQ(Check(f32({kBatch, *ParseSymbol("S"), 4})), "ok");
  EXPECT_EQ(Check(f32({0})), "f32[0]: axis 0 has extent 0, expected 1 to 2147483647");
  EXPECT_EQ(Check(f32({-2})), "f32[-2]: axis 0 has extent -2, expected 1 to 2147483647");
  EXPECT_EQ(Check(f32({kMaxExtent + 1})),
            "f32[2147483648]: axis 0 has extent 2147483648, expected 1 to 2147483647");
  EXPECT_EQ(Check(f32({1 << 20, 1 << 20})), "ok");
  EXPECT_EQ(Check(f32({1 << 20, 1 << 20, 2})),
            "f32[1048576,1048576,2]: more than 1099511627776 elements");
  EXPECT_EQ(Check(f32({1, 1, 1, 1, 1, 1, 1, 1, 1})), "9 axes, at most 8 are possible");
  EXPECT_EQ(Check(i8({2}, {{1, 2}, {0, 0}, 0})), "ok");
  EXPECT_EQ(Check(i8({2}, {{1}, {0}, 0})), "i8[2]: 1 scales and 1 zero points, expected 2");
  EXPECT_EQ(Check(i8({2}, {{1, 2}, {0}, 0})), "i8[2]: 2 scales and 1 zero points, expected 2");
  EXPECT_EQ(Check(i8({2}, {{}, {}, -1})), "i8[2]: 0 scales and 0 zero points, expected 1");
  EXPECT_EQ(Check(i8({2}, {{1}, {0}, 1})),
            "i8[2]: quantization has axis 1, expected one of its axes (not a symbolic one), or -1");
  EXPECT_EQ(Check(i8({kBatch}, {{1}, {0}, 0})),
            "i8[N]: quantization has axis 0, expected one of its axes (not a symbolic one), or -1");
  EXPECT_EQ(Check(i8({2}, {{-1}, {0}, -1})), "i8[2]: scale is -1, expected positive and finite");
  EXPECT_EQ(Check(i8({2}, {{infinity}, {0}, -1})),
            "i8[2]: scale is inf, expected positive and finite");
  EXPECT_EQ(Check(i8({2}, {{1}, {-129}, -1})), "i8[2]: zero point is -129, expected -128 to 127");
}

}  // namespace
}  // namespace tersor::ir
