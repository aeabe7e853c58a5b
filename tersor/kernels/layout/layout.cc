#include "tersor/kernels/layout/layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tersor/base/float16.h"
#include "tersor/kernels/quantize/rescale.h"

namespace tersor::kernels::layout {
namespace {

using quantize::Rescale;

constexpr int kMaxRank = 8;

/// How the elements of `from` become those of `to`; none where they cannot. The axis of per-channel
/// parameters may move.
std::optional<Rescale> RescaleBetween(TensorType from, const TensorType& to) {
  if (from.dtype != to.dtype) return std::nullopt;
  if (from.quantization && to.quantization) from.quantization->axis = to.quantization->axis;
  if (!Rescale::Supports(from, to)) return std::nullopt;
  return Rescale(from, to);
}

bool HasOperands(const KernelSpec& spec) {
  if (spec.operands.empty() || spec.results.size() != 1 || !spec.epilogue.empty()) return false;
  return std::all_of(spec.operands.begin(), spec.operands.end(),
                     [](const ConstTensorView& operand) { return operand.type != nullptr; });
}

int64_t LastExtent(const Shape& shape) { return shape.rank() == 0 ? 1 : shape[shape.rank() - 1]; }

class ReshapeKernel final : public Kernel {
 public:
  ReshapeKernel(const Rescale& rescale, const KernelSpec& spec)
      : rescale_(rescale),
        count_(spec.results[0].shape.num_elements()),
        packed_bytes_(DTypeBits(spec.results[0].dtype) < 8
                          ? static_cast<size_t>(spec.results[0].size_bytes())
                          : 0) {}

  void Run(const KernelCall& call) const override {
    const void* in = call.operands[0].data;
    void* out = call.results[0].data;
    if (packed_bytes_ == 0) {
      rescale_.Apply(in, out, count_);
    } else if (in != out) {
      std::memcpy(out, in, packed_bytes_);
    }
  }

 private:
  Rescale rescale_;
  int64_t count_;
  size_t packed_bytes_;
};

std::unique_ptr<Kernel> MakeReshape(const KernelSpec& spec) {
  if (!HasOperands(spec) || spec.operands.size() != 1) return nullptr;
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  const auto rescale = RescaleBetween(in, out);
  if (!rescale || in.shape.num_elements() != out.shape.num_elements()) return nullptr;
  if (DTypeBits(in.dtype) < 8) {
    const int64_t from = LastExtent(in.shape), to = LastExtent(out.shape);
    if (from != to && (from % 2 != 0 || to % 2 != 0)) return nullptr;
  }
  return std::make_unique<ReshapeKernel>(*rescale, spec);
}

/// Axes of the result, outermost first, with the input's step along each; axes that stay together
/// are merged.
struct TransposePlan {
  int rank = 0;
  std::array<int64_t, kMaxRank> extents{}, steps{};

  TransposePlan(const Shape& input, const std::vector<int64_t>& permutation) {
    std::array<int64_t, kMaxRank> input_steps{};
    int64_t step = 1;
    for (int axis = input.rank() - 1; axis >= 0; --axis) {
      input_steps[static_cast<size_t>(axis)] = step;
      step *= input[axis];
    }
    for (int64_t from : permutation) {
      const int64_t extent = input[static_cast<int>(from)];
      const int64_t from_step = input_steps[static_cast<size_t>(from)];
      if (extent == 1) continue;
      if (rank > 0 && steps[Last()] == extent * from_step) {
        extents[Last()] *= extent;
        steps[Last()] = from_step;
      } else {
        ++rank;
        extents[Last()] = extent;
        steps[Last()] = from_step;
      }
    }
    if (rank == 0) {
      rank = 1;
      extents[0] = 1;
      steps[0] = 1;
    }
  }

  size_t Last() const { return static_cast<size_t>(rank - 1); }
};

class TransposeKernel final : public Kernel {
 public:
  TransposeKernel(const Rescale& rescale, const TransposePlan& plan, const TensorType& result)
      : rescale_(rescale),
        plan_(plan),
        element_bytes_(DTypeBits(result.dtype) / 8),
        count_(result.shape.num_elements()) {}

  void Run(const KernelCall& call) const override {
    const void* in = call.operands[0].data;
    void* out = call.results[0].data;
    switch (element_bytes_) {
      case 1:
        Move(static_cast<const uint8_t*>(in), static_cast<uint8_t*>(out));
        break;
      case 2:
        Move(static_cast<const uint16_t*>(in), static_cast<uint16_t*>(out));
        break;
      case 4:
        Move(static_cast<const uint32_t*>(in), static_cast<uint32_t*>(out));
        break;
      default:
        Move(static_cast<const uint64_t*>(in), static_cast<uint64_t*>(out));
    }
    if (!rescale_.is_copy()) rescale_.Apply(out, out, count_);
  }

