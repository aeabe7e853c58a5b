#include <algorithm>
#include <utility>
#include <vector>

#include "tersor/kernels/conv2d_int8/conv_case.h"
#include "tersor/kernels/fully_connected_int8/fully_connected_int8.h"
#include "tersor/kernels/fully_connected_int8/loops.h"

namespace tersor::kernels::fully_connected_int8 {
namespace {

// Bytes of filter that are worth a hand-over to another thread.
constexpr int64_t kBytesPerTask = 256 * 1024;

int CeilDiv(int a, int b) { return (a + b - 1) / b; }

class Planned : public Kernel {
 public:
  void Run(const KernelCall& call) const override { run_(plan_, call); }
  // The widened input.
  size_t scratch_bytes() const override {
    return static_cast<size_t>(plan_.batch) * plan_.groups * 4;
  }
  size_t packed_bytes() const override {
    return filter_->size_bytes() + bias_.size() * sizeof(int32_t);
  }

  bool Plan(const KernelSpec& spec, const ConvCase& c, const Loops& loops) {
    auto chain = MakeIntegerChain(spec, c.activation, c.multipliers, loops.lanes);
    if (!chain) return false;
    plan_.chain = std::move(*chain);
    plan_.batch = c.batch;
    plan_.in_c = c.in_c;
    plan_.out_c = c.out_c;
    plan_.vectors = CeilDiv(c.out_c, loops.lanes);
    plan_.groups = CeilDiv(c.in_c, loops.group);
    const int blocks = CeilDiv(plan_.vectors, kBlockVectors);
    const int64_t work = int64_t{c.batch} * c.in_c * c.out_c / kBytesPerTask;
    plan_.tasks = static_cast<int>(std::clamp<int64_t>(work, 1, std::min(spec.threads, blocks)));
    const std::vector<int32_t> filter = CenteredFilter(c, spec.operands[1]);
    bias_ = FoldedBias(c, filter, spec.operands.size() > 2 ? spec.operands[2] : ConstTensorView{});
    if (loops.group == 4) {
      for (size_t i = 0; i < filter.size(); ++i) {
        int32_t& bias = bias_[i / static_cast<size_t>(c.in_c)];
        bias = static_cast<int32_t>(static_cast<uint32_t>(bias) -
                                    128u * static_cast<uint32_t>(filter[i]));
      }
    }
    bias_.resize(static_cast<size_t>(plan_.vectors) * loops.lanes);
    plan_.bias = bias_.data();
    run_ = loops.run;
    return Pack(filter, loops);
  }

 private:
  bool Pack(const std::vector<int32_t>& filter, const Loops& loops) {
    auto buffer = Buffer::Allocate(static_cast<size_t>(plan_.vectors) * plan_.groups * loops.lanes *
                                   loops.group);
    if (!buffer.ok()) return false;
    filter_ = std::move(*buffer);
    plan_.filter = static_cast<const char*>(filter_->data());
    auto* to = static_cast<int8_t*>(filter_->data());
    for (int block = 0; block < plan_.vectors; block += kBlockVectors) {
      const int lanes = std::min(kBlockVectors, plan_.vectors - block) * loops.lanes;
      for (int group = 0; group < plan_.groups; ++group) {
        for (int lane = 0; lane < lanes; ++lane) {
          for (int e = 0; e < loops.group; ++e, ++to) {
            const int o = block * loops.lanes + lane, i = group * loops.group + e;
            if (o >= plan_.out_c || i >= plan_.in_c) continue;
            *to = static_cast<int8_t>(filter[static_cast<size_t>(o) * plan_.in_c + i]);
          }
        }
      }
    }
    return true;
  }

  fully_connected_int8::Plan plan_;
  void (*run_)(const fully_connected_int8::Plan& plan, const KernelCall& call) = nullptr;
  std::shared_ptr<Buffer> filter_;
  std::vector<int32_t> bias_;
};

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  const auto is_variable = [&](size_t index) {
    return index < spec.operands.size() && spec.operands[index].type != nullptr &&
           spec.operands[index].data == nullptr;
  };
  if (is_variable(1) || is_variable(2)) return nullptr;
  const auto c = ParseFullyConnectedCase(spec);
  if (!c || c->input_dtype != DType::kI8 || c->filter_dtype != DType::kI8 ||
      std::any_of(c->filter_zeros.begin(), c->filter_zeros.end(), [](int z) { return z != 0; })) {
    return nullptr;
  }
  auto kernel = std::make_unique<Planned>();
  if (!kernel->Plan(spec, *c, kLoops)) return nullptr;
  return kernel;
}

constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) \
  {"fully_connected_int8", #name, CpuLevel::level, MakeVector<loops>},
#include "tersor/kernels/fully_connected_int8/kernels.inc"
#undef LOOPS
    {"fully_connected_int8", "reference", CpuLevel::kAny, MakeReference},
};

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

}  // namespace tersor::kernels::fully_connected_int8
