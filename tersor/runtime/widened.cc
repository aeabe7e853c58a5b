#include "tersor/runtime/widened.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "tersor/base/float16.h"

namespace tersor::runtime {
namespace {

using kernels::Kernel;
using kernels::KernelCall;
using kernels::KernelSpec;

// A kernel may read so many bytes behind a tensor.
constexpr size_t kTailBytes = 64;
constexpr size_t kMaxOperands = 8, kMaxResults = 4;

bool IsNarrow(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

void WidenValues(DType from, const void* data, int64_t count, float* wide) {
  const auto* narrow = static_cast<const uint16_t*>(data);
  if (from == DType::kF16) {
    for (int64_t i = 0; i < count; ++i) wide[i] = F16ToFloat(narrow[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) wide[i] = BF16ToFloat(narrow[i]);
  }
}

void NarrowValues(DType to, const float* wide, int64_t count, void* data) {
  auto* narrow = static_cast<uint16_t*>(data);
  if (to == DType::kF16) {
    for (int64_t i = 0; i < count; ++i) narrow[i] = FloatToF16(wide[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) narrow[i] = FloatToBF16(wide[i]);
  }
}

// An operand or result of the case, and its f32 copy.
struct Place {
  TensorType type;                   // as the f32 kernel sees it
  DType dtype = DType::kF32;         // as the case has it
  size_t offset = 0;                 // of the copy in the scratch
  std::shared_ptr<Buffer> constant;  // the copy of a constant operand
  bool absent = false;

  bool narrow() const { return IsNarrow(dtype); }
};

class WidenedKernel final : public Kernel {
 public:
  WidenedKernel(std::unique_ptr<Kernel> inner, std::vector<Place> operands,
                std::vector<Place> results)
      : inner_(std::move(inner)), operands_(std::move(operands)), results_(std::move(results)) {
    scratch_bytes_ = Padded(inner_->scratch_bytes());
    packed_bytes_ = inner_->packed_bytes();
    for (std::vector<Place>* places : {&operands_, &results_}) {
      for (Place& place : *places) {
        if (!place.narrow()) continue;
        if (place.constant != nullptr) {
          packed_bytes_ += place.constant->size_bytes();
          continue;
        }
        place.offset = scratch_bytes_;
        scratch_bytes_ += Padded(static_cast<size_t>(place.type.size_bytes()));
      }
    }
  }

  size_t scratch_bytes() const override { return scratch_bytes_; }
  size_t packed_bytes() const override { return packed_bytes_; }

  void Run(const KernelCall& call) const override {
    std::array<ConstTensorView, kMaxOperands> operands;
    std::array<TensorView, kMaxResults> results;
    for (size_t i = 0; i < operands_.size(); ++i) {
      const Place& place = operands_[i];
      if (place.absent) continue;
      operands[i] = {&place.type, call.operands[i].data};
      if (!place.narrow()) continue;
      if (place.constant != nullptr) {
        operands[i].data = place.constant->data();
        continue;
      }
      float* wide = CopyOf(place, call);
      WidenValues(place.dtype, call.operands[i].data, place.type.shape.num_elements(), wide);
      operands[i].data = wide;
    }
    for (size_t i = 0; i < results_.size(); ++i) {
      const Place& place = results_[i];
      results[i] = {&place.type, place.narrow() ? CopyOf(place, call) : call.results[i].data};
    }
    KernelCall inner = call;
    inner.operands = std::span(operands).first(operands_.size());
    inner.results = std::span(results).first(results_.size());
    inner_->Run(inner);
    for (size_t i = 0; i < results_.size(); ++i) {
      const Place& place = results_[i];
      if (!place.narrow()) continue;
      NarrowValues(place.dtype, CopyOf(place, call), place.type.shape.num_elements(),
                   call.results[i].data);
    }
  }

 private:
  static size_t Padded(size_t bytes) {
    return bytes == 0 ? 0 : (bytes + 2 * kTailBytes - 1) / kTailBytes * kTailBytes;
  }
  static float* CopyOf(const Place& place, const KernelCall& call) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(call.scratch) + place.offset);
  }

  std::unique_ptr<Kernel> inner_;
  std::vector<Place> operands_, results_;
  size_t scratch_bytes_ = 0;
  size_t packed_bytes_ = 0;
};

Place PlaceOf(const TensorType& type) {
  Place place;
  place.type = type;
  place.dtype = type.dtype;
  if (place.narrow()) place.type.dtype = DType::kF32;
  return place;
}

// The f32 copy of a constant; null when memory runs out.
std::shared_ptr<Buffer> WidenConstant(const ConstTensorView& constant, const Place& place) {
  auto buffer = Buffer::Allocate(static_cast<size_t>(place.type.size_bytes()));
  if (!buffer.ok()) return nullptr;
  WidenValues(place.dtype, constant.data, place.type.shape.num_elements(),
              static_cast<float*>((*buffer)->data()));
  return *std::move(buffer);
}

}  // namespace

ChosenKernel Widen(const KernelSpec& spec,
                   const std::function<ChosenKernel(const KernelSpec&)>& choose) {
  if (!spec.epilogue.empty()) return {};
  if (spec.operands.size() > kMaxOperands || spec.results.size() > kMaxResults) return {};
  std::vector<Place> operands, results;
  for (const ConstTensorView& operand : spec.operands) {
    operands.push_back(operand.type == nullptr ? Place() : PlaceOf(*operand.type));
    Place& place = operands.back();
    place.absent = operand.type == nullptr;
    if (!place.narrow() || operand.data == nullptr) continue;
    place.constant = WidenConstant(operand, place);
    if (place.constant == nullptr) return {};
  }
  for (const TensorType& result : spec.results) results.push_back(PlaceOf(result));
  const auto narrow = [](const std::vector<Place>& places) {
    return std::ranges::any_of(places, &Place::narrow);
  };
  if (!narrow(operands) && !narrow(results)) return {};

  std::vector<ConstTensorView> wide_operands;
  std::vector<TensorType> wide_results;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Place& place = operands[i];
    ConstTensorView& view = wide_operands.emplace_back();
    if (place.absent) continue;
    view = {&place.type, place.constant ? place.constant->data() : spec.operands[i].data};
  }
  for (const Place& place : results) wide_results.push_back(place.type);
  KernelSpec wide = spec;
  wide.encoded = {};  // what is widened is the dense view
  wide.operands = wide_operands;
  wide.results = wide_results;
  ChosenKernel chosen = choose(wide);
  if (chosen.kernel == nullptr) return {};
  return {std::make_unique<WidenedKernel>(std::move(chosen.kernel), std::move(operands),
                                          std::move(results)),
          StrCat(chosen.name, kWidened)};
}

}  // namespace tersor::runtime
