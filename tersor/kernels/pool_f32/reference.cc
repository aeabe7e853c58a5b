#include <algorithm>
#include <limits>

#include "tersor/kernels/pool_f32/makers.h"

namespace tersor::kernels::pool_f32 {

namespace {

float Activate(double x, Activation activation) {
  const ActivationBounds bounds = BoundsOf(activation);
  return static_cast<float>(std::clamp<double>(x, bounds.low, bounds.high));
}

/// Calls body(output index, [first row, last row), [first column, last column), index of cell
/// (0, 0) of the image) for each window and channel.
template <typename Body>
void ForEachWindow(const PoolGeometry& g, Body body) {
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t y = 0; y < g.output_height; ++y) {
      for (int64_t x = 0; x < g.output_width; ++x) {
        for (int64_t c = 0; c < g.channels; ++c) {
          const int64_t output = ((n * g.output_height + y) * g.output_width + x) * g.channels + c;
          body(output, g.RowRange(y), g.ColumnRange(x), n * g.height * g.width * g.channels + c);
        }
      }
    }
  }
}

}  // namespace

void MaxPoolReference(const PoolGeometry& g, Activation activation, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  auto* output = call.results[0].as<float>();
  ForEachWindow(g, [&](int64_t o, auto rows, auto columns, int64_t origin) {
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        largest = std::max(largest, input[origin + (h * g.width + w) * g.channels]);
      }
    }
    output[o] = Activate(largest, activation);
  });
}

void AvgPoolReference(const PoolGeometry& g, Activation activation, const KernelCall& call) {
  const auto* input = call.operands[0].as<float>();
  auto* mean = call.results[0].as<float>();
  ForEachWindow(g, [&](int64_t o, auto rows, auto columns, int64_t origin) {
    double sum = 0;
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        sum += input[origin + (h * g.width + w) * g.channels];
      }
    }
    const int64_t covered = rows.size() * columns.size();
    mean[o] = Activate(sum / static_cast<double>(g.Divisor(covered)), activation);
  });
}

void MaxPoolGradReference(const PoolGeometry& g, Activation, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  const auto* input = call.operands[1].as<float>();
  auto* input_gradient = call.results[0].as<float>();
  std::fill_n(input_gradient, g.batch * g.height * g.width * g.channels, 0.0f);
  ForEachWindow(g, [&](int64_t o, auto rows, auto columns, int64_t origin) {
    int64_t largest = origin + (rows.begin * g.width + columns.begin) * g.channels;
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        const int64_t cell = origin + (h * g.width + w) * g.channels;
        if (input[cell] > input[largest]) largest = cell;
      }
    }
    input_gradient[largest] += gradient[o];
  });
}

void AvgPoolGradReference(const PoolGeometry& g, Activation, const KernelCall& call) {
  const auto* gradient = call.operands[0].as<float>();
  auto* input_gradient = call.results[0].as<float>();
  std::fill_n(input_gradient, g.batch * g.height * g.width * g.channels, 0.0f);
  ForEachWindow(g, [&](int64_t o, auto rows, auto columns, int64_t origin) {
    const int64_t covered = rows.size() * columns.size();
    const float share = gradient[o] / static_cast<float>(g.Divisor(covered));
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        input_gradient[origin + (h * g.width + w) * g.channels] += share;
      }
    }
  });
}

}  // namespace tersor::kernels::pool_f32
