#include "tersor/kernels/conv2d_grad_filter_f32/conv2d_grad_filter_f32.h"

#include <gtest/gtest.h>

#include "tersor/kernels/conv2d_f32/gradient_testing.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

using testing::ConvolutionShape;
using testing::OperatorCase;
using testing::RandomValues;

constexpr double kTolerance = 2e-5;  // of the largest element

OperatorCase CaseOf(const ConvolutionShape& shape, bool padding_value = false) {
  OperatorCase c;
  shape.SetAttributes(c.attributes);
  c.attributes.Set(Attr::filter_shape, shape.Filter().shape.dims());
  c.Operand(shape.Input(), RandomValues<float>(shape.Input().shape.num_elements(), 1));
  c.Operand(shape.Output(), RandomValues<float>(shape.Output().shape.num_elements(), 2));
  if (padding_value) {
    c.Operand(Shape{shape.in}, RandomValues<float>(shape.in, 3));
  } else {
    c.Absent();
  }
  c.Result(shape.Filter());
  return c;
}

class Conv2dGradFilterF32 : public ::testing::TestWithParam<ConvolutionShape> {};

TEST_P(Conv2dGradFilterF32, RowsAgreeWithTheReference) {
  for (bool padding_value : {false, true}) {
    testing::ExpectRowsAgree(CaseOf(GetParam(), padding_value), Rows(), kTolerance);
  }
}

TEST_P(Conv2dGradFilterF32, GivesTheSameBitsOnAnyNumberOfThreads) {
  testing::ExpectSameBitsOnThreads(CaseOf(GetParam()), Rows());
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dGradFilterF32,
                         ::testing::ValuesIn(testing::kConvolutionShapes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Conv2dGradFilterF32Reference, MatchesTheFormulaByHand) {
  // One channel, a row of three cells, SAME: tap k meets the input cells x + k - 1.
  OperatorCase c;
  c.attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  c.Operand<float>(Shape{1, 1, 3, 1}, {2, 3, 5})
      .Operand<float>(Shape{1, 1, 3, 1}, {1, 10, 100})
      .Operand<float>(Shape{1}, {7})
      .Result(Shape{1, 1, 3, 1});
  const auto run = c.Run(Rows().back());
  ASSERT_TRUE(run.has_value());
  const auto values = run->results[0].values<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()),
            (std::vector<float>{7 * 1 + 2 * 10 + 3 * 100, 2 * 1 + 3 * 10 + 5 * 100,
                                3 * 1 + 5 * 10 + 7 * 100}));
}

}  // namespace
}  // namespace tersor::kernels::conv2d_grad_filter_f32
