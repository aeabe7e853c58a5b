// Pooling of f32 images for the vector width of the file that includes it: vectors along the
// channels. Channels that are not whole vectors: the last vector of a cell is moved back over the
// one before it; where a cell is smaller than a vector, whole vectors are stored from left to right
// and the next cell mends what spilled over.
#pragma once

#include <limits>

#include "tersor/kernels/pool_f32/pool_f32.h"
#include "tersor/kernels/simd/x86_vector.h"

namespace tersor::kernels::pool_f32 {
namespace {

constexpr int kLanes = Vector::kLanes;

struct Clamp {
  Vector min, max;
  explicit Clamp(Activation activation)
      : min(Vector::Fill(activation == Activation::kNone ? -std::numeric_limits<float>::infinity()
                                                         : 0.0f)),
        max(Vector::Fill(
            activation == Activation::kRelu6 ? 6.0f : std::numeric_limits<float>::infinity())) {}
  Vector operator()(Vector x) const { return Vector::Min(Vector::Max(x, min), max); }
};

/// body(c) for vectors that cover channels [0, channels), channels >= kLanes; the last two may
/// overlap.
template <typename Body>
inline void ForEachVector(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(c);
  if (c < channels) body(channels - kLanes);
}

inline Vector LoadUpTo(const float* p, int lanes) {
  return lanes == kLanes ? Vector::Load(p) : Vector::LoadPart(p, lanes);
}
inline void StoreUpTo(Vector v, float* p, int lanes) {
  lanes == kLanes ? v.Store(p) : v.StorePart(p, lanes);
}

/// One row of two by two maxima from the rows `upper` and `lower`.
inline void TwoByTwoMaxRow(const PoolGeometry& g, const float* upper, const float* lower,
                           const Clamp& clamp, float* output) {
  const int64_t channels = g.channels;
  const auto maximum = [](Vector a, Vector b, Vector c, Vector d) {
    return Vector::Max(Vector::Max(a, b), Vector::Max(c, d));
  };
  if (channels >= kLanes) {
    for (int64_t x = 0; x < g.output_width; ++x) {
      ForEachVector(channels, [&](int64_t c) {
        clamp(maximum(Vector::Load(upper + c), Vector::Load(upper + channels + c),
                      Vector::Load(lower + c), Vector::Load(lower + channels + c)))
            .Store(output + c);
      });
      upper += 2 * channels;
      lower += 2 * channels;
      output += channels;
    }
    return;
  }
  const float* output_end = output + g.output_width * channels;
  for (int64_t x = 0; x < g.output_width; ++x) {
    // A whole vector fits before the output row's end only if it fits before the input row's.
    const int lanes = output + kLanes <= output_end ? kLanes : static_cast<int>(channels);
    StoreUpTo(clamp(maximum(LoadUpTo(upper, lanes), LoadUpTo(upper + channels, lanes),
                            LoadUpTo(lower, lanes), LoadUpTo(lower + channels, lanes))),
              output, lanes);
    upper += 2 * channels;
    lower += 2 * channels;
    output += channels;
  }
}

/// One window, `lanes` channels: the maximum or the sum of its cells.
template <bool kMax>
inline Vector PoolCells(const PoolGeometry& g, const float* image, std::pair<int64_t, int64_t> rows,
                        std::pair<int64_t, int64_t> columns, int lanes) {
  Vector total = kMax ? Vector::Fill(-std::numeric_limits<float>::infinity()) : Vector::Zero();
  for (int64_t h = rows.first; h < rows.second; ++h) {
    const float* cell = image + (h * g.width + columns.first) * g.channels;
    for (int64_t w = columns.first; w < columns.second; ++w, cell += g.channels) {
      const Vector value = LoadUpTo(cell, lanes);
      total = kMax ? Vector::Max(total, value) : total + value;
    }
  }
  return total;
}

template <bool kMax>
inline void PoolRow(const PoolGeometry& g, const float* image, int64_t y, const Clamp& clamp,
                    float* output) {
  const auto rows = g.RowRange(y);
  for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
    const auto columns = g.ColumnRange(x);
    Vector factor = Vector::Fill(1);
    if (!kMax) {
      const int64_t covered = (rows.second - rows.first) * (columns.second - columns.first);
      factor = Vector::Fill(1.0f / static_cast<float>(g.Divisor(covered)));
    }
    if (g.channels >= kLanes) {
      ForEachVector(g.channels, [&](int64_t c) {
        const Vector total = PoolCells<kMax>(g, image + c, rows, columns, kLanes);
        clamp(kMax ? total : total * factor).Store(output + c);
      });
    } else {
      const int lanes = static_cast<int>(g.channels);
      const Vector total = PoolCells<kMax>(g, image, rows, columns, lanes);
      clamp(kMax ? total : total * factor).StorePart(output, lanes);
    }
  }
}

template <bool kMax>
class ForwardKernel : public Kernel {
 public:
  ForwardKernel(const PoolGeometry& g, Activation activation, int threads)
      : g_(g), activation_(activation), two_by_two_(kMax && g.IsTwoByTwo()) {
    constexpr int64_t kTaskValues = 50'000;  // some ten microseconds of reading
    const int64_t rows = g.batch * g.output_height;
    const int64_t values = g.batch * g.height * g.width * g.channels;
    tasks_ =
        static_cast<int>(std::clamp<int64_t>(std::min(values / kTaskValues, rows), 1, threads));
  }

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<float>();
    auto* output = call.results[0].as<float>();
    const int64_t rows = g_.batch * g_.output_height;
    call.pool->Run(tasks_, [&](int task) {
      const Clamp clamp(activation_);
      for (int64_t row = rows * task / tasks_; row < rows * (task + 1) / tasks_; ++row) {
        const int64_t n = row / g_.output_height, y = row % g_.output_height;
        const float* image = input + n * g_.height * g_.width * g_.channels;
        float* to = output + row * g_.output_width * g_.channels;
        if (two_by_two_) {
          const float* upper = image + 2 * y * g_.width * g_.channels;
          TwoByTwoMaxRow(g_, upper, upper + g_.width * g_.channels, clamp, to);
        } else {
          PoolRow<kMax>(g_, image, y, clamp, to);
        }
      }
    });
  }

 private:
  PoolGeometry g_;
  Activation activation_;
  bool two_by_two_;
  int tasks_;
};

template <bool kMax>
std::unique_ptr<Kernel> MakeForward(const KernelSpec& spec) {
  PoolGeometry geometry;
  if (!ReadForward(spec, geometry)) return nullptr;
  return std::make_unique<ForwardKernel<kMax>>(geometry, spec.attributes->ActivationOf(),
                                               spec.threads);
}

}  // namespace
}  // namespace tersor::kernels::pool_f32
