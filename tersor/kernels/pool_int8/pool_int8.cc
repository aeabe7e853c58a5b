#include "tersor/kernels/pool_int8/pool_int8.h"

#include <algorithm>

#include "tersor/kernels/pool_int8/makers.h"

namespace tersor::kernels::pool_int8 {
namespace {

using RowLoop = decltype(Loops::max_row);

class RowKernel final : public Kernel {
 public:
  RowKernel(RowLoop row, const PoolCase& p, int threads) : row_(row), p_(p) {
    constexpr int64_t kTaskBytes = 200'000;  // some ten microseconds of reading
    const PoolGeometry& g = p.geometry;
    const int64_t worth = g.batch * g.height * g.width * g.channels / kTaskBytes;
    tasks_ = static_cast<int>(
        std::clamp<int64_t>(std::min(worth, g.batch * g.output_height), 1, threads));
  }

  void Run(const KernelCall& call) const override {
    const PoolGeometry& g = p_.geometry;
    const auto* input = call.operands[0].as<uint8_t>();
    auto* output = call.results[0].as<uint8_t>();
    const int64_t image = g.height * g.width * g.channels;
    const int64_t rows = g.batch * g.output_height, output_row = g.output_width * g.channels;
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = rows * task / tasks_, end = rows * (task + 1) / tasks_;
      const Ends ends = {input + g.batch * image, output + end * output_row};
      for (int64_t row = begin; row < end; ++row) {
        row_(p_, input + row / g.output_height * image, row % g.output_height,
             output + row * output_row, ends);
      }
    });
  }

 private:
  RowLoop row_;
  PoolCase p_;
  int tasks_;
};

template <bool kMax, const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  PoolCase p;
  if (kMax ? !ReadMax(spec, p) : !ReadAvg(spec, p)) return nullptr;
  if (!kMax && p.KeepsScale() && p.geometry.window_h * p.geometry.window_w > kMostMeanCells) {
    return nullptr;
  }
  return std::make_unique<RowKernel>(kMax ? kLoops.max_row : kLoops.average_row, p, spec.threads);
}

template <bool kMax>
constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"pool_int8", #name, CpuLevel::level, MakeVector<kMax, loops>},
#include "tersor/kernels/pool_int8/kernels.inc"
#undef LOOPS
    {"pool_int8", "reference", CpuLevel::kAny,
     kMax ? MakeMaxPool2dReference : MakeAvgPool2dReference},
};

bool Read(const KernelSpec& spec, PoolCase& p) {
  const TensorType &input = *spec.operands[0].type, &output = spec.results[0];
  if (!spec.epilogue.empty() || input.dtype != output.dtype) return false;
  if (input.dtype != DType::kI8 && input.dtype != DType::kU8) return false;
  if (!IsPerTensor(input) || !IsPerTensor(output)) return false;
  p.is_signed = input.dtype == DType::kI8;
  p.range = ActivationRange(output, spec.attributes->ActivationOf());
  p.scale_in = ScaleOf(input);
  p.scale_out = ScaleOf(output);
  p.zero_in = ZeroPointOf(input);
  p.zero_out = ZeroPointOf(output);
  return PoolGeometry::Read(input.shape, output.shape, *spec.attributes, p.geometry);
}

}  // namespace

std::span<const KernelRow> MaxPool2dRows() { return kRows<true>; }
std::span<const KernelRow> AvgPool2dRows() { return kRows<false>; }

bool ReadMax(const KernelSpec& spec, PoolCase& pool_case) {
  return Read(spec, pool_case) && pool_case.scale_in == pool_case.scale_out &&
         pool_case.zero_in == pool_case.zero_out;
}

bool ReadAvg(const KernelSpec& spec, PoolCase& pool_case) {
  if (!Read(spec, pool_case)) return false;
  const PoolGeometry& g = pool_case.geometry;
  constexpr int64_t kMaxArea =
      INT32_MAX / 510;  // |q - zero_in| <= 510 for any zero point of a byte
  return g.window_h <= kMaxArea && g.window_w <= kMaxArea && g.window_h * g.window_w <= kMaxArea;
}

}  // namespace tersor::kernels::pool_int8
