// How the pixels of a data set become the elements of a model's input.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor::data {

/// The real value of a pixel p of 0 to 255, in f32 arithmetic.
enum class Normalize : uint8_t {
  kSigned,  ///< "signed": p / 127.5 - 1, in [-1, 1]
  kUnit,    ///< "unit": p / 255, in [0, 1]
  kRaw,     ///< "raw": p
};

std::string_view NormalizeName(Normalize normalize);
std::optional<Normalize> ParseNormalize(std::string_view name);
float NormalizePixel(uint8_t pixel, Normalize normalize);

/// Writes examples in the element type of one input of a model. Immutable: any number of threads
/// may use it.
///
///   examples  input               element
///   u8        f32                 NormalizePixel
///   f32       f32                 as it is
///   u8        i8, u8 quantized    NormalizePixel / scale, rounded half up, + zero point, clamped:
///                                 floor(real * (1 / scale) + 1/2 + 2^-10), all in f32. What lies
///                                 less than 2^-10 below a tie is rounded up with it, so that
///                                 levels half-way between the integers stay apart
///   f32       i8, u8 quantized    the quantize operator (docs/integer-arithmetic.md)
///   u8        u8 not quantized    as it is, only with kRaw
///   i32       i64                 the same number
///   any other than u8, the same   as it is
class InputEncoder {
 public:
  /// `input` is the type of the model's input, batch first; `examples` that of a set's examples,
  /// count first. Their other extents must agree, those that are 1 not counted. Errors name both.
  static Result<InputEncoder> Create(const TensorType& input, const TensorType& examples,
                                     Normalize normalize);

  /// Encodes `count` examples that lie one after another; `out` holds count * input_bytes().
  void Encode(const void* examples, int64_t count, void* out) const;

  int64_t example_bytes() const { return elements_ * DTypeBits(from_) / 8; }
  int64_t input_bytes() const { return elements_ * DTypeBits(to_) / 8; }

 private:
  InputEncoder() = default;
  int64_t elements_ = 0;  ///< of one example
  DType from_ = DType::kU8, to_ = DType::kF32;
  float inverse_scale_ = 1;
  int32_t zero_point_ = 0;
  std::array<float, 256> float_table_{};
  std::array<uint8_t, 256> byte_table_{};  ///< bits of the i8 or u8
};

}  // namespace tersor::data
