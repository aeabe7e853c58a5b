// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/pool_int8/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::pool_int8 {
namespace {

/// The cells that one window covers.
struct Window {
  const uint8_t* cell;  ///< the first
  int64_t rows, columns, row_bytes, cell_bytes;

  TERSOR_INLINE Window(const PoolGeometry& g, const uint8_t* image, CellRange y, CellRange x)
      : cell(image + (y.begin * g.width + x.begin) * g.channels),
        rows(y.size()),
        columns(x.size()),
        row_bytes(g.width * g.channels),
        cell_bytes(g.channels) {}

  /// Bytes before `end` from the first byte of the last cell on.
  TERSOR_INLINE int64_t BytesBefore(const uint8_t* end) const {
    return end - (cell + (rows - 1) * row_bytes + (columns - 1) * cell_bytes);
  }
  /// body(cell) for all of them.
  template <typename Body>
  TERSOR_INLINE void ForEach(const Body& body) const {
    const uint8_t* row = cell;
    for (int64_t h = 0; h < rows; ++h, row += row_bytes) {
      for (int64_t w = 0; w < columns; ++w) body(row + w * cell_bytes);
    }
  }
};

/// The windows of one row of the result. `vector(window, c, to)` does the kCount channels from c on
/// of a window whose cells all have so many bytes behind c, and writes them to `to`; the last
/// vector of a cell is moved back over the one before it. Cells smaller than a vector at the end of
/// the input are copied before they are read, by `part(window, to)`, and at the end of the output
/// when they are done.
template <int kCount, typename Vector, typename Part>
TERSOR_INLINE void ForEachWindow(const PoolGeometry& g, const uint8_t* image, int64_t y,
                                 uint8_t* output, const Ends& ends, const Vector& vector,
                                 const Part& part) {
  const CellRange rows = g.RowRange(y);
  const auto window_at = [&](int64_t x)
                             TERSOR_LAMBDA { return Window(g, image, rows, g.ColumnRange(x)); };
  int64_t x = 0;
  if (g.channels >= kCount) {
    for (; x < g.output_width; ++x, output += g.channels) {
      const Window window = window_at(x);
      for (int64_t c = 0; c < g.channels; c += kCount) {
        const int64_t at = c + kCount <= g.channels ? c : g.channels - kCount;
        vector(window, at, output + at);
      }
    }
    return;
  }
  // Windows whose cells can be read and written as whole vectors, then the last few.
  int64_t whole = g.output_width;
  const auto is_whole = [&](int64_t last) {
    return window_at(last).BytesBefore(ends.input) >= kCount &&
           output + last * g.channels + kCount <= ends.output;
  };
  while (whole > 0 && !is_whole(whole - 1)) --whole;
  for (; x < whole; ++x, output += g.channels) vector(window_at(x), 0, output);
  for (; x < g.output_width; ++x, output += g.channels) {
    const Window window = window_at(x);
    uint8_t bytes[kCount];
    if (window.BytesBefore(ends.input) >= kCount) {
      vector(window, 0, bytes);
    } else {
      part(window, bytes);
    }
    CopyBytes(output, bytes, static_cast<int>(g.channels));
  }
}

/// The first bytes of a cell that is smaller than a vector, at a place with room behind them.
template <int kCount>
struct CellCopy {
  uint8_t bytes[kCount] = {};
  TERSOR_INLINE CellCopy(const uint8_t* cell, int64_t count) {
    CopyBytes(bytes, cell, static_cast<int>(count));
  }
};

template <typename Bytes, bool kSigned>
void MaxRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output, const Ends& ends) {
  const PoolGeometry g = p.geometry;  // a copy: bytes that are stored could change the original
  const bool two_by_two = g.IsTwoByTwo();
  const Bytes lo = Bytes::Fill(p.range.lo), hi = Bytes::Fill(p.range.hi);
  ForEachWindow<Bytes::kCount>(
      g, image, y, output, ends,
      [&](const Window& window, int64_t c, uint8_t* to) TERSOR_LAMBDA {
        const uint8_t* first = window.cell + c;
        Bytes largest = Bytes::Load(first);
        if (two_by_two) {
          const int64_t right = g.channels, below = g.width * g.channels;
          largest = Max<kSigned>(
              Max<kSigned>(largest, Bytes::Load(first + right)),
              Max<kSigned>(Bytes::Load(first + below), Bytes::Load(first + below + right)));
        } else {
          window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA {
            largest = Max<kSigned>(largest, Bytes::Load(cell + c));
          });
        }
        Min<kSigned>(Max<kSigned>(largest, lo), hi).Store(to);
      },
      [&](const Window& window, uint8_t* to) {
        Bytes largest = lo;
        window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA {
          const CellCopy<Bytes::kCount> copy(cell, g.channels);
          largest = Max<kSigned>(largest, Bytes::Load(copy.bytes));
        });
        Min<kSigned>(largest, hi).Store(to);
      });
}

void AnyMaxRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output,
               const Ends& ends) {
  if (p.geometry.channels >= Bytes32::kCount) {
    return p.is_signed ? MaxRow<Bytes32, true>(p, image, y, output, ends)
                       : MaxRow<Bytes32, false>(p, image, y, output, ends);
  }
  return p.is_signed ? MaxRow<Bytes16, true>(p, image, y, output, ends)
                     : MaxRow<Bytes16, false>(p, image, y, output, ends);
}

constexpr int kParts = 16 / kLanes;

/// sums += sixteen channels of each cell, at(cell): in 16 bits, moved to 32 before they can leave.
template <typename T, typename At>
TERSOR_INLINE void SumCells(const Window& window, const At& at, I32 (&sums)[kParts]) {
  constexpr int kSafeCells = 128;  // times 255 is below 2^15
  I16x16 few = I16x16::Fill(0);
  int cells = 0;
  window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA {
    few = few + I16x16::Widen(reinterpret_cast<const T*>(at(cell)));
    if (++cells < kSafeCells) return;
    AddSixteen(few, sums);
    few = I16x16::Fill(0);
    cells = 0;
  });
  AddSixteen(few, sums);
}

/// From the sums over a window to its results.
class Finish {
 public:
  TERSOR_INLINE Finish(const PoolCase& p, int64_t cells)
      : keeps_scale_(p.KeepsScale()),
        half_(I32::Fill(static_cast<int32_t>(cells / 2))),
        count_(F32::Fill(static_cast<float>(cells))),
        lo_(F32::Fill(static_cast<float>(p.range.lo))),
        hi_(F32::Fill(static_cast<float>(p.range.hi))) {
    const MeanRescale rescale = keeps_scale_ ? MeanRescale{} : p.Rescale(cells);
    multiplier_ = F32::Fill(rescale.multiplier);
    offset_ = F32::Fill(rescale.offset);
  }

  template <typename T>
  TERSOR_INLINE void Store(T* to, const I32 (&sums)[kParts]) const {
    I32 q[kParts];
    TERSOR_UNROLL
    for (int i = 0; i < kParts; ++i) q[i] = keeps_scale_ ? Mean(sums[i]) : Rescaled(sums[i]);
    StoreSixteen(to, q);
  }

 private:
  /// MeanHalfAway, clamped. With at most kMostMeanCells cells the f32 quotient of the sum plus or
  /// minus half the count never reaches the next integer by rounding, so cutting it off is exact.
  TERSOR_INLINE I32 Mean(I32 sum) const {
    const I32 sign = ShiftRight<31>(sum);
    const F32 quotient = ToFloat(sum + ((half_ ^ sign) - sign)) / count_;
    return Truncate(Min(Max(quotient, lo_), hi_));
  }
  /// MeanRescale. The bounds are integers, so clamping before rounding is the same.
  TERSOR_INLINE I32 Rescaled(I32 sum) const {
    return ToInt(Min(Max(ToFloat(sum) * multiplier_ + offset_, lo_), hi_));
  }

  bool keeps_scale_;
  I32 half_;
  F32 count_, lo_, hi_, multiplier_, offset_;
};

template <typename T>
void AverageRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output,
                const Ends& ends) {
  const PoolGeometry g = p.geometry;  // a copy: bytes that are stored could change the original
  const auto average = [&](const Window& window, const auto& at, uint8_t* to) TERSOR_LAMBDA {
    I32 sums[kParts];
    for (I32& sum : sums) sum = I32::Fill(0);
    SumCells<T>(window, at, sums);
    Finish(p, window.rows * window.columns).Store(reinterpret_cast<T*>(to), sums);
  };
  ForEachWindow<16>(
      g, image, y, output, ends,
      [&](const Window& window, int64_t c, uint8_t* to) {
        average(
            window, [&](const uint8_t* cell) TERSOR_LAMBDA { return cell + c; }, to);
      },
      [&](const Window& window, uint8_t* to) {
        CellCopy<16> copy(window.cell, g.channels);
        average(
            window,
            [&](const uint8_t* cell) TERSOR_LAMBDA {
              copy = CellCopy<16>(cell, g.channels);
              return static_cast<const uint8_t*>(copy.bytes);
            },
            to);
      });
}

void AnyAverageRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output,
                   const Ends& ends) {
  return p.is_signed ? AverageRow<int8_t>(p, image, y, output, ends)
                     : AverageRow<uint8_t>(p, image, y, output, ends);
}

constexpr Loops kLoops = {AnyMaxRow, AnyAverageRow};

}  // namespace
}  // namespace tersor::kernels::pool_int8
