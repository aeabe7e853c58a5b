#include "tersor/kernels/quantize/rescale.h"

#include <cstring>

namespace tersor::kernels::quantize {
namespace {

bool IsPlainInteger(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kI32;
}

/// Calls body with a null pointer of the element type.
template <typename Body>
void WithType(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::kI8:
      return body(static_cast<int8_t*>(nullptr));
    case DType::kU8:
      return body(static_cast<uint8_t*>(nullptr));
    case DType::kI16:
      return body(static_cast<int16_t*>(nullptr));
    default:
      return body(static_cast<int32_t*>(nullptr));
  }
}

}  // namespace

bool Rescale::Supports(const TensorType& from, const TensorType& to) {
  if (from.dtype == to.dtype && from.quantization == to.quantization) return true;
  return IsPlainInteger(from.dtype) && IsPlainInteger(to.dtype) && IsPerTensor(from) &&
         IsPerTensor(to);
}

Rescale::Rescale(const TensorType& from, const TensorType& to)
    : from_(from.dtype),
      to_(to.dtype),
      is_copy_(from.dtype == to.dtype && from.quantization == to.quantization),
      multiplier_(RescaleMultiplier(ScaleOf(from), ScaleOf(to))),
      zero_in_(ZeroPointOf(from)),
      zero_out_(ZeroPointOf(to)),
      range_(RangeOf(to.dtype)) {
  if (is_copy_) return;
  for (int byte = 0; byte < 256; ++byte) {
    const int q = from_ == DType::kI8 ? static_cast<int8_t>(byte) : byte;
    table_[static_cast<size_t>(byte)] = Requantize(q - zero_in_, multiplier_, zero_out_, range_);
  }
}

void Rescale::Apply(const void* in, void* out, int64_t count) const {
  if (is_copy_) {
    const auto bytes = static_cast<size_t>(count * (DTypeBits(from_) / 8));
    if (in != out && bytes > 0) std::memcpy(out, in, bytes);
    return;
  }
  WithType(to_, [&](auto* to) {
    using To = std::remove_pointer_t<decltype(to)>;
    auto* results = static_cast<To*>(out);
    if (DTypeBits(from_) == 8) {
      const auto* bytes = static_cast<const uint8_t*>(in);
      for (int64_t i = 0; i < count; ++i) results[i] = static_cast<To>(table_[bytes[i]]);
      return;
    }
    WithType(from_, [&](auto* from) {
      const auto* values = static_cast<decltype(from)>(const_cast<void*>(in));
      for (int64_t i = 0; i < count; ++i) {
        results[i] = static_cast<To>(
            Requantize(static_cast<int32_t>(values[i] - zero_in_), multiplier_, zero_out_, range_));
      }
    });
  });
}

}  // namespace tersor::kernels::quantize
