#include <array>
#include <cstring>

#include "tersor/kernels/kernel_rows.h"
#include "tersor/kernels/strided_copy/strided_copy.h"

namespace tersor::kernels::strided_copy {
namespace {

constexpr int kMaxRank = 8;

class StridedCopy : public Kernel {
 public:
  // `strides` in elements of the input, one an axis of the result.
  StridedCopy(const Shape& result, std::span<const int64_t> strides, int64_t offset,
              size_t element_bytes)
      : rank_(result.rank()), element_bytes_(element_bytes), offset_(offset) {
    for (int axis = 0; axis < rank_; ++axis) {
      extents_[static_cast<size_t>(axis)] = result[axis];
      strides_[static_cast<size_t>(axis)] = strides[static_cast<size_t>(axis)];
    }
    empty_ = result.num_elements() == 0;
  }

  void Run(const KernelCall& call) const override {
    if (empty_) return;
    auto* to = static_cast<std::byte*>(call.results[0].data);
    Copy(static_cast<const std::byte*>(call.operands[0].data) +
             static_cast<size_t>(offset_) * element_bytes_,
         to, 0);
  }

 private:
  void Copy(const std::byte* from, std::byte*& to, size_t axis) const {
    if (axis + 1 >= static_cast<size_t>(rank_)) {
      const size_t count = rank_ == 0 ? 1 : static_cast<size_t>(extents_[axis]);
      if (rank_ == 0 || strides_[axis] == 1) {
        std::memcpy(to, from, count * element_bytes_);
        to += count * element_bytes_;
        return;
      }
      for (size_t i = 0; i < count; ++i) {
        std::memcpy(to, from, element_bytes_);
        to += element_bytes_;
      }
      return;
    }
    const size_t step = static_cast<size_t>(strides_[axis]) * element_bytes_;
    for (int64_t i = 0; i < extents_[axis]; ++i)
      Copy(from + static_cast<size_t>(i) * step, to, axis + 1);
  }

  int rank_;
  size_t element_bytes_;
  int64_t offset_;
  bool empty_ = false;
  std::array<int64_t, kMaxRank> extents_{}, strides_{};
};

std::vector<int64_t> DenseStrides(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()), 1);
  for (int axis = shape.rank() - 2; axis >= 0; --axis) {
    const auto i = static_cast<size_t>(axis);
    strides[i] = strides[i + 1] * shape[axis + 1];
  }
  return strides;
}

bool Takes(const KernelSpec& spec) {
  const TensorType& input = *spec.operands[0].type;
  return spec.epilogue.empty() && DTypeBits(input.dtype) >= 8 &&
         spec.results[0].shape.rank() <= kMaxRank && input.dtype == spec.results[0].dtype;
}

std::unique_ptr<Kernel> MakeSlice(const KernelSpec& spec) {
  if (!Takes(spec)) return nullptr;
  const TensorType& input = *spec.operands[0].type;
  const std::vector<int64_t> strides = DenseStrides(input.shape);
  const auto& begin = spec.attributes->Ints(Attr::begin);
  int64_t offset = 0;
  for (size_t axis = 0; axis < strides.size(); ++axis) offset += begin[axis] * strides[axis];
  return std::make_unique<StridedCopy>(spec.results[0].shape, strides, offset,
                                       static_cast<size_t>(DTypeBits(input.dtype) / 8));
}

std::unique_ptr<Kernel> MakeBroadcastTo(const KernelSpec& spec) {
  if (!Takes(spec)) return nullptr;
  const TensorType& input = *spec.operands[0].type;
  const Shape& result = spec.results[0].shape;
  const std::vector<int64_t> dense = DenseStrides(input.shape);
  std::vector<int64_t> strides(static_cast<size_t>(result.rank()), 0);
  const int lead = result.rank() - input.shape.rank();
  for (int axis = lead; axis < result.rank(); ++axis) {
    const auto source = static_cast<size_t>(axis - lead);
    const bool repeated = input.shape[axis - lead] == 1 && result[axis] != 1;
    strides[static_cast<size_t>(axis)] = repeated ? 0 : dense[source];
  }
  return std::make_unique<StridedCopy>(result, strides, 0,
                                       static_cast<size_t>(DTypeBits(input.dtype) / 8));
}

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"strided_copy/" #op, #name, CpuLevel::level, &maker},
#include "tersor/kernels/strided_copy/kernels.inc"
#undef KERNEL
};

}  // namespace

std::span<const KernelRow> SliceRows() { return RowsOf(kRows, "strided_copy/Slice"); }
std::span<const KernelRow> BroadcastToRows() { return RowsOf(kRows, "strided_copy/BroadcastTo"); }

}  // namespace tersor::kernels::strided_copy