 private:
  template <typename T>
  void Move(const T* in, T* out) const {
    if (count_ == 0) return;
    std::array<int64_t, kMaxRank> at{};
    const int64_t extent = plan_.extents[plan_.Last()], step = plan_.steps[plan_.Last()];
    for (int64_t done = 0; done < count_; done += extent, out += extent) {
      if (step == 1) {
        std::copy_n(in, extent, out);
      } else {
        for (int64_t i = 0; i < extent; ++i) out[i] = in[i * step];
      }
      for (int axis = plan_.rank - 2; axis >= 0; --axis) {
        const auto k = static_cast<size_t>(axis);
        in += plan_.steps[k];
        if (++at[k] < plan_.extents[k]) break;
        in -= plan_.steps[k] * plan_.extents[k];
        at[k] = 0;
      }
    }
  }

  Rescale rescale_;
  TransposePlan plan_;
  int element_bytes_;
  int64_t count_;
};

std::unique_ptr<Kernel> MakeTranspose(const KernelSpec& spec) {
  if (!HasOperands(spec) || spec.operands.size() != 1 || spec.attributes == nullptr) return nullptr;
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  const auto rescale = RescaleBetween(in, out);
  const std::vector<int64_t>& permutation = spec.attributes->Ints(Attr::permutation);
  const int rank = in.shape.rank();
  if (!rescale || DTypeBits(in.dtype) < 8 || rank > kMaxRank || rank != out.shape.rank() ||
      static_cast<int>(permutation.size()) != rank) {
    return nullptr;
  }
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t from = permutation[static_cast<size_t>(axis)];
    if (from < 0 || from >= rank || in.shape[static_cast<int>(from)] != out.shape[axis] ||
        std::count(permutation.begin(), permutation.end(), from) != 1) {
      return nullptr;
    }
  }
  return std::make_unique<TransposeKernel>(*rescale, TransposePlan(in.shape, permutation), out);
}

class ConcatKernel final : public Kernel {
 public:
  struct Input {
    Rescale rescale;
    int64_t stretch;  ///< elements that it gives to each outer index
  };

  ConcatKernel(std::vector<Input> inputs, int64_t outer, int element_bytes)
      : inputs_(std::move(inputs)), outer_(outer), element_bytes_(element_bytes) {}

  void Run(const KernelCall& call) const override {
    auto* out = call.results[0].as<std::byte>();
    for (int64_t o = 0; o < outer_; ++o) {
      for (size_t k = 0; k < inputs_.size(); ++k) {
        const int64_t bytes = inputs_[k].stretch * element_bytes_;
        inputs_[k].rescale.Apply(call.operands[k].as<std::byte>() + o * bytes, out,
                                 inputs_[k].stretch);
        out += bytes;
      }
    }
  }

 private:
  std::vector<Input> inputs_;
  int64_t outer_;
  int element_bytes_;
};

std::unique_ptr<Kernel> MakeConcat(const KernelSpec& spec) {
  if (!HasOperands(spec) || spec.attributes == nullptr) return nullptr;
  const TensorType& out = spec.results[0];
  const int rank = out.shape.rank();
  int64_t axis = spec.attributes->Int(Attr::axis);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank || DTypeBits(out.dtype) < 8) return nullptr;
  int64_t outer = 1, inner = 1, joined = 0;
  for (int i = 0; i < rank; ++i) {
    if (i < axis) outer *= out.shape[i];
    if (i > axis) inner *= out.shape[i];
  }
  std::vector<ConcatKernel::Input> inputs;
  for (const ConstTensorView& operand : spec.operands) {
    const auto rescale = RescaleBetween(*operand.type, out);
    if (!rescale || operand.shape().rank() != rank) return nullptr;
    for (int i = 0; i < rank; ++i) {
      if (i != axis && operand.shape()[i] != out.shape[i]) return nullptr;
    }
    const int64_t extent = operand.shape()[static_cast<int>(axis)];
    inputs.push_back({*rescale, extent * inner});
    joined += extent;
  }
  if (joined != out.shape[static_cast<int>(axis)]) return nullptr;
  return std::make_unique<ConcatKernel>(std::move(inputs), outer, DTypeBits(out.dtype) / 8);
}

