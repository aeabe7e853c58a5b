// The loops of loops.h over the vector of the including file: vectors along the channels. Channels
// that are not whole vectors: the last vector of a cell is moved back over the one before it; where
// a cell is smaller than a vector, whole vectors are stored from left to right and the next cell
// mends what spilled over.
#pragma once

#include "tersor/kernels/pool_f32/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::pool_f32 {
namespace {

constexpr float kInfinity = __builtin_inff();

struct Clamp {
  F32 min, max;
  explicit Clamp(Bounds bounds) : min(F32::Fill(bounds.min)), max(F32::Fill(bounds.max)) {}
  F32 operator()(F32 x) const { return Min(Max(x, min), max); }
};

inline void SetZero(float* p, int64_t count) {
  __builtin_memset(p, 0, static_cast<size_t>(count) * sizeof(float));
}

/// body(c) for vectors that cover channels [0, channels), channels >= kLanes; the last two may
/// overlap.
template <typename Body>
inline void ForEachVector(int64_t channels, const Body& body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(c);
  if (c < channels) body(channels - kLanes);
}

/// One row of two by two maxima from the rows `upper` and `lower`.
inline void TwoByTwoMaxRow(const PoolGeometry& g, const float* upper, const float* lower,
                           const Clamp& clamp, float* output) {
  const int64_t channels = g.channels;
  const auto maximum = [](F32 a, F32 b, F32 c, F32 d) { return Max(Max(a, b), Max(c, d)); };
  if (channels >= kLanes) {
    for (int64_t x = 0; x < g.output_width; ++x) {
      ForEachVector(channels, [&](int64_t c) {
        clamp(maximum(F32::Load(upper + c), F32::Load(upper + channels + c), F32::Load(lower + c),
                      F32::Load(lower + channels + c)))
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
    const int64_t lanes = output + kLanes <= output_end ? kLanes : channels;
    StoreUpTo(output, lanes,
              clamp(maximum(LoadUpTo(upper, lanes), LoadUpTo(upper + channels, lanes),
                            LoadUpTo(lower, lanes), LoadUpTo(lower + channels, lanes))));
    upper += 2 * channels;
    lower += 2 * channels;
    output += channels;
  }
}

/// One window, `lanes` channels: the maximum or the sum of its cells.
template <bool kMax>
inline F32 PoolCells(const PoolGeometry& g, const float* image, CellRange rows, CellRange columns,
                     int64_t lanes) {
  F32 total = kMax ? F32::Fill(-kInfinity) : F32::Zero();
  for (int64_t h = rows.begin; h < rows.end; ++h) {
    const float* cell = image + (h * g.width + columns.begin) * g.channels;
    for (int64_t w = columns.begin; w < columns.end; ++w, cell += g.channels) {
      const F32 value = LoadUpTo(cell, lanes);
      total = kMax ? Max(total, value) : total + value;
    }
  }
  return total;
}

template <bool kMax>
void PoolRow(const PoolGeometry& g, const float* image, int64_t y, Bounds bounds, float* output) {
  const Clamp clamp(bounds);
  if (kMax && g.IsTwoByTwo()) {
    const float* upper = image + 2 * y * g.width * g.channels;
    TwoByTwoMaxRow(g, upper, upper + g.width * g.channels, clamp, output);
    return;
  }
  const CellRange rows = g.RowRange(y);
  for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
    const CellRange columns = g.ColumnRange(x);
    F32 factor = F32::Fill(1);
    if (!kMax) {
      factor = F32::Fill(1.0f / static_cast<float>(g.Divisor(rows.size() * columns.size())));
    }
    if (g.channels >= kLanes) {
      ForEachVector(g.channels, [&](int64_t c) {
        const F32 total = PoolCells<kMax>(g, image + c, rows, columns, kLanes);
        clamp(kMax ? total : total * factor).Store(output + c);
      });
    } else {
      const F32 total = PoolCells<kMax>(g, image, rows, columns, g.channels);
      clamp(kMax ? total : total * factor).StorePart(output, g.channels);
    }
  }
}

/// Two rows of the input's gradient from one row of two by two windows.
inline void TwoByTwoMaxGradRow(const PoolGeometry& g, const float* gradient, const float* upper,
                               float* upper_gradient) {
  const int64_t channels = g.channels, row = g.width * channels;
  const auto window = [&](int64_t to, int64_t from, int64_t lanes) {
    const F32 a = LoadUpTo(upper + to, lanes), b = LoadUpTo(upper + to + channels, lanes);
    const F32 c = LoadUpTo(upper + to + row, lanes);
    const F32 d = LoadUpTo(upper + to + row + channels, lanes);
    const F32 value = LoadUpTo(gradient + from, lanes);
    const F32 largest = Max(Max(a, b), Max(c, d));
    const Mask is_a = Equal(a, largest), is_b = Equal(b, largest);
    const Mask is_c = Equal(c, largest), is_d = Equal(d, largest);
    const Mask in_ab = is_a | is_b;
    float* cell = upper_gradient + to;
    StoreUpTo(cell, lanes, Keep(is_a, value));
    StoreUpTo(cell + channels, lanes, Keep(AndNot(is_b, is_a), value));
    StoreUpTo(cell + row, lanes, Keep(AndNot(is_c, in_ab), value));
    StoreUpTo(cell + row + channels, lanes, Keep(AndNot(is_d, in_ab | is_c), value));
  };
  const int64_t used = 2 * g.output_width * channels;
  for (int64_t x = 0; x < g.output_width; ++x) {
    const int64_t to = 2 * x * channels, from = x * channels;
    if (channels >= kLanes) {
      ForEachVector(channels, [&](int64_t c) { window(to + c, from + c, kLanes); });
    } else {
      window(to, from, from + kLanes <= g.output_width * channels ? kLanes : channels);
    }
  }
  SetZero(upper_gradient + used, row - used);
  SetZero(upper_gradient + row + used, row - used);
}

/// body(c, lanes) for vectors that cover channels [0, channels) once each.
template <typename Body>
inline void ForEachPart(int64_t channels, const Body& body) {
  for (int64_t c = 0; c < channels; c += kLanes) body(c, channels - c);
}

/// Row y of any windows.
inline void MaxGradRow(const PoolGeometry& g, const float* gradient, const float* image, int64_t y,
                       float* image_gradient) {
  const CellRange rows = g.RowRange(y);
  for (int64_t x = 0; x < g.output_width; ++x, gradient += g.channels) {
    const CellRange columns = g.ColumnRange(x);
    ForEachPart(g.channels, [&](int64_t c, int64_t lanes) {
      const F32 largest = PoolCells<true>(g, image + c, rows, columns, lanes);
      const F32 value = LoadUpTo(gradient + c, lanes);
      Mask open = Equal(F32::Zero(), F32::Zero());
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          const int64_t cell = (h * g.width + w) * g.channels + c;
          const Mask here = open & Equal(LoadUpTo(image + cell, lanes), largest);
          open = AndNot(open, here);
          float* to = image_gradient + cell;
          StoreUpTo(to, lanes, LoadUpTo(to, lanes) + Keep(here, value));
        }
      }
    });
  }
}

void MaxGradient(const PoolGeometry& g, const float* gradient, const float* image,
                 float* image_gradient) {
  const bool two_by_two = g.IsTwoByTwo();
  const int64_t row = g.width * g.channels;
  const int64_t written = two_by_two ? 2 * g.output_height * row : 0;
  SetZero(image_gradient + written, g.height * row - written);
  for (int64_t y = 0; y < g.output_height; ++y, gradient += g.output_width * g.channels) {
    if (two_by_two) {
      TwoByTwoMaxGradRow(g, gradient, image + 2 * y * row, image_gradient + 2 * y * row);
    } else {
      MaxGradRow(g, gradient, image, y, image_gradient);
    }
  }
}

void AverageGradient(const PoolGeometry& g, const float* gradient, float* image_gradient) {
  SetZero(image_gradient, g.height * g.width * g.channels);
  for (int64_t y = 0; y < g.output_height; ++y) {
    const CellRange rows = g.RowRange(y);
    for (int64_t x = 0; x < g.output_width; ++x, gradient += g.channels) {
      const CellRange columns = g.ColumnRange(x);
      const F32 divisor = F32::Fill(static_cast<float>(g.Divisor(rows.size() * columns.size())));
      ForEachPart(g.channels, [&](int64_t c, int64_t lanes) {
        const F32 share = LoadUpTo(gradient + c, lanes) / divisor;
        for (int64_t h = rows.begin; h < rows.end; ++h) {
          for (int64_t w = columns.begin; w < columns.end; ++w) {
            float* to = image_gradient + (h * g.width + w) * g.channels + c;
            StoreUpTo(to, lanes, LoadUpTo(to, lanes) + share);
          }
        }
      });
    }
  }
}

constexpr Loops kLoops = {PoolRow<true>, PoolRow<false>, MaxGradient, AverageGradient};

}  // namespace
}  // namespace tersor::kernels::pool_f32
