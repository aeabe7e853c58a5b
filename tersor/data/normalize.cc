#include "tersor/data/normalize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace tersor::data {
namespace {

constexpr std::array<std::pair<std::string_view, Normalize>, 3> kNames = {{
    {"signed", Normalize::kSigned},
    {"unit", Normalize::kUnit},
    {"raw", Normalize::kRaw},
}};

/// Extents after the first that are not 1.
std::vector<int64_t> Significant(const Shape& shape) {
  std::vector<int64_t> dims;
  for (int axis = 1; axis < shape.rank(); ++axis) {
    if (shape[axis] != 1) dims.push_back(shape[axis]);
  }
  return dims;
}

/// Bits of the nearest (half to even) representable value of an 8-bit type.
uint8_t Quantize(float real, float inverse_scale, int32_t zero_point, DType dtype) {
  const int32_t low = dtype == DType::kI8 ? -128 : 0, high = low + 255;
  // A difference to the zero point of more than 255 clamps either way, so the sum cannot overflow.
  const float steps = std::clamp(std::nearbyintf(real * inverse_scale), -256.0f, 256.0f);
  return static_cast<uint8_t>(std::clamp(static_cast<int32_t>(steps) + zero_point, low, high));
}

// Half up, a tie being what f32 cannot tell from one: a scale of one pixel with levels half-way
// between the integers (signed pixels: (p - 127.5) / 127.5) keeps all 256 levels apart, where half
// to even would merge and skip every other one.
uint8_t QuantizePixel(float real, float inverse_scale, int32_t zero_point, DType dtype) {
  constexpr float kTie = 0x1p-10f;
  return Quantize(std::floor(real * inverse_scale + 0.5f + kTie), 1.0f, zero_point, dtype);
}

/// The elements are moved as they are: no rule for pixels applies.
bool IsPlainCopy(const TensorType& input, const TensorType& examples) {
  return input.dtype == examples.dtype && input.dtype != DType::kU8 && !input.quantization &&
         DTypeBits(input.dtype) % 8 == 0;
}

bool IsWidening(const TensorType& input, const TensorType& examples) {
  return examples.dtype == DType::kI32 && input.dtype == DType::kI64;
}

}  // namespace

std::string_view NormalizeName(Normalize normalize) {
  for (const auto& [name, value] : kNames) {
    if (value == normalize) return name;
  }
  return "unknown";
}

std::optional<Normalize> ParseNormalize(std::string_view name) {
  for (const auto& [known, value] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

float NormalizePixel(uint8_t pixel, Normalize normalize) {
  const auto value = static_cast<float>(pixel);
  switch (normalize) {
    case Normalize::kSigned:
      return value / 127.5f - 1.0f;
    case Normalize::kUnit:
      return value / 255.0f;
    case Normalize::kRaw:
      return value;
  }
  return value;
}

Result<InputEncoder> InputEncoder::Create(const TensorType& input, const TensorType& examples,
                                          Normalize normalize) {
  const auto fail = [&](StatusCode code, std::string_view why) {
    return Status(code, StrCat("cannot feed examples ", examples.ToString(), " to an input ",
                               input.ToString(), ": ", why));
  };
  if (input.shape.rank() == 0 || examples.shape.rank() == 0 ||
      Significant(input.shape) != Significant(examples.shape)) {
    return fail(StatusCode::kInvalidArgument, "the extents after the first differ");
  }
  InputEncoder encoder;
  encoder.from_ = examples.dtype;
  encoder.to_ = input.dtype;
  encoder.elements_ = 1;
  for (int64_t extent : Significant(examples.shape)) encoder.elements_ *= extent;
  if (IsPlainCopy(input, examples) || IsWidening(input, examples)) return encoder;
  if (examples.dtype != DType::kU8 && examples.dtype != DType::kF32) {
    return fail(StatusCode::kUnsupported, "expected examples of u8 or f32");
  }
  for (int pixel = 0; pixel < 256; ++pixel) {
    encoder.float_table_[pixel] = NormalizePixel(static_cast<uint8_t>(pixel), normalize);
    encoder.byte_table_[pixel] = static_cast<uint8_t>(pixel);
  }
  if (input.dtype == DType::kF32) return encoder;
  if (input.dtype != DType::kI8 && input.dtype != DType::kU8) {
    return fail(StatusCode::kUnsupported, "expected an input of f32, i8 or u8");
  }
  if (!input.quantization) {
    const bool same = input.dtype == DType::kU8 && examples.dtype == DType::kU8;
    if (same && normalize == Normalize::kRaw) return encoder;
    return fail(StatusCode::kInvalidArgument,
                "an integer input without a scale takes only u8 pixels, unchanged (raw)");
  }
  const Quantization& quantization = *input.quantization;
  if (quantization.scales.size() != 1 || quantization.zero_points.size() != 1) {
    return fail(StatusCode::kUnsupported, "expected one scale and zero point for the whole input");
  }
  encoder.inverse_scale_ = 1.0f / quantization.scales[0];
  encoder.zero_point_ = quantization.zero_points[0];
  const int32_t low = input.dtype == DType::kI8 ? -128 : 0;
  if (!(quantization.scales[0] > 0) || !std::isfinite(quantization.scales[0]) ||
      !std::isfinite(encoder.inverse_scale_) || encoder.zero_point_ < low ||
      encoder.zero_point_ > low + 255) {
    return fail(StatusCode::kDataLoss,
                StrCat("its scale ", quantization.scales[0], " or zero point ", encoder.zero_point_,
                       " is out of range"));
  }
  for (int pixel = 0; pixel < 256; ++pixel) {
    encoder.byte_table_[pixel] = QuantizePixel(encoder.float_table_[pixel], encoder.inverse_scale_,
                                               encoder.zero_point_, input.dtype);
  }
  return encoder;
}

void InputEncoder::Encode(const void* examples, int64_t count, void* out) const {
  const int64_t total = count * elements_;
  if (from_ == to_ && from_ != DType::kU8) {
    std::memcpy(out, examples, static_cast<size_t>(count * input_bytes()));
  } else if (to_ == DType::kI64) {
    const auto* numbers = static_cast<const int32_t*>(examples);
    std::copy(numbers, numbers + total, static_cast<int64_t*>(out));
  } else if (from_ == DType::kF32) {
    const auto* values = static_cast<const float*>(examples);
    auto* bytes = static_cast<uint8_t*>(out);
    for (int64_t i = 0; i < total; ++i) {
      const float value = std::isnan(values[i]) ? 0.0f : values[i];
      bytes[i] = Quantize(value, inverse_scale_, zero_point_, to_);
    }
  } else if (to_ == DType::kF32) {
    const auto* pixels = static_cast<const uint8_t*>(examples);
    auto* values = static_cast<float*>(out);
    for (int64_t i = 0; i < total; ++i) values[i] = float_table_[pixels[i]];
  } else {
    const auto* pixels = static_cast<const uint8_t*>(examples);
    auto* bytes = static_cast<uint8_t*>(out);
    for (int64_t i = 0; i < total; ++i) bytes[i] = byte_table_[pixels[i]];
  }
}

}  // namespace tersor::data
