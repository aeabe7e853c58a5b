#include "tersor/kernels/quantize/quantize.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "tersor/base/packed_bits.h"
#include "tersor/kernels/integer_arithmetic.h"
#include "tersor/kernels/quantize/loops.h"
#include "tersor/kernels/quantize/rescale.h"

namespace tersor::kernels::quantize {
namespace {

bool IsUnary(const KernelSpec& spec) {
  return spec.operands.size() == 1 && spec.results.size() == 1 && spec.epilogue.empty() &&
         spec.operands[0].type != nullptr && spec.operands[0].shape() == spec.results[0].shape;
}

/// A tensor seen as [outer, channels, inner], with one scale and zero point a channel; or as
/// [outer, row] with one for each group of `inner` elements of a row, of which the last may be
/// shorter.
struct Channels {
  int64_t outer = 1, channels = 1, inner = 1, row = 1;
  bool grouped = false;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;

  explicit Channels(const TensorType& type)
      : scales(type.quantization->scales), zero_points(type.quantization->zero_points) {
    const int axis = type.quantization->axis;
    for (int i = 0; i < type.shape.rank(); ++i) {
      (axis < 0 || i > axis ? inner : i < axis ? outer : channels) *= type.shape[i];
    }
    row = channels * inner;
    grouped = type.quantization->per_group();
    if (!grouped) return;
    inner = type.quantization->group_size;
    channels = (row + inner - 1) / inner;
  }

  /// body(first element, count, scale, zero point) for each stretch of one channel or group.
  template <typename Body>
  void ForEach(const Body& body) const {
    for (int64_t o = 0; o < outer; ++o) {
      const int64_t first_pair = grouped ? o * channels : 0;
      for (int64_t c = 0; c < channels; ++c) {
        const auto pair = static_cast<size_t>(first_pair + c);
        body(o * row + c * inner, std::min(inner, row - c * inner), scales[pair],
             zero_points[pair]);
      }
    }
  }
};

/// Whether the parameters fit the shape.
bool HasParameters(const TensorType& type) {
  if (!type.quantization) return false;
  const Quantization& q = *type.quantization;
  return q.scales.size() == q.zero_points.size() &&
         static_cast<int64_t>(q.scales.size()) == q.PairsFor(type.shape);
}

template <typename T>
class QuantizeReference final : public Kernel {
 public:
  explicit QuantizeReference(const KernelSpec& spec) : channels_(spec.results[0]) {}

  void Run(const KernelCall& call) const override {
    const float* in = call.operands[0].as<float>();
    T* out = call.results[0].as<T>();
    channels_.ForEach([&](int64_t first, int64_t count, float scale, int32_t zero_point) {
      const float inverse = InverseScale(scale);
      for (int64_t i = first; i < first + count; ++i) {
        out[i] = static_cast<T>(QuantizeValue(in[i], inverse, zero_point, RangeOf(DTypeOf<T>)));
      }
    });
  }

 private:
  Channels channels_;
};

class RescaleReference final : public Kernel {
 public:
  explicit RescaleReference(const KernelSpec& spec)
      : rescale_(*spec.operands[0].type, spec.results[0]),
        count_(spec.results[0].shape.num_elements()) {}

  void Run(const KernelCall& call) const override {
    rescale_.Apply(call.operands[0].data, call.results[0].data, count_);
  }

 private:
  Rescale rescale_;
  int64_t count_;
};

template <typename T>
class DequantizeReference final : public Kernel {
 public:
  explicit DequantizeReference(const KernelSpec& spec) : channels_(*spec.operands[0].type) {}

  void Run(const KernelCall& call) const override {
    const T* in = call.operands[0].as<T>();
    float* out = call.results[0].as<float>();
    channels_.ForEach([&](int64_t first, int64_t count, float scale, int32_t zero_point) {
      for (int64_t i = first; i < first + count; ++i) {
        out[i] = DequantizeValue(in[i], scale, zero_point);
      }
    });
  }

 private:
  Channels channels_;
};

class Dequantize4Reference final : public Kernel {
 public:
  explicit Dequantize4Reference(const KernelSpec& spec)
      : channels_(*spec.operands[0].type), layout_(spec.operands[0].shape()) {}

  void Run(const KernelCall& call) const override {
    const auto* in = call.operands[0].as<uint8_t>();
    float* out = call.results[0].as<float>();
    channels_.ForEach([&](int64_t first, int64_t count, float scale, int32_t zero_point) {
      for (int64_t i = first; i < first + count; ++i) {
        out[i] = DequantizeValue(layout_.Get(in, i), scale, zero_point);
      }
    });
  }

 private:
  Channels channels_;
  Packed4 layout_;
};

/// Quantize or Dequantize of 8 bits per tensor, cut into one part a thread.
template <typename In, typename Out>
class VectorKernel final : public Kernel {
 public:
  using Loop = void (*)(const In*, Out*, int64_t, float, int32_t);

