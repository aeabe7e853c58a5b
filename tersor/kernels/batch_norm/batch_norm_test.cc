#include "tersor/kernels/batch_norm/batch_norm.h"

#include <gtest/gtest.h>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::batch_norm {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

const Shape kShapes[] = {{1, 1, 1, 1},  {2, 4, 4, 3},   {3, 7, 5, 6},    {2, 9, 9, 13},
                         {2, 8, 8, 32}, {1, 5, 7, 51},  {2, 33, 9, 127}, {64, 128},
                         {5, 17},       {1, 3, 1, 300}, {4, 32, 32, 8},  {8, 32, 32, 26}};

std::vector<float> Positive(int64_t count, uint64_t seed) {
  auto values = RandomValues<float>(count, seed);
  for (float& value : values) value = std::abs(value) + 0.1f;
  return values;
}

OperatorCase NormCase(const Shape& shape) {
  const int64_t channels = shape.dims().back();
  OperatorCase c;
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 1));
  c.Operand({channels}, RandomValues<float>(channels, 2));
  c.Operand({channels}, RandomValues<float>(channels, 3));
  c.Operand({channels}, RandomValues<float>(channels, 4));
  c.Operand({channels}, Positive(channels, 5)).Result(shape);
  return c;
}

OperatorCase MomentsCase(const Shape& shape) {
  OperatorCase c;
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 1));
  c.Result({3, shape.dims().back()});
  return c;
}

OperatorCase GradSumsCase(const Shape& shape) {
  const int64_t channels = shape.dims().back();
  OperatorCase c;
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 1));
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 2));
  c.Operand({channels}, RandomValues<float>(channels, 3));
  c.Operand({channels}, Positive(channels, 4)).Result({2, channels});
  return c;
}

OperatorCase GradCase(const Shape& shape) {
  const int64_t channels = shape.dims().back();
  OperatorCase c;
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 1));
  c.Operand(shape, RandomValues<float>(shape.num_elements(), 2));
  c.Operand({channels}, RandomValues<float>(channels, 3));
  c.Operand({channels}, RandomValues<float>(channels, 4));
  c.Operand({channels}, Positive(channels, 5));
  c.Operand({2, channels}, RandomValues<float>(2 * channels, 6));
  c.Operand(Shape{}, std::vector<float>{static_cast<float>(shape.num_elements() / channels)});
  c.Result(shape);
  return c;
}

/// `scale`: what an error is measured against, besides the result's own size.
void ExpectEqualsReference(const OperatorCase& c, std::span<const KernelRow> rows, double scale,
                           double tolerance, const Shape& shape) {
  const auto expected = c.Run(rows.back());
  ASSERT_TRUE(expected.has_value());
  for (const KernelRow& row : testing::AvailableRows(rows)) {
    const auto actual = c.Run(row);
    ASSERT_TRUE(actual.has_value());
    EXPECT_LE(testing::LargestError(actual->results[0].values<float>(),
                                    expected->results[0].values<float>(), scale),
              tolerance)
        << row.family << " " << row.name << " " << shape.ToString();
  }
}

TEST(BatchNorm, EveryRowEqualsTheReference) {
  for (const Shape& shape : kShapes) {
    const auto cells = static_cast<double>(shape.num_elements() / shape.dims().back());
    ExpectEqualsReference(NormCase(shape), BatchNormRows(), 1, 1e-5, shape);
    ExpectEqualsReference(GradCase(shape), BatchNormGradRows(), 1, 1e-5, shape);
    ExpectEqualsReference(MomentsCase(shape), BatchNormMomentsRows(), cells, 2e-6, shape);
    ExpectEqualsReference(GradSumsCase(shape), BatchNormGradSumsRows(), cells, 2e-6, shape);
  }
}

TEST(BatchNorm, ThreadsDoNotChangeABit) {
  auto pool = ThreadPool::Create(3).value();
  for (const KernelRow& row : testing::AvailableRows(BatchNormRows())) {
    auto c = NormCase({4, 32, 32, 13});
    const auto single = c.Run(row);
    c.pool = &pool;
    EXPECT_TRUE(testing::SameBits(c.Run(row)->results[0], single->results[0])) << row.name;
  }
}

TEST(BatchNormMoments, SumsManyCellsAccurately) {
  // Every lane adds the same inexact value: naive f32 sums would drift by far more than 1e-6.
  const Shape shape = {256, 32, 32, 3};
  OperatorCase c;
  c.Operand(shape, std::vector<float>(static_cast<size_t>(shape.num_elements()), 0.1f));
  c.Result({3, 3});
  for (const KernelRow& row : testing::AvailableRows(BatchNormMomentsRows())) {
    const auto run = c.Run(row);
    const auto sums = run->results[0].values<float>();
    EXPECT_NEAR(sums[0] / 262144, 0.1f, 2e-7) << row.name;
    EXPECT_NEAR(sums[4] / 262144, 0.01f, 2e-8) << row.name;
    EXPECT_EQ(sums[8], 262144) << row.name;
  }
}

