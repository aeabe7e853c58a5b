#include "tersor/kernels/layout/layout.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::layout {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

TensorType Quantized(Shape shape, float scale, int32_t zero_point) {
  return {DType::kI8, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

template <typename T>
std::vector<T> Count(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), T{0});
  return values;
}

template <typename T>
std::vector<T> ResultOf(const OperatorCase& c, KernelRows rows) {
  const auto found = c.Run(rows().back());
  if (!found) return {};
  const auto values = found->results[0].template values<T>();
  return {values.begin(), values.end()};
}

using Ints = std::vector<int64_t>;

TEST(Reshape, KeepsTheElements) {
  OperatorCase c;
  c.Operand(Shape{2, 3}, Count<float>(6)).Result({3, 2});
  EXPECT_EQ(ResultOf<float>(c, ReshapeRows), Count<float>(6));
  OperatorCase wrong;
  wrong.Operand(Shape{2, 3}, Count<float>(6)).Result({4});
  EXPECT_FALSE(wrong.Make(ReshapeRows().back()));
}

TEST(Reshape, ChangesTheScaleWhereItDiffers) {
  OperatorCase same;
  same.Operand(Quantized({4}, 0.3f, 5), RandomValues<int8_t>(4, 1))
      .Result(Quantized({2, 2}, 0.3f, 5));
  EXPECT_EQ(ResultOf<int8_t>(same, ReshapeRows), RandomValues<int8_t>(4, 1));
  OperatorCase other;
  other.Operand(Quantized({4}, 0.5f, 1), std::vector<int8_t>{1, 2, 4, -128});
  other.Result(Quantized({2, 2}, 1.0f, 0));
  EXPECT_EQ(ResultOf<int8_t>(other, ReshapeRows), (std::vector<int8_t>{0, 0, 2, -64}));
}

TEST(Reshape, FourBitsWhereRowsKeepTheirBytes) {
  const auto accepts = [](Shape from, Shape to) {
    OperatorCase c;
    const TensorType type{DType::kI4, std::move(from), {}};
    c.Operand(type, std::vector<uint8_t>(static_cast<size_t>(type.size_bytes())));
    c.Result({DType::kI4, std::move(to), {}});
    return c.Run(ReshapeRows().back()).has_value();
  };
  EXPECT_TRUE(accepts({2, 3}, {1, 2, 3}));
  EXPECT_TRUE(accepts({2, 6}, {3, 4}));
  EXPECT_FALSE(accepts({2, 3}, {3, 2}));
}

TEST(Transpose, TwoAxes) {
  OperatorCase c;
  c.Operand(Shape{2, 3}, Count<int16_t>(6)).Result({DType::kI16, {3, 2}, {}});
  c.attributes.Set(Attr::permutation, Ints{1, 0});
  EXPECT_EQ(ResultOf<int16_t>(c, TransposeRows), (std::vector<int16_t>{0, 3, 1, 4, 2, 5}));
}

