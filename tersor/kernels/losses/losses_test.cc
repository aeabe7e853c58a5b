#include "tersor/kernels/losses/losses.h"

#include <gtest/gtest.h>

#include <limits>

#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::losses {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

constexpr int64_t kExamples = 3, kClasses = 4;
const std::vector<int32_t> kLabels = {2, 0, 3};

std::vector<double> SoftmaxOf(const double* z) {
  double sum = 0;
  std::vector<double> result;
  for (int64_t k = 0; k < kClasses; ++k) sum += std::exp(z[k]);
  for (int64_t k = 0; k < kClasses; ++k) result.push_back(std::exp(z[k]) / sum);
  return result;
}

/// Cross-entropy of row n, in double, straight from its definition.
double LossOf(const std::vector<double>& logits, int64_t n, double smoothing) {
  const auto probability = SoftmaxOf(logits.data() + n * kClasses);
  double loss = 0;
  for (int64_t k = 0; k < kClasses; ++k) {
    const double hit = k == kLabels[static_cast<size_t>(n)] ? 1 - smoothing : 0;
    loss -= (hit + smoothing / kClasses) * std::log(probability[static_cast<size_t>(k)]);
  }
  return loss;
}

OperatorCase Loss(const std::vector<float>& logits, const std::vector<int32_t>& labels,
                  double smoothing) {
  OperatorCase c;
  c.Operand({kExamples, kClasses}, logits).Operand({kExamples}, labels).Result({kExamples});
  c.attributes.Set(Attr::label_smoothing, smoothing);
  return c;
}

OperatorCase LossGrad(const std::vector<float>& gradient, const std::vector<float>& logits,
                      const std::vector<int32_t>& labels, double smoothing) {
  OperatorCase c;
  c.Operand({kExamples}, gradient).Operand({kExamples, kClasses}, logits);
  c.Operand({kExamples}, labels).Result({kExamples, kClasses});
  c.attributes.Set(Attr::label_smoothing, smoothing);
  return c;
}

TEST(CrossEntropy, FollowsTheDefinition) {
  const auto logits = RandomValues<float>(kExamples * kClasses, 1);
  const std::vector<double> z(logits.begin(), logits.end());
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyRows())) {
    for (const double smoothing : {0.0, 0.1}) {
      const auto run = Loss(logits, kLabels, smoothing).Run(row);
      for (int64_t n = 0; n < kExamples; ++n) {
        EXPECT_NEAR(run->results[0].values<float>()[static_cast<size_t>(n)],
                    LossOf(z, n, smoothing), 1e-6);
      }
    }
  }
}

TEST(CrossEntropy, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {1e4f, 0, 9e3f, 0, -1e4f, 0, 0, 0, 1, 2, 3, 1e30f};
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyRows())) {
    const auto run = Loss(logits, {2, 1, 3}, 0).Run(row);
    const auto loss = run->results[0].values<float>();
    EXPECT_EQ(loss[0], 1000);
    EXPECT_NEAR(loss[1], std::log(3.0), 1e-6);
    EXPECT_EQ(loss[2], 0);
  }
}

TEST(CrossEntropy, AWrongLabelIsNaN) {
  const auto logits = RandomValues<float>(kExamples * kClasses, 1);
  const std::vector<int32_t> labels = {kClasses, -1, 0};
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyRows())) {
    const auto run = Loss(logits, labels, 0).Run(row);
    const auto loss = run->results[0].values<float>();
    EXPECT_TRUE(std::isnan(loss[0]) && std::isnan(loss[1]) && !std::isnan(loss[2]));
  }
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyGradRows())) {
    const auto run = LossGrad({1, 1, 1}, logits, labels, 0).Run(row);
    const auto gradient = run->results[0].values<float>();
    EXPECT_TRUE(std::isnan(gradient[0]) && std::isnan(gradient[4]) && !std::isnan(gradient[8]));
  }
}

TEST(CrossEntropyGrad, MatchesFiniteDifferences) {
  const auto logits = RandomValues<float>(kExamples * kClasses, 1);
  const auto gradient = RandomValues<float>(kExamples, 2);
  for (const double smoothing : {0.0, 0.1}) {
    const auto numeric = testing::NumericGradient(
        [&](const std::vector<double>& z) {
          double total = 0;
          for (int64_t n = 0; n < kExamples; ++n) {
            total += gradient[static_cast<size_t>(n)] * LossOf(z, n, smoothing);
          }
          return total;
        },
        logits);
    for (const KernelRow& row : testing::AvailableRows(CrossEntropyGradRows())) {
      const auto run = LossGrad(gradient, logits, kLabels, smoothing).Run(row);
      EXPECT_LE(testing::LargestError(run->results[0].values<float>(), numeric), 1e-6);
    }
  }
}

