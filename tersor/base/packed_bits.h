// Where elements of fewer than eight bits lie. This file alone defines it, for dense i4 tensors as
// well as for indices and bitmaps: low bits first; in a dense tensor each row of the last axis
// begins a byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/base/tensor.h"

namespace tersor {

/// Bytes of `count` elements of `bits` bits that stand one after the other. count * bits fits.
constexpr int64_t PackedBytes(int64_t count, int bits) { return (count * bits + 7) / 8; }

/// The `bits` bits (1 to 8) that begin at bit `first`.
inline uint32_t LoadBits(const uint8_t* bytes, int64_t first, int bits) {
  const auto shift = static_cast<int>(first % 8);
  uint32_t two = bytes[first / 8];
  if (shift + bits > 8) two |= uint32_t{bytes[first / 8 + 1]} << 8;
  return (two >> shift) & ((1u << bits) - 1);
}

/// Sets the `bits` bits (1 to 8) that begin at bit `first`; they must be 0 before.
inline void StoreBits(uint8_t* bytes, int64_t first, int bits, uint32_t value) {
  const auto shift = static_cast<int>(first % 8);
  const uint32_t two = value << shift;
  bytes[first / 8] = static_cast<uint8_t>(bytes[first / 8] | two);
  if (shift + bits > 8) {
    bytes[first / 8 + 1] = static_cast<uint8_t>(bytes[first / 8 + 1] | two >> 8);
  }
}

/// The elements of a dense i4 tensor.
class Packed4 {
 public:
  explicit Packed4(const Shape& shape)
      : row_(shape.rank() == 0 ? 1 : shape[shape.rank() - 1]), row_bytes_((row_ + 1) / 2) {}

  /// Element number `index`, counted over the whole tensor; -8 to 7.
  int32_t Get(const uint8_t* bytes, int64_t index) const {
    return static_cast<int32_t>(LoadBits(bytes, BitOf(index), 4) ^ 8) - 8;
  }
  /// Elements must be set in order: the first of a byte clears the second.
  void Set(uint8_t* bytes, int64_t index, int32_t value) const {
    const int64_t bit = BitOf(index);
    if (bit % 8 == 0) bytes[bit / 8] = 0;
    StoreBits(bytes, bit, 4, static_cast<uint32_t>(value & 0xF));
  }

 private:
  int64_t BitOf(int64_t index) const { return index / row_ * row_bytes_ * 8 + index % row_ * 4; }

  int64_t row_, row_bytes_;
};

}  // namespace tersor