TEST(Transpose, EveryPermutationOfEveryWidth) {
  const auto check = [](auto zero, DType dtype) {
    using T = decltype(zero);
    const Shape shape{2, 3, 1, 5};
    Ints permutation = {0, 1, 2, 3};
    do {
      Shape result;
      std::vector<int64_t> dims;
      for (int64_t axis : permutation) dims.push_back(shape[static_cast<int>(axis)]);
      result = Shape(dims);
      OperatorCase c;
      const auto in = RandomValues<T>(30, 1);
      c.Operand(TensorType{dtype, shape, {}}, in).Result({dtype, result, {}});
      c.attributes.Set(Attr::permutation, permutation);
      const auto out = ResultOf<T>(c, TransposeRows);
      ASSERT_EQ(out.size(), in.size());
      const int64_t steps[] = {15, 5, 5, 1};
      size_t at = 0;
      for (int64_t a = 0; a < dims[0]; ++a) {
        for (int64_t b = 0; b < dims[1]; ++b) {
          for (int64_t d = 0; d < dims[2]; ++d) {
            for (int64_t e = 0; e < dims[3]; ++e) {
              const int64_t from = a * steps[permutation[0]] + b * steps[permutation[1]] +
                                   d * steps[permutation[2]] + e * steps[permutation[3]];
              EXPECT_EQ(out[at++], in[static_cast<size_t>(from)]);
            }
          }
        }
      }
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  };
  check(int8_t{}, DType::kI8);
  check(int16_t{}, DType::kI16);
  check(float{}, DType::kF32);
  check(int64_t{}, DType::kI64);
}

TEST(Transpose, MovesTheAxisOfPerChannelParameters) {
  OperatorCase c;
  c.Operand(TensorType{DType::kI8, {2, 1}, Quantization{{1, 2}, {0, 0}, 0}}, Count<int8_t>(2));
  c.Result({DType::kI8, {1, 2}, Quantization{{1, 2}, {0, 0}, 1}});
  c.attributes.Set(Attr::permutation, Ints{1, 0});
  EXPECT_EQ(ResultOf<int8_t>(c, TransposeRows), Count<int8_t>(2));
}

TEST(Concat, JoinsAlongAnyAxis) {
  for (int64_t axis : {1, -1}) {
    OperatorCase c;
    c.Operand(Shape{2, 1}, std::vector<float>{1, 4})
        .Operand(Shape{2, 2}, std::vector<float>{2, 3, 5, 6});
    c.Result({2, 3});
    c.attributes.Set(Attr::axis, axis);
    EXPECT_EQ(ResultOf<float>(c, ConcatRows), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  }
  OperatorCase c;
  c.Operand(Shape{1, 2}, std::vector<float>{1, 2})
      .Operand(Shape{2, 2}, std::vector<float>{3, 4, 5, 6});
  c.Result({3, 2});
  c.attributes.Set(Attr::axis, int64_t{0});
  EXPECT_EQ(ResultOf<float>(c, ConcatRows), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Concat, BringsEachInputToTheScaleOfTheResult) {
  OperatorCase c;
  c.Operand(Quantized({1, 2}, 1.0f, 0), std::vector<int8_t>{1, -3});
  c.Operand(Quantized({1, 2}, 0.5f, 2), std::vector<int8_t>{2, 6});
  c.Result(Quantized({1, 4}, 1.0f, 0));
  c.attributes.Set(Attr::axis, int64_t{1});
  EXPECT_EQ(ResultOf<int8_t>(c, ConcatRows), (std::vector<int8_t>{1, -3, 0, 2}));
}

TEST(Pad, PutsTheValueAround) {
  OperatorCase c;
  c.Operand(Shape{2, 2}, std::vector<float>{1, 2, 3, 4}).Result({4, 3});
  c.attributes.Set(Attr::pads, Ints{1, 1, 1, 0}).Set(Attr::value, 9.0);
  EXPECT_EQ(ResultOf<float>(c, PadRows), (std::vector<float>{9, 9, 9, 9, 1, 2, 9, 3, 4, 9, 9, 9}));
}

TEST(Pad, ZeroIsTheZeroPoint) {
  OperatorCase c;
  c.Operand(Quantized({1, 2, 1}, 0.5f, -7), std::vector<int8_t>{1, 2})
      .Result(Quantized({1, 4, 1}, 0.5f, -7));
  c.attributes.Set(Attr::pads, Ints{0, 0, 1, 1, 0, 0});
  EXPECT_EQ(ResultOf<int8_t>(c, PadRows), (std::vector<int8_t>{-7, 1, 2, -7}));
  c.attributes.Set(Attr::value, 2.0);
  EXPECT_EQ(ResultOf<int8_t>(c, PadRows), (std::vector<int8_t>{-3, 1, 2, -3}));
}

TEST(Pad, OfIntegersAndOddWidths) {
  OperatorCase c;
  c.Operand(Shape{1}, std::vector<int64_t>{5}).Result({DType::kI64, {3}, {}});
  c.attributes.Set(Attr::pads, Ints{1, 1}).Set(Attr::value, -2.0);
  EXPECT_EQ(ResultOf<int64_t>(c, PadRows), (std::vector<int64_t>{-2, 5, -2}));
}

}  // namespace
}  // namespace tersor::kernels::layout
