#include "tersor/kernels/reduce/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::reduce {
namespace {

using testing::OperatorCase;
using testing::RandomValues;
using Ints = std::vector<int64_t>;

TensorType Quantized(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

const struct {
  Shape shape;
  Ints axes;
  Shape result;
} kCases[] = {
    {{1, 8, 8, 64}, {1, 2}, {1, 64}},
    {{2, 3, 5, 13}, {1, 2}, {2, 13}},
    {{2, 3, 5, 13}, {0, 1, 2}, {13}},
    {{2, 3, 5, 13}, {-1}, {2, 3, 5}},
    {{2, 3, 5, 33}, {1, 3}, {2, 5}},
    {{2, 3, 5, 35}, {0, 2}, {3, 35}},
    {{2, 3, 5, 7}, {0, 1, 2, 3}, {}},
    {{3, 100}, {1}, {3}},
    {{4, 9}, {}, {4, 9}},
    {{1, 1, 1, 17}, {1, 2}, {1, 1, 1, 17}},
    {{}, {}, {}},
};

/// The elements of `in` that go into each result, found index by index.
template <typename T>
std::vector<std::vector<T>> Groups(const Shape& shape, Ints axes, const std::vector<T>& in) {
  for (int64_t& axis : axes) axis += axis < 0 ? shape.rank() : 0;
  const auto reduced = [&](int axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  int64_t results = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) results *= reduced(axis) ? 1 : shape[axis];
  std::vector<std::vector<T>> groups(static_cast<size_t>(results));
  for (size_t i = 0; i < in.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t result = 0, step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const int64_t at = rest % shape[axis];
      rest /= shape[axis];
      if (reduced(axis)) continue;
      result += at * step;
      step *= shape[axis];
    }
    groups[static_cast<size_t>(result)].push_back(in[i]);
  }
  return groups;
}

TEST(Reduce, EveryRowSumsFloats) {
  for (const auto& [shape, axes, result] : kCases) {
    const auto in = RandomValues<float>(shape.num_elements(), 1);
    const auto groups = Groups(shape, axes, in);
    for (KernelRows rows : {ReduceSumRows, ReduceMeanRows}) {
      for (const KernelRow& row : testing::AvailableRows(rows())) {
        OperatorCase c;
        c.Operand(shape, in).Result(result);
        c.attributes.Set(Attr::axes, axes);
        const auto found = c.Run(row);
        ASSERT_TRUE(found);
        for (size_t i = 0; i < groups.size(); ++i) {
          double sum = 0, size = 0;
          for (float x : groups[i]) sum += x, size += std::abs(x);
          const double n = rows == ReduceMeanRows ? static_cast<double>(groups[i].size()) : 1;
          EXPECT_NEAR(found->results[0].values<float>()[i], sum / n, kTolerance * size / n)
              << row.name << shape.ToString() << i;
        }
      }
    }
  }
}

TEST(Reduce, MeansOfIntegersAreThoseOfLiteRt) {
  // What the default delegate of ai-edge-litert gives for MEAN, chosen so that each other way to
  // write the formula gives another integer in one of them: the multiplier in double, by another
  // order of divisions, the zero point of the operand or of the result outside of the offset.
  const struct {
    float scale_in;
    int32_t zero_in;
    float scale_out;
    int32_t zero_out;
    std::vector<int8_t> values;
    int mean;
  } cases[] = {
      {0x1.00f66ep-5f, 50, 0x1.00f66ep-5f, -25, {81, 81, 71, 127, 122, 73}, 18},
      {0x1.4fa238p-6f, 103, 0x1.0c81c6p-9f, -29, {84, 88, 85, 79, 88, 120, 127, 91}, -106},
      {0x1.d1f764p-7f,
       -44,
       0x1.74c5eap-10f,
       -15,
       {-58, -55, -35, -35, 12, -61, -19, -42, -49, 0, -28, -41},
       82},
      {0x1.bbe8fap-8f, -54, 0x1.4ceebcp-7f, -43, {1, 54, 29, 47, 28, 6, 32, -14, 17, 0, 0, -11}, 3},
      {0x1.c8bc34p-6f,
       -86,
       0x1.c8bc34p-6f,
       -48,
       {-5, -1, -65, -8, -6, 6, -32, -45, -71, -44, -25, -46},
       10},
      {0x1.ac8b74p-5f, -11, 0x1.416898p-4f, -45, {26, -7, -1, -9, 36, 7, -4, 38}, -31},
      {0x1.4ce584p-5f,
       99,
       0x1.f35846p-5f,
       -32,
       {-40, -57, -53, -41, 8, -27, -61, -64, -62, -35, 15, -24},
       -123},
      {0x1.3d200cp-4f,
       -70,
       0x1.7c8cdcp-5f,
       -1,
       {-8, -46, -19, 11, -13, -4, -53, -8, -54, -19, -49, -56},
       72},
  };
  for (const auto& p : cases) {
    const auto count = static_cast<int64_t>(p.values.size());
    for (const KernelRow& row : testing::AvailableRows(ReduceMeanRows())) {
      OperatorCase c;
      c.Operand(Quantized(DType::kI8, {count}, p.scale_in, p.zero_in), p.values);
      c.Result(Quantized(DType::kI8, Shape{}, p.scale_out, p.zero_out));
      c.attributes.Set(Attr::axes, std::vector<int64_t>{0});
      EXPECT_EQ(c.Run(row)->results[0].values<int8_t>()[0], p.mean) << row.name;
    }
  }
}

TEST(Reduce, EveryRowSumsIntegersExactly) {
  const auto check = [](auto zero, DType dtype, int32_t zero_in, int32_t zero_out) {
    using T = decltype(zero);
    for (const auto& [shape, axes, result] : kCases) {
      const auto in = RandomValues<T>(shape.num_elements(), 1);
      const auto groups = Groups(shape, axes, in);
      for (KernelRows rows : {ReduceSumRows, ReduceMeanRows}) {
        for (const KernelRow& row : testing::AvailableRows(rows())) {
          OperatorCase c;
          c.Operand(Quantized(dtype, shape, 0.5f, zero_in), in);
          c.Result(Quantized(dtype, result, 0.75f, zero_out));
          c.attributes.Set(Attr::axes, axes);
          const auto found = c.Run(row);
          ASSERT_TRUE(found);
          for (size_t i = 0; i < groups.size(); ++i) {
            int sum = 0;
            for (T q : groups[i]) sum += q;
            const auto count = static_cast<float>(groups[i].size());
            const float m = 0.5f / 0.75f * (1.0f / (rows == ReduceMeanRows ? count : 1));
            const float offset =
                static_cast<float>(zero_out) - static_cast<float>(zero_in) * count * m;
            const float q = std::nearbyint(static_cast<float>(sum) * m + offset);
            EXPECT_EQ(
                found->results[0].template values<T>()[i],
                std::clamp<float>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()))
                << row.name << shape.ToString() << i;
          }
        }
      }
    }
  };
  check(int8_t{}, DType::kI8, -3, 5);
  check(uint8_t{}, DType::kU8, 130, 7);
}

