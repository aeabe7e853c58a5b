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

  Window(const PoolGeometry& g, const uint8_t* image, CellRange y, CellRange x)
      : cell(image + (y.begin * g.width + x.begin) * g.channels),
        rows(y.size()),
        columns(x.size()),
        row_bytes(g.width * g.channels),
        cell_bytes(g.channels) {}

  /// Behind the first byte of the last cell there are so many before `end`.
  int64_t BytesBefore(const uint8_t* end) const {
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

/// vector(c, to) does the Vector::kCount channels from c on of a window whose cells all have so
/// many bytes behind c, and writes them to `to`. Cells that are smaller than that are copied where
/// nothing may be read or written behind them: part(to).
template <int kCount, typename Vector, typename Part>
TERSOR_INLINE void ForEachVector(const Window& window, const Ends& ends, uint8_t* output,
                                 const Vector& vector, const Part& part) {
  const int64_t channels = window.cell_bytes;
  int64_t c = 0;
  for (; c + kCount <= channels; c += kCount) vector(c, output + c);
  if (c == channels) return;
  if (c > 0) {
    vector(channels - kCount, output + channels - kCount);
  } else if (output + kCount <= ends.output && window.BytesBefore(ends.input) >= kCount) {
    vector(0, output);
  } else {
    uint8_t bytes[kCount];
    part(bytes);
    CopyBytes(output, bytes, static_cast<int>(channels));
  }
}

/// The first bytes of a cell that is smaller than a vector, at a place with room behind them.
template <int kCount>
struct CellCopy {
  uint8_t bytes[kCount] = {};
  CellCopy(const uint8_t* cell, int64_t count) { CopyBytes(bytes, cell, static_cast<int>(count)); }
};

template <typename Bytes, bool kSigned>
void MaxRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output, const Ends& ends) {
  const PoolGeometry& g = p.geometry;
  const bool two_by_two = g.IsTwoByTwo();
  const Bytes lo = Bytes::Fill(p.range.lo), hi = Bytes::Fill(p.range.hi);
  const auto clamp = [&](Bytes x) { return Min<kSigned>(Max<kSigned>(x, lo), hi); };
  const CellRange rows = g.RowRange(y);
  for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
    const Window window(g, image, rows, g.ColumnRange(x));
    ForEachVector<Bytes::kCount>(
        window, ends, output,
        [&](int64_t c, uint8_t* to) {
          const auto load = [&](int64_t offset) { return Bytes::Load(window.cell + c + offset); };
          Bytes largest = load(0);
          if (two_by_two) {
            const int64_t right = window.cell_bytes, below = window.row_bytes;
            largest = Max<kSigned>(Max<kSigned>(largest, load(right)),
                                   Max<kSigned>(load(below), load(below + right)));
          } else {
            window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA {
              largest = Max<kSigned>(largest, Bytes::Load(cell + c));
            });
          }
          clamp(largest).Store(to);
        },
        [&](uint8_t* to) {
          Bytes largest = lo;
          window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA {
            const CellCopy<Bytes::kCount> copy(cell, g.channels);
            largest = Max<kSigned>(largest, Bytes::Load(copy.bytes));
          });
          clamp(largest).Store(to);
        });
  }
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

/// The sums of sixteen channels over a window: in 16 bits, moved to 32 bits before they can leave.
template <typename T>
class Sums {
 public:
  Sums() {
    for (I32& sum : sums_) sum = I32::Fill(0);
  }
  TERSOR_INLINE void Add(const uint8_t* sixteen) {
    few_ = few_ + I16x16::Widen(reinterpret_cast<const T*>(sixteen));
    if (++cells_ == kSafeCells) Flush();
  }
  TERSOR_INLINE const I32 (&Flush())[kParts] {
    AddSixteen(few_, sums_);
    few_ = I16x16::Fill(0);
    cells_ = 0;
    return sums_;
  }

 private:
  static constexpr int kSafeCells = 128;  // times 255 is below 2^15
  I32 sums_[kParts];
  I16x16 few_ = I16x16::Fill(0);
  int cells_ = 0;
};

/// From the sum over a window to the result.
class Finish {
 public:
  Finish(const PoolCase& p, const Window& window)
      : keeps_scale_(p.KeepsScale()),
        zero_out_(I32::Fill(p.zero_out)),
        multiplier_(F32::Fill(p.Multiplier(window.rows * window.columns))) {
    const auto cells = static_cast<int32_t>(window.rows * window.columns);
    shift_ = I32::Fill(keeps_scale_ ? cells / 2 : cells * p.zero_in);
    count_ = F32::Fill(static_cast<float>(cells));
    const int32_t zero = keeps_scale_ ? 0 : p.zero_out;
    lo_ = F32::Fill(static_cast<float>(p.range.lo - zero));
    hi_ = F32::Fill(static_cast<float>(p.range.hi - zero));
  }

  template <typename T>
  TERSOR_INLINE void Store(T* to, const I32 (&sums)[kParts]) const {
    I32 q[kParts];
    TERSOR_UNROLL
    for (int i = 0; i < kParts; ++i) q[i] = keeps_scale_ ? Mean(sums[i]) : Requantized(sums[i]);
    StoreSixteen(to, q);
  }

 private:
  /// MeanHalfAway, clamped. With at most kMostMeanCells cells the f32 quotient of the sum plus or
  /// minus half the count never reaches the next integer by rounding, so cutting it off is exact.
  TERSOR_INLINE I32 Mean(I32 sum) const {
    const I32 sign = ShiftRight<31>(sum);
    const F32 quotient = ToFloat(sum + ((shift_ ^ sign) - sign)) / count_;
    return Truncate(Min(Max(quotient, lo_), hi_));
  }
  /// Steps 2 to 4 of the rule. The bounds are integers, so clamping before rounding is the same.
  TERSOR_INLINE I32 Requantized(I32 sum) const {
    return ToInt(Min(Max(ToFloat(sum - shift_) * multiplier_, lo_), hi_)) + zero_out_;
  }

  bool keeps_scale_;
  I32 zero_out_, shift_;
  F32 multiplier_, count_, lo_, hi_;
};

template <typename T>
void AverageRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output,
                const Ends& ends) {
  const PoolGeometry& g = p.geometry;
  const CellRange rows = g.RowRange(y);
  for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
    const Window window(g, image, rows, g.ColumnRange(x));
    const Finish finish(p, window);
    ForEachVector<16>(
        window, ends, output,
        [&](int64_t c, uint8_t* to) {
          Sums<T> sums;
          window.ForEach([&](const uint8_t* cell) TERSOR_LAMBDA { sums.Add(cell + c); });
          finish.Store(reinterpret_cast<T*>(to), sums.Flush());
        },
        [&](uint8_t* to) {
          Sums<T> sums;
          window.ForEach([&](const uint8_t* cell)
                             TERSOR_LAMBDA { sums.Add(CellCopy<16>(cell, g.channels).bytes); });
          finish.Store(reinterpret_cast<T*>(to), sums.Flush());
        });
  }
}

void AnyAverageRow(const PoolCase& p, const uint8_t* image, int64_t y, uint8_t* output,
                   const Ends& ends) {
  return p.is_signed ? AverageRow<int8_t>(p, image, y, output, ends)
                     : AverageRow<uint8_t>(p, image, y, output, ends);
}

constexpr Loops kLoops = {AnyMaxRow, AnyAverageRow};

}  // namespace
}  // namespace tersor::kernels::pool_int8