/// The bits of one element of the result that stand for `value`.
uint64_t PadBits(const TensorType& type, double value) {
  uint64_t bits = 0;
  const auto store = [&](auto element) { std::memcpy(&bits, &element, sizeof(element)); };
  const auto real = static_cast<float>(value);
  const int64_t whole = type.quantization ? QuantizeValue(real, InverseScale(ScaleOf(type)),
                                                          ZeroPointOf(type), RangeOf(type.dtype))
                                          : static_cast<int64_t>(value);
  switch (type.dtype) {
    case DType::kF32:
      store(real);
      break;
    case DType::kF16:
      store(FloatToF16(real));
      break;
    case DType::kBF16:
      store(FloatToBF16(real));
      break;
    default:
      store(whole);  // little-endian: the low bytes are the narrower integer
  }
  return bits;
}

class PadKernel final : public Kernel {
 public:
  PadKernel(const Rescale& rescale, const TensorType& in, const TensorType& out,
            const std::vector<int64_t>& pads, double value)
      : rescale_(rescale),
        element_bytes_(DTypeBits(out.dtype) / 8),
        rank_(out.shape.rank()),
        count_(out.shape.num_elements()),
        bits_(PadBits(out, value)) {
    int64_t step = 1;
    rows_ = 1;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      const auto k = static_cast<size_t>(axis);
      extents_[k] = in.shape[axis];
      steps_[k] = step;
      first_ += pads[2 * k] * step;
      step *= out.shape[axis];
      if (axis < rank_ - 1) rows_ *= in.shape[axis];
    }
    row_ = LastExtent(in.shape);
  }

  void Run(const KernelCall& call) const override {
    auto* out = call.results[0].as<std::byte>();
    Fill(out);
    const auto* in = call.operands[0].as<std::byte>();
    std::array<int64_t, kMaxRank> at{};
    int64_t to = first_;
    for (int64_t row = 0; row < rows_; ++row) {
      rescale_.Apply(in + row * row_ * element_bytes_, out + to * element_bytes_, row_);
      for (int axis = rank_ - 2; axis >= 0; --axis) {
        const auto k = static_cast<size_t>(axis);
        to += steps_[k];
        if (++at[k] < extents_[k]) break;
        to -= steps_[k] * extents_[k];
        at[k] = 0;
      }
    }
  }

 private:
  void Fill(std::byte* out) const {
    switch (element_bytes_) {
      case 1:
        std::memset(out, static_cast<uint8_t>(bits_), static_cast<size_t>(count_));
        break;
      case 2:
        std::fill_n(reinterpret_cast<uint16_t*>(out), count_, static_cast<uint16_t>(bits_));
        break;
      case 4:
        std::fill_n(reinterpret_cast<uint32_t*>(out), count_, static_cast<uint32_t>(bits_));
        break;
      default:
        std::fill_n(reinterpret_cast<uint64_t*>(out), count_, bits_);
    }
  }

  Rescale rescale_;
  int element_bytes_, rank_;
  int64_t count_, rows_, row_, first_ = 0;
  uint64_t bits_;
  std::array<int64_t, kMaxRank> extents_{}, steps_{};
};

std::unique_ptr<Kernel> MakePad(const KernelSpec& spec) {
  if (!HasOperands(spec) || spec.operands.size() != 1 || spec.attributes == nullptr) return nullptr;
  const TensorType &in = *spec.operands[0].type, &out = spec.results[0];
  const auto rescale = RescaleBetween(in, out);
  const std::vector<int64_t>& pads = spec.attributes->Ints(Attr::pads);
  const int rank = in.shape.rank();
  if (!rescale || DTypeBits(in.dtype) < 8 || rank > kMaxRank || rank != out.shape.rank() ||
      static_cast<int>(pads.size()) != 2 * rank) {
    return nullptr;
  }
  if (out.quantization && out.quantization->per_channel()) return nullptr;
  constexpr double kLargestWhole = 0x1p53;
  const double value = spec.attributes->Float(Attr::value);
  if (!IsFloat(out.dtype) && !out.quantization && !(std::abs(value) <= kLargestWhole)) {
    return nullptr;
  }
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t before = pads[static_cast<size_t>(2 * axis)];
    const int64_t behind = pads[static_cast<size_t>(2 * axis + 1)];
    if (before < 0 || behind < 0 || in.shape[axis] + before + behind != out.shape[axis]) {
      return nullptr;
    }
  }
  return std::make_unique<PadKernel>(*rescale, in, out, pads, value);
}

}  // namespace

#define KERNEL(Operator)                                         \
  std::span<const KernelRow> Operator##Rows() {                  \
    static constexpr KernelRow kRows[] = {                       \
        {"layout", "reference", CpuLevel::kAny, Make##Operator}, \
    };                                                           \
    return kRows;                                                \
  }
#include "tersor/kernels/layout/kernels.inc"
#undef KERNEL

}  // namespace tersor::kernels::layout
