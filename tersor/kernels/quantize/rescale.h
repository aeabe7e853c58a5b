// A change of scale between quantized integers, as every operator does it that moves elements
// without arithmetic.
#pragma once

#include <array>
#include <cstdint>

#include "tersor/base/tensor.h"
#include "tersor/kernels/integer_arithmetic.h"

namespace tersor::kernels::quantize {

/// q_out = Requantize(q_in - zero_in, scale_in / scale_out, zero_out), over the whole result type.
/// Equal parameters (or none) and equal element types copy the bytes.
class Rescale {
 public:
  /// Element types equal and unquantized or equally quantized; or both i8, u8, i16, i32 and
  /// quantized per tensor.
  static bool Supports(const TensorType& from, const TensorType& to);

  /// Supports(from, to) must hold.
  Rescale(const TensorType& from, const TensorType& to);

  bool is_copy() const { return is_copy_; }
  /// Of whole bytes: no i4. `out` may be `in` where both types have one width.
  void Apply(const void* in, void* out, int64_t count) const;

 private:
  DType from_, to_;
  bool is_copy_;
  float multiplier_;
  int32_t zero_in_, zero_out_;
  IntegerRange range_;
  std::array<int32_t, 256> table_{};  ///< of an 8-bit source, by its byte
};

}  // namespace tersor::kernels::quantize
