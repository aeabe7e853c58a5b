// Gradients of pooling for the vector width of the file that includes it. One thread.
#pragma once

#include "tersor/kernels/pool_f32/pool_x86.h"

namespace tersor::kernels::pool_f32 {
namespace {

/// Two rows of the input's gradient from one row of two by two windows.
inline void TwoByTwoMaxGradRow(const PoolGeometry& g, const float* gradient, const float* upper,
                               float* upper_gradient) {
  const int64_t channels = g.channels, row = g.width * channels;
  const auto window = [&](int64_t to, int64_t from, int lanes) {
    const Vector a = LoadUpTo(upper + to, lanes), b = LoadUpTo(upper + to + channels, lanes);
    const Vector c = LoadUpTo(upper + to + row, lanes);
    const Vector d = LoadUpTo(upper + to + row + channels, lanes);
    const Vector value = LoadUpTo(gradient + from, lanes);
    const Vector largest = Vector::Max(Vector::Max(a, b), Vector::Max(c, d));
    const auto is_a = Vector::Equal(a, largest), is_b = Vector::Equal(b, largest);
    const auto is_c = Vector::Equal(c, largest), is_d = Vector::Equal(d, largest);
    const auto in_ab = Vector::Or(is_a, is_b);
    float* cell = upper_gradient + to;
    StoreUpTo(Vector::Keep(is_a, value), cell, lanes);
    StoreUpTo(Vector::Keep(Vector::AndNot(is_b, is_a), value), cell + channels, lanes);
    StoreUpTo(Vector::Keep(Vector::AndNot(is_c, in_ab), value), cell + row, lanes);
    StoreUpTo(Vector::Keep(Vector::AndNot(is_d, Vector::Or(in_ab, is_c)), value),
              cell + row + channels, lanes);
  };
  const int64_t used = 2 * g.output_width * channels;
  for (int64_t x = 0; x < g.output_width; ++x) {
    const int64_t to = 2 * x * channels, from = x * channels;
    if (channels >= kLanes) {
      ForEachVector(channels, [&](int64_t c) { window(to + c, from + c, kLanes); });
    } else {
      const bool whole = from + kLanes <= g.output_width * channels;
      window(to, from, whole ? kLanes : static_cast<int>(channels));
    }
  }
  std::fill(upper_gradient + used, upper_gradient + row, 0.0f);
  std::fill(upper_gradient + row + used, upper_gradient + 2 * row, 0.0f);
}

/// body(c, lanes) for vectors that cover channels [0, channels) once each.
template <typename Body>
inline void ForEachPart(int64_t channels, Body body) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    body(c, static_cast<int>(std::min<int64_t>(kLanes, channels - c)));
  }
}

class MaxGradKernel : public Kernel {
 public:
  explicit MaxGradKernel(const PoolGeometry& g) : g_(g), two_by_two_(g.IsTwoByTwo()) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* input = call.operands[1].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    const int64_t row = g_.width * g_.channels, image = g_.height * row;
    for (int64_t n = 0; n < g_.batch; ++n, input += image, input_gradient += image) {
      if (!two_by_two_) std::fill_n(input_gradient, image, 0.0f);
      for (int64_t y = 0; y < g_.output_height; ++y) {
        if (two_by_two_) {
          TwoByTwoMaxGradRow(g_, gradient, input + 2 * y * row, input_gradient + 2 * y * row);
        } else {
          AnyRow(gradient, input, y, input_gradient);
        }
        gradient += g_.output_width * g_.channels;
      }
      if (two_by_two_) {
        std::fill(input_gradient + 2 * g_.output_height * row, input_gradient + image, 0.0f);
      }
    }
  }

 private:
  void AnyRow(const float* gradient, const float* image, int64_t y, float* image_gradient) const {
    const auto rows = g_.RowRange(y);
    for (int64_t x = 0; x < g_.output_width; ++x, gradient += g_.channels) {
      const auto columns = g_.ColumnRange(x);
      ForEachPart(g_.channels, [&](int64_t c, int lanes) {
        const Vector largest = PoolCells<true>(g_, image + c, rows, columns, lanes);
        const Vector value = LoadUpTo(gradient + c, lanes);
        auto open = Vector::Equal(Vector::Zero(), Vector::Zero());
        for (int64_t h = rows.first; h < rows.second; ++h) {
          for (int64_t w = columns.first; w < columns.second; ++w) {
            const int64_t cell = (h * g_.width + w) * g_.channels + c;
            const auto here =
                Vector::And(open, Vector::Equal(LoadUpTo(image + cell, lanes), largest));
            open = Vector::AndNot(open, here);
            float* to = image_gradient + cell;
            StoreUpTo(LoadUpTo(to, lanes) + Vector::Keep(here, value), to, lanes);
          }
        }
      });
    }
  }

  PoolGeometry g_;
  bool two_by_two_;
};

class AvgGradKernel : public Kernel {
 public:
  explicit AvgGradKernel(const PoolGeometry& g) : g_(g) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    const int64_t image = g_.height * g_.width * g_.channels;
    for (int64_t n = 0; n < g_.batch; ++n, input_gradient += image) {
      std::fill_n(input_gradient, image, 0.0f);
      for (int64_t y = 0; y < g_.output_height; ++y) {
        const auto rows = g_.RowRange(y);
        for (int64_t x = 0; x < g_.output_width; ++x, gradient += g_.channels) {
          Spread(gradient, rows, g_.ColumnRange(x), input_gradient);
        }
      }
    }
  }

 private:
  void Spread(const float* gradient, std::pair<int64_t, int64_t> rows,
              std::pair<int64_t, int64_t> columns, float* image_gradient) const {
    const int64_t covered = (rows.second - rows.first) * (columns.second - columns.first);
    const Vector divisor = Vector::Fill(static_cast<float>(g_.Divisor(covered)));
    ForEachPart(g_.channels, [&](int64_t c, int lanes) {
      const Vector share = LoadUpTo(gradient + c, lanes) / divisor;
      for (int64_t h = rows.first; h < rows.second; ++h) {
        for (int64_t w = columns.first; w < columns.second; ++w) {
          float* to = image_gradient + (h * g_.width + w) * g_.channels + c;
          StoreUpTo(LoadUpTo(to, lanes) + share, to, lanes);
        }
      }
    });
  }

  PoolGeometry g_;
};

template <typename GradKernel>
std::unique_ptr<Kernel> MakeGradient(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadGradient(spec, geometry)) return nullptr;
  return std::make_unique<GradKernel>(geometry);
}

}  // namespace
}  // namespace tersor::kernels::pool_f32
