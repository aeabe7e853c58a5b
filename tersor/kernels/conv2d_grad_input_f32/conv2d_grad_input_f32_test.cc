#include "tersor/kernels/conv2d_grad_input_f32/conv2d_grad_input_f32.h"

#include <gtest/gtest.h>

#include "tersor/kernels/conv2d_f32/gradient_testing.h"

namespace tersor::kernels::conv2d_grad_input_f32 {
namespace {

using testing::ConvolutionShape;
using testing::OperatorCase;
using testing::RandomValues;

constexpr double kTolerance = 1e-5;  // of the largest element

OperatorCase CaseOf(const ConvolutionShape& shape, bool constant_filter = false) {
  OperatorCase c;
  shape.SetAttributes(c.attributes);
  const auto filter = RandomValues<float>(shape.Filter().shape.num_elements(), 1);
  constant_filter ? c.Constant(shape.Filter(), filter) : c.Operand(shape.Filter(), filter);
  c.Operand(shape.Output(), RandomValues<float>(shape.Output().shape.num_elements(), 2));
  c.Result(shape.Input());
  c.attributes.Set(Attr::input_shape, shape.Input().shape.dims());
  return c;
}

class Conv2dGradInputF32 : public ::testing::TestWithParam<ConvolutionShape> {};

TEST_P(Conv2dGradInputF32, RowsAgreeWithTheReference) {
  for (bool constant_filter : {false, true}) {
    testing::ExpectRowsAgree(CaseOf(GetParam(), constant_filter), Rows(), kTolerance);
  }
}

TEST_P(Conv2dGradInputF32, GivesTheSameBitsOnAnyNumberOfThreads) {
  testing::ExpectSameBitsOnThreads(CaseOf(GetParam()), Rows());
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dGradInputF32,
                         ::testing::ValuesIn(testing::kConvolutionShapes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Conv2dGradInputF32Reference, MatchesTheFormulaByHand) {
  // One channel, input 1x3, filter (2, 3, 5), SAME: the input x feeds the outputs x - 1, x, x + 1.
  OperatorCase c;
  c.attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  c.Operand<float>(Shape{1, 1, 3, 1}, {2, 3, 5})
      .Operand<float>(Shape{1, 1, 3, 1}, {1, 10, 100})
      .Result(Shape{1, 1, 3, 1});
  const auto run = c.Run(Rows().back());
  ASSERT_TRUE(run.has_value());
  const auto values = run->results[0].values<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()),
            (std::vector<float>{3 * 1 + 2 * 10, 5 * 1 + 3 * 10 + 2 * 100, 5 * 10 + 3 * 100}));
}

}  // namespace
}  // namespace tersor::kernels::conv2d_grad_input_f32
