#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tersor/kernels/conv2d_int8/conv2d_int8.h"
#include "tersor/kernels/conv2d_int8/loops.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

// G of F(4x4, 3x3), its rows scaled to integers (winograd.h).
constexpr int kFilterTransform[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                        {1, 2, 4}, {1, -2, 4},   {0, 0, 8}};
constexpr int kPoints = 36;

// Cycles of work that are worth a hand-over to another thread, and of an image that stays in the
// first-level cache.
constexpr double kCyclesPerTask = 12'000;
constexpr int kImageBytes = 24 * 1024;
// Tiles whose products are computed together: enough rows for the vector code, few enough for the
// first-level cache.
constexpr int kChunkTiles = 24;

int CeilDiv(int a, int b) { return (a + b - 1) / b; }
size_t RoundUp64(size_t bytes) { return (bytes + 63) / 64 * 64; }

bool AnyFilterZero(const ConvCase& c) {
  return std::any_of(c.filter_zeros.begin(), c.filter_zeros.end(), [](int z) { return z != 0; });
}

// Over all result channels, the largest sum of |w|.
int64_t LargestFilterSum(const ConvCase& c, const std::vector<int32_t>& filter) {
  const auto taps = static_cast<size_t>(c.taps());
  int64_t largest = 0;
  for (size_t at = 0; at < filter.size(); at += taps) {
    int64_t sum = 0;
    for (size_t k = 0; k < taps; ++k) sum += std::abs(filter[at + k]);
    largest = std::max(largest, sum);
  }
  return largest;
}

bool FitsWinograd(const ConvCase& c, const std::vector<int32_t>& filter) {
  // 64 times the sum over raw integers, |q| <= 128, must fit in int32.
  return c.k_h == 3 && c.k_w == 3 && c.stride_h == 1 && c.stride_w == 1 && c.dilation_h == 1 &&
         c.dilation_w == 1 && !AnyFilterZero(c) &&
         LargestFilterSum(c, filter) * 128 < (int64_t{1} << 25);
}

class Planner {
 public:
  Planner(const ConvCase& c, const Loops& loops, Plan& plan) : c_(c), loops_(loops), p_(plan) {
    p_.batch = c.batch;
    p_.in_h = c.in_h;
    p_.in_w = c.in_w;
    p_.in_c = c.in_c;
    p_.out_h = c.out_h;
    p_.out_w = c.out_w;
    p_.out_c = c.out_c;
    p_.k_h = c.k_h;
    p_.k_w = c.k_w;
    p_.stride_h = c.stride_h;
    p_.stride_w = c.stride_w;
    p_.dilation_h = c.dilation_h;
    p_.dilation_w = c.dilation_w;
    p_.pad_top = c.pad_top;
    p_.pad_left = c.pad_left;
    p_.vectors = CeilDiv(c.out_c, loops.lanes);
    p_.tiles_h = CeilDiv(c.out_h, 4);
    p_.tiles_w = CeilDiv(c.out_w, 4);
    p_.padded_c = CeilDiv(c.in_c, 16) * 16;
    const bool contiguous = c.dilation_w == 1;
    p_.segments = contiguous ? c.k_h : c.k_h * c.k_w;
    p_.groups = CeilDiv(contiguous ? c.k_w * c.in_c : c.in_c, loops.direct_group);
    p_.image_w = (c.out_w - 1) * c.stride_w + (c.k_w - 1) * c.dilation_w + 1;
  }

  // Cycles, as measured on Zen 3: products, and moving data in and out of the transforms.
  double WinogradCost() const {
    const double tiles = double(p_.batch) * p_.tiles_h * p_.tiles_w;
    const double vector = 8.0 / loops_.lanes;
    return tiles * (kPoints * p_.vectors * (CeilDiv(c_.in_c, 2) * loops_.pairs_cost + 3) +
                    120.0 * p_.padded_c / 16 + 160.0 * vector * p_.vectors);
  }
  double DirectCost() const {
    const double pixels = double(p_.batch) * p_.out_h * p_.out_w;
    const double image = double(p_.batch) * p_.out_h * c_.stride_h * p_.image_w * c_.in_c;
    return pixels * p_.vectors * (p_.segments * p_.groups * loops_.direct_cost + 6) + image * 0.2;
  }

  void Split(double cycles, int units, int threads) {
    p_.tasks = std::clamp(static_cast<int>(cycles / kCyclesPerTask), 1, std::min(threads, units));
  }

