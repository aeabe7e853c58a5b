#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "tersor/base/float16.h"
#include "tersor/base/packed_bits.h"
#include "tersor/kernels/quantize/quantize.h"

namespace tersor::kernels::quantize {
namespace {

/// Elements that pass through the buffer between the two halves of a conversion.
constexpr int64_t kChunk = 256;

// The first half reads a chunk as f32 (from floats) or i64 (from integers and bool), the second
// writes it as the result type.
using ReadFloats = void (*)(const void* in, int64_t first, int64_t count, float* values);
using ReadIntegers = void (*)(const void* in, int64_t first, int64_t count, const Packed4& layout,
                              int64_t* values);

void FromF32(const void* in, int64_t first, int64_t count, float* values) {
  std::copy_n(static_cast<const float*>(in) + first, count, values);
}
template <float (*kConvert)(uint16_t)>
void From16(const void* in, int64_t first, int64_t count, float* values) {
  const auto* bits = static_cast<const uint16_t*>(in) + first;
  for (int64_t i = 0; i < count; ++i) values[i] = kConvert(bits[i]);
}

template <typename T>
void FromInteger(const void* in, int64_t first, int64_t count, const Packed4&, int64_t* values) {
  std::copy_n(static_cast<const T*>(in) + first, count, values);
}
void FromBool(const void* in, int64_t first, int64_t count, const Packed4&, int64_t* values) {
  const auto* bytes = static_cast<const uint8_t*>(in) + first;
  for (int64_t i = 0; i < count; ++i) values[i] = bytes[i] != 0;
}
void FromI4(const void* in, int64_t first, int64_t count, const Packed4& layout, int64_t* values) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = layout.Get(static_cast<const uint8_t*>(in), first + i);
  }
}

/// Toward zero, saturated to [lo, hi]; NaN becomes 0.
int64_t Saturate(float x, int64_t lo, int64_t hi) {
  if (std::isnan(x)) return 0;
  if (x <= static_cast<float>(lo)) return lo;
  if (x >= static_cast<float>(hi)) return hi;
  return static_cast<int64_t>(x);
}
int64_t Saturate(int64_t x, int64_t lo, int64_t hi) { return std::clamp(x, lo, hi); }

template <typename Value>
using Write = void (*)(const Value* values, int64_t count, void* out, int64_t first,
                       const Packed4& layout);

template <typename Value>
void ToF32(const Value* values, int64_t count, void* out, int64_t first, const Packed4&) {
  for (int64_t i = 0; i < count; ++i) {
    static_cast<float*>(out)[first + i] = static_cast<float>(values[i]);
  }
}
template <typename Value, uint16_t (*kConvert)(float)>
void To16(const Value* values, int64_t count, void* out, int64_t first, const Packed4&) {
  auto* bits = static_cast<uint16_t*>(out) + first;
  for (int64_t i = 0; i < count; ++i) bits[i] = kConvert(static_cast<float>(values[i]));
}
template <typename Value, typename T>
void ToInteger(const Value* values, int64_t count, void* out, int64_t first, const Packed4&) {
  constexpr int64_t kLo = std::numeric_limits<T>::min(), kHi = std::numeric_limits<T>::max();
  for (int64_t i = 0; i < count; ++i) {
    static_cast<T*>(out)[first + i] = static_cast<T>(Saturate(values[i], kLo, kHi));
  }
}
template <typename Value>
void ToBool(const Value* values, int64_t count, void* out, int64_t first, const Packed4&) {
  for (int64_t i = 0; i < count; ++i) static_cast<uint8_t*>(out)[first + i] = values[i] != 0;
}
template <typename Value>
void ToI4(const Value* values, int64_t count, void* out, int64_t first, const Packed4& layout) {
  for (int64_t i = 0; i < count; ++i) {
    layout.Set(static_cast<uint8_t*>(out), first + i,
               static_cast<int32_t>(Saturate(values[i], -8, 7)));
  }
}

template <typename Value>
Write<Value> WriterOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return ToF32<Value>;
    case DType::kF16:
      return To16<Value, FloatToF16>;
    case DType::kBF16:
      return To16<Value, FloatToBF16>;
    case DType::kI4:
      return ToI4<Value>;
    case DType::kI8:
      return ToInteger<Value, int8_t>;
    case DType::kU8:
      return ToInteger<Value, uint8_t>;
    case DType::kI16:
      return ToInteger<Value, int16_t>;
    case DType::kI32:
      return ToInteger<Value, int32_t>;
    case DType::kI64:
      return ToInteger<Value, int64_t>;
    case DType::kBool:
      return ToBool<Value>;
  }
  return nullptr;
}

ReadFloats FloatReaderOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return FromF32;
    case DType::kF16:
      return From16<F16ToFloat>;
    case DType::kBF16:
      return From16<BF16ToFloat>;
    default:
      return nullptr;
  }
}

ReadIntegers IntegerReaderOf(DType dtype) {
  switch (dtype) {
    case DType::kI4:
      return FromI4;
    case DType::kI8:
      return FromInteger<int8_t>;
    case DType::kU8:
      return FromInteger<uint8_t>;
    case DType::kI16:
      return FromInteger<int16_t>;
    case DType::kI32:
      return FromInteger<int32_t>;
    case DType::kI64:
      return FromInteger<int64_t>;
    case DType::kBool:
      return FromBool;
    default:
      return nullptr;
  }
}

class CastKernel final : public Kernel {
 public:
  explicit CastKernel(const KernelSpec& spec)
      : layout_(spec.results[0].shape),
        count_(spec.results[0].shape.num_elements()),
        read_floats_(FloatReaderOf(spec.operands[0].dtype())),
        read_integers_(IntegerReaderOf(spec.operands[0].dtype())),
        write_floats_(WriterOf<float>(spec.results[0].dtype)),
        write_integers_(WriterOf<int64_t>(spec.results[0].dtype)) {}

  void Run(const KernelCall& call) const override {
    const void* in = call.operands[0].data;
    void* out = call.results[0].data;
    for (int64_t first = 0; first < count_; first += kChunk) {
      const int64_t count = std::min(kChunk, count_ - first);
      if (read_floats_ != nullptr) {
        float values[kChunk];
        read_floats_(in, first, count, values);
        write_floats_(values, count, out, first, layout_);
      } else {
        int64_t values[kChunk];
        read_integers_(in, first, count, layout_, values);
        write_integers_(values, count, out, first, layout_);
      }
    }
  }

 private:
  Packed4 layout_;
  int64_t count_;
  ReadFloats read_floats_;
  ReadIntegers read_integers_;
  Write<float> write_floats_;
  Write<int64_t> write_integers_;
};

std::unique_ptr<Kernel> MakeCast(const KernelSpec& spec) {
  if (spec.operands.size() != 1 || spec.results.size() != 1 || !spec.epilogue.empty() ||
      spec.operands[0].type == nullptr || spec.operands[0].shape() != spec.results[0].shape) {
    return nullptr;
  }
  return std::make_unique<CastKernel>(spec);
}

constexpr KernelRow kRows[] = {{"quantize", "reference", CpuLevel::kAny, MakeCast}};

}  // namespace

std::span<const KernelRow> CastRows() { return kRows; }

}  // namespace tersor::kernels::quantize
