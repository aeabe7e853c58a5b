// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
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

/// Vectors may be read up to the first, and written up to the second; what is written behind a cell
/// is written anew with the next one.
struct Ends {
  const uint8_t* input;
  const uint8_t* output;
};

/// With more cells a window's mean could be rounded twice, in f32 and to an integer.
inline constexpr int64_t kMostMeanCells = 1 << 14;

struct Loops {
  /// Row y of the result from the image [height, width, channels]. Where the scale stays, a window
  /// of average_row has at most kMostMeanCells cells.
  void (*max_row)(const PoolCase& pool, const uint8_t* image, int64_t y, uint8_t* output,
                  const Ends& ends);
  void (*average_row)(const PoolCase& pool, const uint8_t* image, int64_t y, uint8_t* output,
                      const Ends& ends);
};

extern const Loops kAvx2Loops;

}  // namespace tersor::kernels::pool_int8
