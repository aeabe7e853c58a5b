#include <algorithm>

#include "tersor/kernels/batch_norm/makers.h"

namespace tersor::kernels::batch_norm {

void NormReference(const Extents& e, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  const auto* scale = call.operands[1].as<float>();
  const auto* offset = call.operands[2].as<float>();
  const auto* mean = call.operands[3].as<float>();
  const auto* variance = call.operands[4].as<float>();
  auto* output = call.results[0].as<float>();
  for (int64_t i = 0; i < e.cells * e.channels; ++i) {
    const int64_t c = i % e.channels;
    const double normalized =
        (double{input[i]} - mean[c]) * InverseDeviation(variance[c], e.epsilon);
    output[i] = static_cast<float>(normalized * scale[c] + offset[c]);
  }
}

void MomentsReference(const Extents& e, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  auto* sums = call.results[0].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    double sum = 0, squares = 0;
    for (int64_t p = 0; p < e.cells; ++p) {
      const double x = input[p * e.channels + c];
      sum += x;
      squares += x * x;
    }
    sums[c] = static_cast<float>(sum);
    sums[e.channels + c] = static_cast<float>(squares);
    sums[2 * e.channels + c] = static_cast<float>(e.cells);
  }
}

void StatisticsReference(const Extents& e, const KernelCall& call) {
  const auto* sums = call.operands[0].as<float>();
  auto* mean = call.results[0].as<float>();
  auto* variance = call.results[1].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    const double count = sums[2 * e.channels + c];
    const double m = sums[c] / count;
    mean[c] = static_cast<float>(m);
    variance[c] = static_cast<float>(std::max(0.0, sums[e.channels + c] / count - m * m));
  }
  call.results[2].as<float>()[0] = sums[2 * e.channels];
}

void GradSumsReference(const Extents& e, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  const auto* input = call.operands[1].as<float>();
  const auto* mean = call.operands[2].as<float>();
  const auto* variance = call.operands[3].as<float>();
  auto* sums = call.results[0].as<float>();
  for (int64_t c = 0; c < e.channels; ++c) {
    double sum = 0, products = 0;
    for (int64_t p = 0; p < e.cells; ++p) {
      const int64_t i = p * e.channels + c;
      sum += gradient[i];
      products += gradient[i] * (double{input[i]} - mean[c]);
    }
    sums[c] = static_cast<float>(sum);
    sums[e.channels + c] = static_cast<float>(products * InverseDeviation(variance[c], e.epsilon));
  }
}

void GradReference(const Extents& e, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  const auto* input = call.operands[1].as<float>();
  const auto* scale = call.operands[2].as<float>();
  const auto* mean = call.operands[3].as<float>();
  const auto* variance = call.operands[4].as<float>();
  const auto* sums = call.operands[5].as<float>();
  const double count = call.operands[6].as<float>()[0];
  auto* input_gradient = call.results[0].as<float>();
  for (int64_t i = 0; i < e.cells * e.channels; ++i) {
    const int64_t c = i % e.channels;
    const double r = InverseDeviation(variance[c], e.epsilon);
    const double normalized = (double{input[i]} - mean[c]) * r;
    input_gradient[i] = static_cast<float>(
        scale[c] * r * (gradient[i] - sums[c] / count - normalized * sums[e.channels + c] / count));
  }
}

}  // namespace tersor::kernels::batch_norm
