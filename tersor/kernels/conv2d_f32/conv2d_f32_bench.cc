// Every row on the shapes that matter: time, and the share of the measured f32 peak that a direct
// convolution of the same speed would have (Winograd may pass 100 %).
#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/kernels/conv2d_f32/conv2d_f32.h"
#include "tersor/kernels/conv2d_f32/geometry.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

struct Case {
  int64_t batch, size, in, out, kernel, stride;
};

constexpr Case kCases[] = {
    {1, 32, 3, 32, 3, 1},   {1, 32, 32, 32, 3, 1},  {1, 16, 32, 3, 3, 1},   {1, 16, 32, 6, 3, 1},
    {1, 16, 32, 16, 3, 1},  {1, 16, 32, 32, 3, 1},  {1, 16, 32, 64, 3, 1},  {1, 16, 3, 3, 3, 1},
    {1, 16, 6, 6, 3, 1},    {1, 16, 16, 16, 3, 1},  {1, 16, 64, 64, 3, 1},  {1, 8, 3, 6, 3, 1},
    {1, 8, 6, 13, 3, 1},    {1, 8, 13, 13, 3, 1},   {1, 8, 16, 32, 3, 1},   {1, 8, 32, 32, 3, 1},
    {1, 8, 32, 64, 3, 1},   {1, 8, 64, 64, 3, 1},   {1, 8, 64, 128, 3, 1},  {1, 8, 128, 128, 3, 1},
    {1, 32, 3, 16, 3, 1},   {1, 32, 16, 16, 3, 1},  {1, 32, 16, 32, 3, 2},  {1, 32, 16, 32, 1, 2},
    {1, 16, 32, 64, 3, 2},  {1, 16, 32, 64, 1, 2},  {64, 32, 3, 32, 3, 1},  {64, 32, 32, 32, 3, 1},
    {64, 16, 32, 6, 3, 1},  {64, 16, 6, 6, 3, 1},   {64, 8, 6, 13, 3, 1},   {64, 8, 13, 13, 3, 1},
    {64, 16, 32, 64, 3, 1}, {64, 16, 64, 64, 3, 1}, {64, 8, 64, 128, 3, 1}, {64, 8, 128, 128, 3, 1},
    {64, 28, 1, 32, 3, 1},  {64, 28, 32, 32, 3, 1},
};

void Run(benchmark::State& state, const KernelRow& row, const Case& c, int threads) {
  const TensorType input{DType::kF32, {c.batch, c.size, c.size, c.in}, {}};
  const TensorType filter{DType::kF32, {c.out, c.kernel, c.kernel, c.in}, {}};
  const int64_t out_size = (c.size + c.stride - 1) / c.stride;
  const TensorType output{DType::kF32, {c.batch, out_size, out_size, c.out}, {}};
  const TensorType bias{DType::kF32, {c.out}, {}};
  Attributes attributes;
  attributes.Set(Attr::strides, std::vector<int64_t>{c.stride, c.stride})
      .Set(Attr::padding, Padding{Padding::Kind::kSame})
      .Set(Attr::activation, Activation::kRelu);
  const auto tensor = [](const TensorType& type) {
    Tensor result = *Tensor::Create(type);
    Random random(1, 2);
    for (float& value : result.mutable_values<float>()) value = random.NextFloat() - 0.5f;
    return result;
  };
  const Tensor x = tensor(input), w = tensor(filter), b = tensor(bias);
  Tensor y = tensor(output);
  ConstTensorView operands[] = {{&input, nullptr}, w.view(), b.view(), {}};
  if (c.batch > 1) operands[1].data = nullptr;
  KernelSpec spec;
  spec.operands = operands;
  spec.results = {&output, 1};
  spec.attributes = &attributes;
  spec.threads = threads;
  const auto kernel = row.make(spec);
  if (kernel == nullptr) return state.SkipWithError("refused");
  operands[0] = x.view();
  operands[1] = w.view();
  auto scratch = *Buffer::Allocate(kernel->scratch_bytes());
  auto pool = ThreadPool::Create(threads).value();
  const TensorView result = y.mutable_view();
  KernelCall call;
  call.operands = operands;
  call.results = {&result, 1};
  call.scratch = scratch->data();
  call.pool = &pool;
  double best = 1e9;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    kernel->Run(call);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  const double products =
      static_cast<double>(GeometryOf(input, filter, output, attributes)->products());
  state.counters["best_us"] = best * 1e6;
  state.counters["gflops"] = 2e-9 * products / best;
}

const bool kRegistered = [] {
  for (const Case& c : kCases) {
    for (int threads : {1, 2}) {
      for (const KernelRow& row : Rows()) {
        if (!CpuFeatures::Detect().Has(row.level) || row.level == CpuLevel::kAny) continue;
        if (threads > 1 && c.batch > 1) continue;
        const std::string name = StrCat(row.name, "/", c.batch, "x", c.size, "x", c.size, "/", c.in,
                                        "->", c.out, "/k", c.kernel, "s", c.stride, "/t", threads);
        benchmark::RegisterBenchmark(name.c_str(), [&row, &c, threads](benchmark::State& state) {
          Run(state, row, c, threads);
        })->UseRealTime();
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace tersor::kernels::conv2d_f32
