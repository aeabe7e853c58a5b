// Where the elements of an i4 tensor lie: two in a byte, the first in the low half; each row of the
// last axis begins a byte.
#pragma once

#include <cstdint>

#include "tersor/base/tensor.h"

namespace tersor::kernels::quantize {

class Packed4 {
 public:
  explicit Packed4(const Shape& shape)
      : row_(shape.rank() == 0 ? 1 : shape[shape.rank() - 1]), row_bytes_((row_ + 1) / 2) {}

  /// Element number `index`, counted over the whole tensor; -8 to 7.
  int32_t Get(const uint8_t* bytes, int64_t index) const {
    const int64_t at = index % row_;
    const uint8_t byte = bytes[index / row_ * row_bytes_ + at / 2];
    const int32_t nibble = at % 2 == 0 ? byte & 0xF : byte >> 4;
    return (nibble ^ 8) - 8;
  }
  /// Elements must be set in order: the low half clears the high one.
  void Set(uint8_t* bytes, int64_t index, int32_t value) const {
    const int64_t at = index % row_;
    uint8_t& byte = bytes[index / row_ * row_bytes_ + at / 2];
    const auto nibble = static_cast<uint8_t>(value & 0xF);
    byte = static_cast<uint8_t>(at % 2 == 0 ? nibble : byte | nibble << 4);
  }

 private:
  int64_t row_, row_bytes_;
};

}  // namespace tersor::kernels::quantize