TEST(BatchNormStatistics, FollowsTheFormula) {
  OperatorCase c;
  c.Operand({3, 2}, std::vector<float>{8, 4, 20, 3, 4, 4}).Result({2}).Result({2}).Result(Shape{});
  for (const KernelRow& row : testing::AvailableRows(BatchNormStatisticsRows())) {
    const auto run = c.Run(row);
    EXPECT_EQ(run->results[0].values<float>()[0], 2);
    EXPECT_EQ(run->results[0].values<float>()[1], 1);
    EXPECT_EQ(run->results[1].values<float>()[0], 1);
    EXPECT_EQ(run->results[1].values<float>()[1], 0) << "never negative";
    EXPECT_EQ(run->results[2].values<float>()[0], 4);
  }
}

/// sum of gradient * batch norm of input with its own mean and variance, in double.
double WeightedTrainingNorm(const std::vector<double>& input, const std::vector<float>& gradient,
                            const std::vector<float>& scale, double epsilon) {
  const size_t channels = scale.size(), cells = input.size() / channels;
  double total = 0;
  for (size_t c = 0; c < channels; ++c) {
    double mean = 0, variance = 0;
    for (size_t p = 0; p < cells; ++p) mean += input[p * channels + c];
    mean /= static_cast<double>(cells);
    for (size_t p = 0; p < cells; ++p) {
      variance += (input[p * channels + c] - mean) * (input[p * channels + c] - mean);
    }
    variance /= static_cast<double>(cells);
    for (size_t p = 0; p < cells; ++p) {
      const size_t i = p * channels + c;
      total += gradient[i] * scale[c] * (input[i] - mean) / std::sqrt(variance + epsilon);
    }
  }
  return total;
}

/// Moments, statistics, gradient sums and gradient, one after the other, as a training graph does.
TEST(BatchNormGrad, TheChainMatchesFiniteDifferences) {
  constexpr int64_t kChannels = 3;
  const Shape shape = {2, 3, 2, kChannels};
  const auto input = RandomValues<float>(shape.num_elements(), 1);
  const auto gradient = RandomValues<float>(shape.num_elements(), 2);
  const auto scale = RandomValues<float>(kChannels, 3);
  const auto numeric = testing::NumericGradient(
      [&](const std::vector<double>& x) { return WeightedTrainingNorm(x, gradient, scale, 0.01); },
      input);
  const auto copy = [](const Tensor& tensor) {
    const auto values = tensor.values<float>();
    return std::vector<float>(values.begin(), values.end());
  };
  for (const KernelRow& row : testing::AvailableRows(BatchNormGradRows())) {
    const auto same = [&](std::span<const KernelRow> rows) {
      for (const KernelRow& other : rows) {
        if (other.name == row.name) return other;
      }
      return rows.back();
    };
    OperatorCase moments, statistics, grad_sums, grad;
    moments.Operand(shape, input).Result({3, kChannels});
    statistics.Operand({3, kChannels}, copy(moments.Run(same(BatchNormMomentsRows()))->results[0]))
        .Result({kChannels})
        .Result({kChannels})
        .Result(Shape{});
    const auto stats = statistics.Run(same(BatchNormStatisticsRows()));
    const auto mean = copy(stats->results[0]), variance = copy(stats->results[1]);
    grad_sums.Operand(shape, gradient).Operand(shape, input);
    grad_sums.Operand({kChannels}, mean).Operand({kChannels}, variance).Result({2, kChannels});
    grad_sums.attributes.Set(Attr::epsilon, 0.01);
    const auto sums = copy(grad_sums.Run(same(BatchNormGradSumsRows()))->results[0]);
    grad.Operand(shape, gradient).Operand(shape, input).Operand({kChannels}, scale);
    grad.Operand({kChannels}, mean).Operand({kChannels}, variance);
    grad.Operand({2, kChannels}, sums).Operand(Shape{}, copy(stats->results[2])).Result(shape);
    grad.attributes.Set(Attr::epsilon, 0.01);
    const auto run = grad.Run(row);
    EXPECT_LE(testing::LargestError(run->results[0].values<float>(), numeric), 2e-5) << row.name;
  }
}

}  // namespace
}  // namespace tersor::kernels::batch_norm
