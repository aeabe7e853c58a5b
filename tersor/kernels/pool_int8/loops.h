// The loops that each instruction set provides. elementwise/loops.h says why they are plain
// function pointers.
#pragma once

#include <cstdint>

#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/pool_f32/pool_geometry.h"

namespace tersor::kernels::pool_int8 {

/// Everything a kernel needs; plain numbers, so that it outlives the types it was read from.
struct PoolCase {
  PoolGeometry geometry;
  bool is_signed;
  IntegerRange range;  ///< of the result
  float scale_in, scale_out;
  int32_t zero_in, zero_out;

  /// The scale stays and padded cells do not count: MeanHalfAway of the integers themselves.
  [[gnu::always_inline]] bool KeepsScale() const {
    return scale_in == scale_out && zero_in == zero_out && !geometry.count_padding;
  }
  /// Where it does not keep the scale: for a window of so many covered cells.
  [[gnu::always_inline]] MeanRescale Rescale(int64_t covered) const {
    return MakeMeanRescale(scale_in, zero_in, scale_out, zero_out, covered,
                           geometry.Divisor(covered));
  }
};

/// Vectors may be read up to `input` and written up to `output`. What a vector writes after the end
/// of a cell is overwritten when the next cell is written.
struct Ends {
  const uint8_t* input;
  const uint8_t* output;
};

/// The mean of a window with more cells could be rounded twice: in f32, then to an integer.
inline constexpr int64_t kMostMeanCells = 1 << 14;

struct Loops {
  /// Computes row y of the result from the image [height, width, channels]. If the result has the
  /// scale of the image, the windows of average_row have at most kMostMeanCells cells.
  void (*max_row)(const PoolCase& pool, const uint8_t* image, int64_t y, uint8_t* output,
                  const Ends& ends);
  void (*average_row)(const PoolCase& pool, const uint8_t* image, int64_t y, uint8_t* output,
                      const Ends& ends);
};

extern const Loops kAvx2Loops;

}  // namespace tersor::kernels::pool_int8
