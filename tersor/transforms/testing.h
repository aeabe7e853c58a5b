// Tests of rewrites: text in, text out, and the same results on random inputs.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/pass.h"

namespace tersor::transforms {

/// A tensor of random values that depend on `name` and `seed` alone: normal for f32 (in [0.5, 1.5]
/// when the name contains "positive"), uniform over the range for 8-bit integers, in [-1000, 1000]
/// for i32.
inline Result<Tensor> RandomTensor(const TensorType& type, std::string_view name, uint64_t seed) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(type));
  Random random(seed, std::hash<std::string_view>()(name));
  const bool positive = name.find("positive") != std::string_view::npos;
  switch (type.dtype) {
    case DType::kF32:
      for (float& x : tensor.mutable_values<float>()) {
        x = positive ? 0.5f + random.NextFloat() : random.NextNormal();
      }
      break;
    case DType::kI32:
      for (int32_t& x : tensor.mutable_values<int32_t>()) {
        x = static_cast<int32_t>(random.NextBelow(2001)) - 1000;
      }
      break;
    case DType::kI64:
      for (int64_t& x : tensor.mutable_values<int64_t>()) {
        x = static_cast<int64_t>(random.NextBelow(10));
      }
      break;
    default: {
      auto* bytes = static_cast<uint8_t*>(tensor.mutable_view().data);
      for (int64_t i = 0; i < type.size_bytes(); ++i) {
        bytes[i] = static_cast<uint8_t>(random.NextU32());
      }
    }
  }
  return tensor;
}

/// Gives every variable without data a RandomTensor.
inline Status FillVariables(ir::Graph& graph, uint64_t seed = 1) {
  for (ir::ValueId id : graph.variables()) {
    ir::Value& variable = graph.value(id);
    if (variable.has_data()) continue;
    TERSOR_ASSIGN_OR_RETURN(Tensor data, RandomTensor(variable.type(), variable.name(), seed));
    variable.set_data(std::move(data));
  }
  return OkStatus();
}

/// The text of a graph without any data.
inline std::string TextWithoutData(const ir::Graph& graph) {
  ir::Graph bare = graph.Clone();
  for (ir::ValueId id : bare.variables()) bare.value(id).set_data(Tensor());
  return ir::Print(bare);
}

/// Outputs of the two graphs on random inputs (batch 2) agree: integers exactly, floats within
/// `tolerance` of the largest magnitude of the output.
inline testing::AssertionResult SameResults(const ir::Graph& a, const ir::Graph& b,
                                            double tolerance = 1e-5) {
  std::vector<Tensor> inputs;
  for (ir::ValueId id : a.inputs()) {
    TensorType type = a.value(id).type();
    type.shape = type.shape.WithBatch(2);
    auto input = RandomTensor(type, a.value(id).name(), 7);
    if (!input.ok()) return testing::AssertionFailure() << input.status().message();
    inputs.push_back(*std::move(input));
  }
  auto left = runtime::RunOnce(a, inputs), right = runtime::RunOnce(b, inputs);
  if (!left.ok()) return testing::AssertionFailure() << "before: " << left.status().message();
  if (!right.ok()) return testing::AssertionFailure() << "after: " << right.status().message();
  if (left->size() != right->size())
    return testing::AssertionFailure() << "outputs differ in number";
  for (size_t i = 0; i < left->size(); ++i) {
    const Tensor &x = (*left)[i], &y = (*right)[i];
    if (x.type() != y.type()) {
      return testing::AssertionFailure()
             << "output " << i << ": " << x.type().ToString() << " became " << y.type().ToString();
    }
    if (x.type().dtype != DType::kF32) {
      const auto* p = static_cast<const uint8_t*>(x.view().data);
      const auto* q = static_cast<const uint8_t*>(y.view().data);
      if (!std::equal(p, p + x.type().size_bytes(), q)) {
        return testing::AssertionFailure() << "output " << i << " differs";
      }
      continue;
    }
    const auto p = x.values<float>(), q = y.values<float>();
    double largest = 1e-30, error = 0;
    for (size_t k = 0; k < p.size(); ++k) {
      largest = std::max(largest, std::fabs(static_cast<double>(p[k])));
      const double difference = std::fabs(static_cast<double>(p[k]) - q[k]);
      error = std::isfinite(difference) ? std::max(error, difference) : 1e30;
    }
    if (error > tolerance * largest) {
      return testing::AssertionFailure()
             << "output " << i << ": error " << error << ", largest magnitude " << largest;
    }
  }
  return testing::AssertionSuccess();
}

/// Parses `before`, fills its variables, rewrites, and expects (1) the text of the rewritten graph,
/// without data, to be that of `after`, and (2) both graphs to give the same outputs on random
/// inputs.
inline testing::AssertionResult CheckRewrite(Rewrite rewrite, std::string_view before,
                                             std::string_view after) {
  auto source = ir::Parse(before);
  if (!source.ok()) return testing::AssertionFailure() << "before: " << source.status().message();
  if (Status filled = FillVariables(*source); !filled.ok()) {
    return testing::AssertionFailure() << filled.message();
  }
  auto expected = ir::Parse(after);
  if (!expected.ok()) {
    return testing::AssertionFailure() << "after: " << expected.status().message();
  }
  ir::Graph rewritten = source->Clone();
  RewriteReport report;
  if (Status status = rewrite(rewritten, report); !status.ok()) {
    return testing::AssertionFailure() << status.message();
  }
  const std::string found_text = TextWithoutData(rewritten);
  const std::string expected_text = TextWithoutData(*expected);
  if (found_text != expected_text) {
    return testing::AssertionFailure() << "expected:\n"
                                       << expected_text << "found:\n"
                                       << found_text;
  }
  if (!report.changed()) return testing::AssertionFailure() << "no change was reported";
  return SameResults(*source, rewritten);
}

/// The rewrite reports no change and leaves the text as it was.
inline testing::AssertionResult CheckUnchanged(Rewrite rewrite, std::string_view text) {
  auto graph = ir::Parse(text);
  if (!graph.ok()) return testing::AssertionFailure() << graph.status().message();
  if (Status filled = FillVariables(*graph); !filled.ok()) {
    return testing::AssertionFailure() << filled.message();
  }
  const std::string before = TextWithoutData(*graph);
  RewriteReport report;
  if (Status status = rewrite(*graph, report); !status.ok()) {
    return testing::AssertionFailure() << status.message();
  }
  const std::string after = TextWithoutData(*graph);
  if (before != after) return testing::AssertionFailure() << "it became:\n" << after;
  if (report.changed()) return testing::AssertionFailure() << "it reports " << report.changes()[0];
  return testing::AssertionSuccess();
}

#define EXPECT_REWRITE(rewrite, before, after) \
  EXPECT_TRUE(::tersor::transforms::CheckRewrite(rewrite, before, after))
#define EXPECT_UNCHANGED(rewrite, text) \
  EXPECT_TRUE(::tersor::transforms::CheckUnchanged(rewrite, text))

}  // namespace tersor::transforms
