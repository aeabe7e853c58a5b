#include <algorithm>

#include "tersor/kernels/pool_int8/makers.h"

namespace tersor::kernels::pool_int8 {
namespace {

/// T: the element type. kMax: the largest cell, else the mean.
template <typename T, bool kMax>
class ReferenceKernel : public Kernel {
 public:
  explicit ReferenceKernel(const PoolCase& p) : p_(p) {}

  void Run(const KernelCall& call) const override {
    const auto* input = call.operands[0].as<T>();
    auto* output = call.results[0].as<T>();
    const PoolGeometry& g = p_.geometry;
    for (int64_t n = 0; n < g.batch; ++n) {
      for (int64_t y = 0; y < g.output_height; ++y) {
        for (int64_t x = 0; x < g.output_width; ++x) {
          for (int64_t c = 0; c < g.channels; ++c) {
            *output++ = Window(input + n * g.height * g.width * g.channels + c, g.RowRange(y),
                               g.ColumnRange(x));
          }
        }
      }
    }
  }

 private:
  T Window(const T* image, CellRange rows, CellRange columns) const {
    const PoolGeometry& g = p_.geometry;
    int32_t sum = 0, largest = INT32_MIN;
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        const int32_t q = image[(h * g.width + w) * g.channels];
        sum += q;
        largest = std::max(largest, q);
      }
    }
    if constexpr (kMax) return static_cast<T>(std::clamp(largest, p_.range.lo, p_.range.hi));
    const int64_t covered = rows.size() * columns.size();
    if (p_.KeepsScale()) {
      return static_cast<T>(std::clamp(MeanHalfAway(sum, covered), p_.range.lo, p_.range.hi));
    }
    return static_cast<T>(p_.Rescale(covered).Apply(sum, p_.range));
  }

  PoolCase p_;
};

template <bool kMax>
std::unique_ptr<Kernel> Make(const PoolCase& p) {
  if (p.is_signed) return std::make_unique<ReferenceKernel<int8_t, kMax>>(p);
  return std::make_unique<ReferenceKernel<uint8_t, kMax>>(p);
}

}  // namespace

std::unique_ptr<Kernel> MakeMaxPool2dReference(const KernelSpec& spec) {
  PoolCase pool_case;
  return ReadMax(spec, pool_case) ? Make<true>(pool_case) : nullptr;
}

std::unique_ptr<Kernel> MakeAvgPool2dReference(const KernelSpec& spec) {
  PoolCase pool_case;
  return ReadAvg(spec, pool_case) ? Make<false>(pool_case) : nullptr;
}

}  // namespace tersor::kernels::pool_int8