  void PlanWinograd(int threads) {
    const int rows = p_.batch * p_.tiles_h;
    Split(WinogradCost(), rows, threads);
    p_.chunk_tile_rows = std::clamp(kChunkTiles / p_.tiles_w, 1, CeilDiv(rows, p_.tasks));
    const size_t tiles = static_cast<size_t>(p_.chunk_tile_rows) * p_.tiles_w;
    p_.task_bytes =
        RoundUp64(static_cast<size_t>(p_.tiles_w * 4 + 2) * 6 * 16 * sizeof(int16_t)) +
        RoundUp64(tiles * kPoints * p_.padded_c * sizeof(int16_t)) +
        static_cast<size_t>(kMaxRows) * kPoints * kBlockVectors * loops_.lanes * sizeof(int32_t);
  }

  void PlanDirect(int threads) {
    const int step = p_.chain.pool ? 2 : 1;
    const int units = p_.batch * p_.out_h / step;
    Split(DirectCost(), units, threads);
    const int element = 4 / loops_.direct_group;
    const size_t row_bytes = static_cast<size_t>(p_.image_w) * c_.in_c * element;
    const auto image_rows = [&](int rows) {
      return static_cast<size_t>((rows - 1) * c_.stride_h + (c_.k_h - 1) * c_.dilation_h + 1);
    };
    p_.chunk_rows = step;
    while (p_.chunk_rows + step <= p_.out_h &&
           image_rows(p_.chunk_rows + step) * row_bytes <= kImageBytes) {
      p_.chunk_rows += step;
    }
    p_.task_bytes = RoundUp64(image_rows(p_.chunk_rows) * row_bytes + 64);
  }

  // Visits the packed places of a filter with `channels` per inner run: calls
  // put(place, o, inner) for each existing result channel o and input index inner < count, where
  // place counts elements of 4 / group bytes.
  template <typename Put>
  size_t Pack(size_t parts, int group, int count, const Put& put) const {
    const int lanes = loops_.lanes, groups = CeilDiv(count, group);
    size_t place = 0;
    for (int block = 0; block < p_.vectors; block += kBlockVectors) {
      const int vectors = std::min(kBlockVectors, p_.vectors - block);
      for (size_t part = 0; part < parts; ++part) {
        for (int g = 0; g < groups; ++g) {
          for (int lane = 0; lane < vectors * lanes; ++lane) {
            for (int e = 0; e < group; ++e, ++place) {
              const int o = block * lanes + lane, inner = g * group + e;
              if (o < c_.out_c && inner < count) put(place, part, o, inner);
            }
          }
        }
      }
    }
    return place;
  }

  std::vector<int16_t> PackWinograd(const std::vector<int32_t>& filter) const {
    std::vector<int16_t> packed;
    const auto put = [&](size_t place, size_t point, int o, int channel) {
      const int* row = kFilterTransform[point / 6];
      const int* column = kFilterTransform[point % 6];
      int32_t sum = 0;
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          const size_t at = (static_cast<size_t>(o) * 9 + i * 3 + j) * c_.in_c + channel;
          sum += row[i] * column[j] * filter[at];
        }
      }
      packed[place] = static_cast<int16_t>(sum);
    };
    packed.resize(Pack(kPoints, 2, c_.in_c, [](auto...) {}));
    Pack(kPoints, 2, c_.in_c, put);
    return packed;
  }

  template <typename T>
  std::vector<T> PackDirect(const std::vector<int32_t>& filter) const {
    const int run = c_.k_h * c_.k_w * c_.in_c / p_.segments;
    std::vector<T> packed;
    packed.resize(Pack(p_.segments, loops_.direct_group, run, [](auto...) {}));
    Pack(p_.segments, loops_.direct_group, run, [&](size_t place, size_t part, int o, int inner) {
      packed[place] = static_cast<T>(
          filter[static_cast<size_t>(o) * c_.taps() + part * static_cast<size_t>(run) + inner]);
    });
    return packed;
  }

  std::vector<ptrdiff_t> SegmentOffsets() const {
    std::vector<ptrdiff_t> offsets;
    const int element = 4 / loops_.direct_group;
    for (int s = 0; s < p_.segments; ++s) {
      const int i = c_.dilation_w == 1 ? s : s / c_.k_w;
      const int j = c_.dilation_w == 1 ? 0 : s % c_.k_w;
      offsets.push_back((ptrdiff_t{i} * c_.dilation_h * p_.image_w + j * c_.dilation_w) * c_.in_c *
                        element);
    }
    return offsets;
  }

 private:
  const ConvCase& c_;
  const Loops& loops_;
  Plan& p_;
};

