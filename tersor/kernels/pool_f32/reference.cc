#include <algorithm>
#include <limits>

#include "tersor/kernels/pool_f32/makers.h"

namespace tersor::kernels::pool_f32 {

namespace {

float Activate(double x, Activation activation) {
  if (activation != Activation::kNone) x = std::max(x, 0.0);
  if (activation == Activation::kRelu6) x = std::min(x, 6.0);
  return static_cast<float>(x);
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

class MaxPool : public Kernel {
 public:
  MaxPool(const PoolGeometry& g, Activation activation) : g_(g), activation_(activation) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* output = call.results[0].as<float>();
    ForEachWindow(g_, [&](int64_t o, auto rows, auto columns, int64_t origin) {
      float largest = -std::numeric_limits<float>::infinity();
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          largest = std::max(largest, input[origin + (h * g_.width + w) * g_.channels]);
        }
      }
      output[o] = Activate(largest, activation_);
    });
  }

 private:
  PoolGeometry g_;
  Activation activation_;
};

class AvgPool : public Kernel {
 public:
  AvgPool(const PoolGeometry& g, Activation activation) : g_(g), activation_(activation) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* mean = call.results[0].as<float>();
    ForEachWindow(g_, [&](int64_t o, auto rows, auto columns, int64_t origin) {
      double sum = 0;
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          sum += input[origin + (h * g_.width + w) * g_.channels];
        }
      }
      const int64_t covered = rows.size() * columns.size();
      mean[o] = Activate(sum / static_cast<double>(g_.Divisor(covered)), activation_);
    });
  }

 private:
  PoolGeometry g_;
  Activation activation_;
};

class MaxPoolGrad : public Kernel {
 public:
  explicit MaxPoolGrad(const PoolGeometry& g) : g_(g) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* input = call.operands[1].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    std::fill_n(input_gradient, g_.batch * g_.height * g_.width * g_.channels, 0.0f);
    ForEachWindow(g_, [&](int64_t o, auto rows, auto columns, int64_t origin) {
      int64_t largest = origin + (rows.begin * g_.width + columns.begin) * g_.channels;
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          const int64_t cell = origin + (h * g_.width + w) * g_.channels;
          if (input[cell] > input[largest]) largest = cell;
        }
      }
      input_gradient[largest] += gradient[o];
    });
  }

 private:
  PoolGeometry g_;
};

class AvgPoolGrad : public Kernel {
 public:
  explicit AvgPoolGrad(const PoolGeometry& g) : g_(g) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    std::fill_n(input_gradient, g_.batch * g_.height * g_.width * g_.channels, 0.0f);
    ForEachWindow(g_, [&](int64_t o, auto rows, auto columns, int64_t origin) {
      const int64_t covered = rows.size() * columns.size();
      const float share = gradient[o] / static_cast<float>(g_.Divisor(covered));
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          input_gradient[origin + (h * g_.width + w) * g_.channels] += share;
        }
      }
    });
  }

 private:
  PoolGeometry g_;
};

}  // namespace

std::unique_ptr<Kernel> MakeMaxPool2dReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadForward(spec, geometry)) return nullptr;
  return std::make_unique<MaxPool>(geometry, spec.attributes->ActivationOf());
}

std::unique_ptr<Kernel> MakeAvgPool2dReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadForward(spec, geometry)) return nullptr;
  return std::make_unique<AvgPool>(geometry, spec.attributes->ActivationOf());
}

std::unique_ptr<Kernel> MakeMaxPool2dGradReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadGradient(spec, geometry)) return nullptr;
  return std::make_unique<MaxPoolGrad>(geometry);
}

std::unique_ptr<Kernel> MakeAvgPool2dGradReference(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadGradient(spec, geometry)) return nullptr;
  return std::make_unique<AvgPoolGrad>(geometry);
}

}  // namespace tersor::kernels::pool_f32