  VectorKernel(Loop loop, float factor, int32_t zero_point, const KernelSpec& spec)
      : loop_(loop),
        factor_(factor),
        zero_point_(zero_point),
        count_(spec.results[0].shape.num_elements()) {
    constexpr int64_t kTaskElements = 32 * 1024;
    tasks_ = static_cast<int>(std::clamp<int64_t>(count_ / kTaskElements, 1, spec.threads));
  }

  void Run(const KernelCall& call) const override {
    const In* in = call.operands[0].as<In>();
    Out* out = call.results[0].as<Out>();
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = count_ * task / tasks_, end = count_ * (task + 1) / tasks_;
      loop_(in + begin, out + begin, end - begin, factor_, zero_point_);
    });
  }

 private:
  Loop loop_;
  float factor_;
  int32_t zero_point_;
  int64_t count_;
  int tasks_;
};

bool IsEightBitPerTensor(const TensorType& type) {
  return (type.dtype == DType::kI8 || type.dtype == DType::kU8) && IsPerTensor(type) &&
         std::abs(ZeroPointOf(type)) <= 255;
}

std::unique_ptr<Kernel> MakeQuantize(const KernelSpec& spec) {
  if (!IsUnary(spec)) return nullptr;
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  if (in.dtype != DType::kF32) {
    if (!IsPerTensor(in) || !IsPerTensor(out) || !Rescale::Supports(in, out)) return nullptr;
    return std::make_unique<RescaleReference>(spec);
  }
  if (!HasParameters(out)) return nullptr;
  switch (out.dtype) {
    case DType::kI8:
      return std::make_unique<QuantizeReference<int8_t>>(spec);
    case DType::kU8:
      return std::make_unique<QuantizeReference<uint8_t>>(spec);
    case DType::kI16:
      return std::make_unique<QuantizeReference<int16_t>>(spec);
    case DType::kI32:
      return std::make_unique<QuantizeReference<int32_t>>(spec);
    default:
      return nullptr;
  }
}

std::unique_ptr<Kernel> MakeDequantize(const KernelSpec& spec) {
  if (!IsUnary(spec) || spec.results[0].dtype != DType::kF32) return nullptr;
  const TensorType& in = *spec.operands[0].type;
  if (!HasParameters(in)) return nullptr;
  switch (in.dtype) {
    case DType::kI4:
      return std::make_unique<Dequantize4Reference>(spec);
    case DType::kI8:
      return std::make_unique<DequantizeReference<int8_t>>(spec);
    case DType::kU8:
      return std::make_unique<DequantizeReference<uint8_t>>(spec);
    case DType::kI16:
      return std::make_unique<DequantizeReference<int16_t>>(spec);
    case DType::kI32:
      return std::make_unique<DequantizeReference<int32_t>>(spec);
    default:
      return nullptr;
  }
}

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVectorQuantize(const KernelSpec& spec) {
  if (!IsUnary(spec) || spec.operands[0].dtype() != DType::kF32) return nullptr;
  const TensorType& out = spec.results[0];
  if (!IsEightBitPerTensor(out)) return nullptr;
  const float inverse = InverseScale(ScaleOf(out));
  if (out.dtype == DType::kI8) {
    return std::make_unique<VectorKernel<float, int8_t>>(kLoops.quantize_i8, inverse,
                                                         ZeroPointOf(out), spec);
  }
  return std::make_unique<VectorKernel<float, uint8_t>>(kLoops.quantize_u8, inverse,
                                                        ZeroPointOf(out), spec);
}

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVectorDequantize(const KernelSpec& spec) {
  if (!IsUnary(spec) || spec.results[0].dtype != DType::kF32) return nullptr;
  const TensorType& in = *spec.operands[0].type;
  if (!IsEightBitPerTensor(in)) return nullptr;
  if (in.dtype == DType::kI8) {
    return std::make_unique<VectorKernel<int8_t, float>>(kLoops.dequantize_i8, ScaleOf(in),
                                                         ZeroPointOf(in), spec);
  }
  return std::make_unique<VectorKernel<uint8_t, float>>(kLoops.dequantize_u8, ScaleOf(in),
                                                        ZeroPointOf(in), spec);
}

constexpr KernelRow kQuantizeRows[] = {
#define LOOPS(name, cpu_level, loops) \
  {"quantize", #name, CpuLevel::cpu_level, MakeVectorQuantize<loops>},
#include "tersor/kernels/quantize/kernels.inc"
#undef LOOPS
    {"quantize", "reference", CpuLevel::kAny, MakeQuantize},
};
constexpr KernelRow kDequantizeRows[] = {
#define LOOPS(name, cpu_level, loops) \
  {"quantize", #name, CpuLevel::cpu_level, MakeVectorDequantize<loops>},
#include "tersor/kernels/quantize/kernels.inc"
#undef LOOPS
    {"quantize", "reference", CpuLevel::kAny, MakeDequantize},
};

}  // namespace

std::span<const KernelRow> QuantizeRows() { return kQuantizeRows; }
std::span<const KernelRow> DequantizeRows() { return kDequantizeRows; }

}  // namespace tersor::kernels::quantize
