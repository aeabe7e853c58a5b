#include <algorithm>
#include <utility>
#include <vector>

#include "tersor/kernels/conv2d_int8/conv_case.h"
#include "tersor/kernels/depthwise_int8/depthwise_int8.h"
#include "tersor/kernels/depthwise_int8/loops.h"

namespace tersor::kernels::depthwise_int8 {
namespace {

// Pair products that are worth a hand-over to another thread, and bytes of an image that stays in
// the first-level cache.
constexpr double kProductsPerTask = 80'000;
constexpr size_t kImageBytes = 24 * 1024;

size_t RoundUp64(size_t bytes) { return (bytes + 63) / 64 * 64; }

class Planned : public Kernel {
 public:
  void Run(const KernelCall& call) const override { run_(plan_, call); }
  size_t scratch_bytes() const override {
    return plan_.task_bytes * static_cast<size_t>(plan_.tasks);
  }
  size_t packed_bytes() const override {
    return (filter_.size() + bias_.size()) * sizeof(int32_t) + padding_.size();
  }

  bool Plan(const KernelSpec& spec, const ConvCase& c, const Loops& loops) {
    auto chain = MakeIntegerChain(spec, c.activation, c.multipliers, loops.lanes);
    if (!chain || chain->pool) return false;
    plan_.chain = std::move(*chain);
    SetGeometry(c, loops.lanes);
    const auto operand = [&](size_t index) {
      return index < spec.operands.size() ? spec.operands[index] : ConstTensorView{};
    };
    const std::vector<int32_t> filter = CenteredFilter(c, operand(1));
    bias_ = FoldedBias(c, filter, operand(2));
    bias_.resize(static_cast<size_t>(plan_.channels));
    plan_.bias = bias_.data();
    const std::vector<int32_t> cells = PaddedCells(c, *spec.operands[0].type, operand(3));
    padding_.resize(static_cast<size_t>(plan_.channels));
    for (size_t o = 0; o < static_cast<size_t>(c.out_c); ++o) {
      padding_[o] = static_cast<int8_t>(cells[o / static_cast<size_t>(plan_.multiplier)]);
    }
    plan_.padding = padding_.data();
    PackFilter(c, filter, loops.lanes);
    SetChunks(c, spec.threads);
    run_ = loops.run;
    return true;
  }

 private:
  void SetGeometry(const ConvCase& c, int lanes) {
    plan_.batch = c.batch;
    plan_.in_h = c.in_h;
    plan_.in_w = c.in_w;
    plan_.in_c = c.in_c;
    plan_.out_h = c.out_h;
    plan_.out_w = c.out_w;
    plan_.out_c = c.out_c;
    plan_.k_h = c.k_h;
    plan_.stride_h = c.stride_h;
    plan_.stride_w = c.stride_w;
    plan_.dilation_h = c.dilation_h;
    plan_.dilation_w = c.dilation_w;
    plan_.pad_top = c.pad_top;
    plan_.pad_left = c.pad_left;
    plan_.multiplier = c.out_c / c.in_c;
    plan_.channels = (c.out_c + lanes - 1) / lanes * lanes;
    plan_.pairs = (c.k_w + 1) / 2;
    plan_.image_w = (c.out_w - 1) * c.stride_w + (c.k_w - 1) * c.dilation_w + 1;
  }

  void PackFilter(const ConvCase& c, const std::vector<int32_t>& filter, int lanes) {
    for (int first = 0; first < plan_.channels; first += lanes) {
      for (int i = 0; i < c.k_h; ++i) {
        for (int pair = 0; pair < plan_.pairs; ++pair) {
          for (int o = first; o < first + lanes; ++o) {
            const auto tap = [&](int j) {
              if (o >= c.out_c || j >= c.k_w) return uint32_t{0};
              const size_t at = (static_cast<size_t>(o) * c.k_h + i) * c.k_w + j;
              return static_cast<uint32_t>(static_cast<uint16_t>(filter[at]));
            };
            filter_.push_back(static_cast<int32_t>(tap(pair * 2) | tap(pair * 2 + 1) << 16));
          }
        }
      }
    }
    plan_.filter = filter_.data();
  }

  void SetChunks(const ConvCase& c, int threads) {
    const int units = c.batch * c.out_h;
    const double products = double(units) * c.out_w * plan_.channels * c.k_h * plan_.pairs;
    plan_.tasks =
        std::clamp(static_cast<int>(products / kProductsPerTask), 1, std::min(threads, units));
    const size_t row_bytes = static_cast<size_t>(plan_.image_w) * plan_.channels * 4;
    const auto image_rows = [&](int rows) {
      return static_cast<size_t>((rows - 1) * c.stride_h + (c.k_h - 1) * c.dilation_h + 1);
    };
    plan_.chunk_rows = 1;
    while (plan_.chunk_rows < c.out_h &&
           image_rows(plan_.chunk_rows + 1) * row_bytes <= kImageBytes) {
      ++plan_.chunk_rows;
    }
    // The neighbour of a row's last cells lies behind it; its weights are zero.
    const size_t slack = static_cast<size_t>(c.dilation_w) * plan_.channels;
    plan_.line_bytes = RoundUp64(static_cast<size_t>(plan_.image_w) * plan_.channels + slack + 64);
    plan_.task_bytes = plan_.line_bytes + RoundUp64(image_rows(plan_.chunk_rows) * row_bytes);
  }

  depthwise_int8::Plan plan_;
  void (*run_)(const depthwise_int8::Plan& plan, const KernelCall& call) = nullptr;
  std::vector<int32_t> filter_, bias_;
  std::vector<int8_t> padding_;
};

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  for (size_t i = 1; i < spec.operands.size(); ++i) {
    if (spec.operands[i].type != nullptr && spec.operands[i].data == nullptr) return nullptr;
  }
  const auto c = ParseConvCase(spec);
  // One input channel is dense, too: conv2d_int8 does four taps a product there, several times
  // faster.
  if (!c || c->groups != c->in_c || c->in_c == 1 || c->input_dtype != DType::kI8 ||
      c->filter_dtype != DType::kI8) {
    return nullptr;
  }
  auto kernel = std::make_unique<Planned>();
  if (!kernel->Plan(spec, *c, kLoops)) return nullptr;
  return kernel;
}

#if defined(__x86_64__)
constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"depthwise_int8", #name, CpuLevel::level, MakeVector<loops>},
#include "tersor/kernels/depthwise_int8/kernels.inc"
#undef LOOPS
};
#else
constexpr std::span<const KernelRow> kRows;
#endif

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

}  // namespace tersor::kernels::depthwise_int8