std::vector<float> SoftLabels() {  // rows that sum to 1, to 2, and to 0
  return {0.5f, 0.25f, 0.25f, 0, 0, 2, 0, 0, 0, 0, 0, 0};
}

/// The same with a weight for each class, in double, straight from the definition.
double SoftLossOf(const std::vector<double>& logits, int64_t n, double smoothing) {
  const auto labels = SoftLabels();
  const auto probability = SoftmaxOf(logits.data() + n * kClasses);
  double loss = 0;
  for (int64_t k = 0; k < kClasses; ++k) {
    const double label = labels[static_cast<size_t>(n * kClasses + k)];
    loss -= ((1 - smoothing) * label + smoothing / kClasses) *
            std::log(probability[static_cast<size_t>(k)]);
  }
  return loss;
}

TEST(CrossEntropy, SoftLabelsFollowTheDefinition) {
  const auto logits = RandomValues<float>(kExamples * kClasses, 1);
  const std::vector<double> z(logits.begin(), logits.end());
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyRows())) {
    for (const double smoothing : {0.0, 0.1}) {
      OperatorCase c;
      c.Operand({kExamples, kClasses}, logits).Operand({kExamples, kClasses}, SoftLabels());
      c.Result({kExamples});
      c.attributes.Set(Attr::label_smoothing, smoothing);
      const auto run = c.Run(row);
      for (int64_t n = 0; n < kExamples; ++n) {
        EXPECT_NEAR(run->results[0].values<float>()[static_cast<size_t>(n)],
                    SoftLossOf(z, n, smoothing), 1e-6);
      }
    }
  }
}

TEST(CrossEntropy, AClassOfNoWeightMayBeImpossible) {
  const float never = -std::numeric_limits<float>::infinity();
  OperatorCase c;
  c.Operand({1, 2}, std::vector<float>{1, never}).Operand({1, 2}, std::vector<float>{1, 0});
  c.Result({1});
  c.attributes.Set(Attr::label_smoothing, 0.0);
  for (const KernelRow& row : testing::AvailableRows(CrossEntropyRows())) {
    EXPECT_EQ(c.Run(row)->results[0].values<float>()[0], 0);
  }
}

TEST(CrossEntropyGrad, OfSoftLabelsMatchesFiniteDifferences) {
  const auto logits = RandomValues<float>(kExamples * kClasses, 1);
  const auto gradient = RandomValues<float>(kExamples, 2);
  for (const double smoothing : {0.0, 0.1}) {
    const auto numeric = testing::NumericGradient(
        [&](const std::vector<double>& z) {
          double total = 0;
          for (int64_t n = 0; n < kExamples; ++n) {
            total += gradient[static_cast<size_t>(n)] * SoftLossOf(z, n, smoothing);
          }
          return total;
        },
        logits);
    for (const KernelRow& row : testing::AvailableRows(CrossEntropyGradRows())) {
      OperatorCase c;
      c.Operand({kExamples}, gradient).Operand({kExamples, kClasses}, logits);
      c.Operand({kExamples, kClasses}, SoftLabels()).Result({kExamples, kClasses});
      c.attributes.Set(Attr::label_smoothing, smoothing);
      EXPECT_LE(testing::LargestError(c.Run(row)->results[0].values<float>(), numeric), 1e-6);
    }
  }
}

TEST(SoftmaxGrad, MatchesFiniteDifferences) {
  const auto input = RandomValues<float>(kExamples * kClasses, 1);
  const auto gradient = RandomValues<float>(kExamples * kClasses, 2);
  const auto softmax = [](const std::vector<double>& z) {
    std::vector<double> result;
    for (int64_t n = 0; n < kExamples; ++n) {
      for (const double p : SoftmaxOf(z.data() + n * kClasses)) result.push_back(p);
    }
    return result;
  };
  const auto numeric = testing::NumericGradient(
      [&](const std::vector<double>& z) {
        double total = 0;
        const auto output = softmax(z);
        for (size_t i = 0; i < output.size(); ++i) total += gradient[i] * output[i];
        return total;
      },
      input);
  const auto output = softmax({input.begin(), input.end()});
  OperatorCase c;
  c.Operand({kExamples, kClasses}, gradient);
  c.Operand({kExamples, kClasses}, std::vector<float>(output.begin(), output.end()));
  c.Result({kExamples, kClasses});
  for (const KernelRow& row : testing::AvailableRows(SoftmaxGradRows())) {
    EXPECT_LE(testing::LargestError(c.Run(row)->results[0].values<float>(), numeric), 1e-6);
  }
}

}  // namespace
}  // namespace tersor::kernels::losses
