#include "tersor/kernels/activations_grad/activations_grad.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::activations_grad {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

struct Operator {
  KernelRows rows;
  double (*forward)(double);
};

const Operator kOperators[] = {
    {ReluGradRows, [](double x) { return std::max(x, 0.0); }},
    {Relu6GradRows, [](double x) { return std::min(std::max(x, 0.0), 6.0); }},
    {SigmoidGradRows, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {TanhGradRows, [](double x) { return std::tanh(x); }},
};

/// Inputs in [-8, 8), the outputs of `forward`, random gradients.
OperatorCase MakeCase(const Operator& op, int64_t count, std::vector<float>& input,
                      std::vector<float>& gradient) {
  input = RandomValues<float>(count, 1);
  gradient = RandomValues<float>(count, 2);
  std::vector<float> output;
  for (float& x : input) {
    x *= 8;
    output.push_back(static_cast<float>(op.forward(x)));
  }
  OperatorCase c;
  c.Operand({count}, gradient).Operand({count}, output).Result({count});
  return c;
}

TEST(ActivationsGrad, EveryRowHasTheReferenceBits) {
  std::vector<float> input, gradient;
  for (const Operator& op : kOperators) {
    for (const int64_t count : {1, 7, 8, 15, 16, 33, 1000}) {
      const auto c = MakeCase(op, count, input, gradient);
      const auto expected = c.Run(op.rows().back());
      for (const KernelRow& row : testing::AvailableRows(op.rows())) {
        EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], expected->results[0]))
            << row.family << " " << row.name << " " << count;
      }
    }
  }
}

TEST(ActivationsGrad, MatchesFiniteDifferences) {
  std::vector<float> input, gradient;
  for (const Operator& op : kOperators) {
    const auto c = MakeCase(op, 50, input, gradient);
    const auto numeric = testing::NumericGradient(
        [&](const std::vector<double>& x) {
          double total = 0;
          for (size_t i = 0; i < x.size(); ++i) total += gradient[i] * op.forward(x[i]);
          return total;
        },
        input);
    for (const KernelRow& row : testing::AvailableRows(op.rows())) {
      EXPECT_LE(testing::LargestError(c.Run(row)->results[0].values<float>(), numeric), 1e-6)
          << row.family << " " << row.name;
    }
  }
}

TEST(ActivationsGrad, TheCornersHaveNoGradient) {
  OperatorCase c;
  c.Operand({4}, std::vector<float>{1, 1, 1, 1}).Operand({4}, std::vector<float>{0, 6, 3, -1});
  c.Result({4});
  for (const KernelRow& row : testing::AvailableRows(Relu6GradRows())) {
    const auto run = c.Run(row);
    const auto values = run->results[0].values<float>();
    EXPECT_EQ(std::vector<float>(values.begin(), values.end()), (std::vector<float>{0, 0, 1, 0}));
  }
}

}  // namespace
}  // namespace tersor::kernels::activations_grad