TEST(Reduce, MaximumOfFloatsAndIntegers) {
  for (const auto& [shape, axes, result] : kCases) {
    const auto in = RandomValues<float>(shape.num_elements(), 1);
    const auto groups = Groups(shape, axes, in);
    OperatorCase c;
    c.Operand(shape, in).Result(result);
    c.attributes.Set(Attr::axes, axes);
    const auto found = c.Run(ReduceMaxRows().back());
    for (size_t i = 0; i < groups.size(); ++i) {
      EXPECT_EQ(found->results[0].values<float>()[i],
                *std::max_element(groups[i].begin(), groups[i].end()));
    }
  }
  OperatorCase c;
  c.Operand(Quantized(DType::kI8, {3}, 0.5f, 1), std::vector<int8_t>{-4, 7, 2});
  c.Result(Quantized(DType::kI8, {1}, 1.0f, -10));
  c.attributes.Set(Attr::axes, Ints{0});
  EXPECT_EQ(c.Run(ReduceMaxRows().back())->results[0].values<int8_t>()[0], -7);
}

TEST(Reduce, PlainIntegersWrap) {
  OperatorCase c;
  c.Operand(Shape{2, 2}, std::vector<int32_t>{INT32_MAX, 5, 1, 6}).Result({DType::kI32, {2}, {}});
  c.attributes.Set(Attr::axes, Ints{0});
  const auto found = c.Run(ReduceSumRows().back());
  EXPECT_EQ(found->results[0].values<int32_t>()[0], INT32_MIN);
  EXPECT_EQ(found->results[0].values<int32_t>()[1], 11);
  EXPECT_FALSE(c.Run(ReduceMeanRows().back()));
}

TEST(Reduce, ANotANumberIsNotLost) {
  for (KernelRows rows : {ReduceSumRows, ReduceMeanRows, ReduceMaxRows}) {
    for (const KernelRow& row : testing::AvailableRows(rows())) {
      OperatorCase c;
      std::vector<float> x(40, 1.0f);
      x[20] = std::numeric_limits<float>::quiet_NaN();
      c.Operand(Shape{40}, x).Result({1});
      c.attributes.Set(Attr::axes, Ints{0});
      EXPECT_TRUE(std::isnan(c.Run(row)->results[0].values<float>()[0])) << row.name;
    }
  }
}

TEST(Reduce, RefusesASumThatCouldLeaveInt32) {
  const TensorType in = Quantized(DType::kI8, {1 << 23}, 1, 0),
                   out = Quantized(DType::kI8, {}, 1, 0);
  const ConstTensorView operands[] = {{&in, nullptr}};
  Attributes attributes;
  attributes.Set(Attr::axes, Ints{0});
  for (const KernelRow& row : ReduceSumRows()) {
    EXPECT_FALSE(row.make({operands, {&out, 1}, &attributes, {}, 1}));
  }
}

}  // namespace
}  // namespace tersor::kernels::reduce