class Planned : public Kernel {
 public:
  void Run(const KernelCall& call) const override { run_(plan_, call); }
  size_t scratch_bytes() const override {
    return plan_.task_bytes * static_cast<size_t>(plan_.tasks);
  }
  size_t packed_bytes() const override {
    return filter_->size_bytes() + bias_.size() * sizeof(int32_t) + padding_.size();
  }

  // False: the case is not for these loops.
  bool Plan(const KernelSpec& spec, const ConvCase& c, const Loops& loops) {
    const ConstTensorView filter_view = spec.operands[1];
    const ConstTensorView bias_view =
        spec.operands.size() > 2 ? spec.operands[2] : ConstTensorView{};
    const ConstTensorView padding_view =
        spec.operands.size() > 3 ? spec.operands[3] : ConstTensorView{};
    auto chain = MakeIntegerChain(spec, c.activation, c.multipliers, loops.lanes);
    if (!chain) return false;
    plan_.chain = std::move(*chain);
    const std::vector<int32_t> filter = CenteredFilter(c, filter_view);
    Planner planner(c, loops, plan_);
    bias_ = FoldedBias(c, filter, bias_view);
    const bool winograd = FitsWinograd(c, filter) && planner.WinogradCost() < planner.DirectCost();
    if (!winograd && loops.direct_group == 4) {
      if (AnyFilterZero(c)) return false;
      const auto taps = static_cast<size_t>(c.taps());
      for (size_t i = 0; i < filter.size(); ++i) {
        bias_[i / taps] = static_cast<int32_t>(static_cast<uint32_t>(bias_[i / taps]) -
                                               128u * static_cast<uint32_t>(filter[i]));
      }
    }
    bias_.resize(static_cast<size_t>(plan_.vectors) * loops.lanes);
    plan_.bias = bias_.data();
    for (int32_t cell : PaddedCells(c, *spec.operands[0].type, padding_view)) {
      padding_.push_back(static_cast<int8_t>(cell));
    }
    padding_.resize((padding_.size() + 63) / 64 * 64);
    plan_.padding = padding_.data();
    bool packed;
    if (winograd) {
      planner.PlanWinograd(spec.threads);
      packed = Keep(planner.PackWinograd(filter));
    } else {
      planner.PlanDirect(spec.threads);
      segment_offsets_ = planner.SegmentOffsets();
      plan_.segment_offsets = segment_offsets_.data();
      packed = loops.direct_group == 4 ? Keep(planner.PackDirect<int8_t>(filter))
                                       : Keep(planner.PackDirect<int16_t>(filter));
    }
    run_ = winograd ? loops.winograd : loops.direct;
    return packed;
  }

 private:
  // Copies the packed filter to aligned memory.
  template <typename T>
  bool Keep(const std::vector<T>& packed) {
    auto buffer = Buffer::Allocate(packed.size() * sizeof(T));
    if (!buffer.ok()) return false;
    filter_ = std::move(*buffer);
    std::copy(packed.begin(), packed.end(), static_cast<T*>(filter_->data()));
    plan_.filter = static_cast<const char*>(filter_->data());
    return true;
  }

  conv2d_int8::Plan plan_;
  void (*run_)(const conv2d_int8::Plan& plan, const KernelCall& call) = nullptr;
  std::shared_ptr<Buffer> filter_;
  std::vector<int32_t> bias_;
  std::vector<int8_t> padding_;
  std::vector<ptrdiff_t> segment_offsets_;
};

bool IsVariable(const KernelSpec& spec, size_t index) {
  return index < spec.operands.size() && spec.operands[index].type != nullptr &&
         spec.operands[index].data == nullptr;
}

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeVector(const KernelSpec& spec) {
  if (spec.operands.size() < 2 || IsVariable(spec, 1) || IsVariable(spec, 2) ||
      IsVariable(spec, 3)) {
    return nullptr;
  }
  const auto c = ParseConvCase(spec);
  if (!c || c->groups != 1 || c->input_dtype != DType::kI8 || c->filter_dtype != DType::kI8) {
    return nullptr;
  }
  auto kernel = std::make_unique<Planned>();
  if (!kernel->Plan(spec, *c, kLoops)) return nullptr;
  return kernel;
}

constexpr KernelRow kRows[] = {
#define LOOPS(name, level, loops) {"conv2d_int8", #name, CpuLevel::level, MakeVector<loops>},
#include "tersor/kernels/conv2d_int8/kernels.inc"
#undef LOOPS
    {"conv2d_int8", "reference", CpuLevel::kAny, MakeReference},
};

}  // namespace

std::span<const KernelRow> Rows() { return kRows; }

}  // namespace tersor::kernels::conv2d_int8
