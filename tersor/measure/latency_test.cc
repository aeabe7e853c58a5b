#include "tersor/measure/latency.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "tersor/ir/text.h"

namespace tersor::measure {
namespace {

TEST(Percentile, IsTheNearestElement) {
  const std::vector<double> one = {7}, two = {1, 2}, ten = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<double> hundred_and_one(101);
  for (size_t i = 0; i < hundred_and_one.size(); ++i) hundred_and_one[i] = static_cast<double>(i);
  struct Fact {
    const std::vector<double>& values;
    double percent, expected;
  };
  const Fact facts[] = {
      {one, 0, 7},
      {one, 50, 7},
      {one, 100, 7},
      {two, 49, 1},
      {two, 50, 2},
      {ten, 0, 0},
      {ten, 50, 5},
      {ten, 90, 8},
      {ten, 99, 9},
      {ten, 100, 9},
      {hundred_and_one, 50, 50},
      {hundred_and_one, 90, 90},
      {hundred_and_one, 99, 99},
  };
  for (const Fact& fact : facts) {
    EXPECT_EQ(Percentile(fact.values, fact.percent), fact.expected)
        << fact.percent << " of " << fact.values.size();
  }
}

TEST(SummarizeRuns, EachFigureIsItsOwn) {
  std::vector<double> times;  // 100, 99, ..., 0 and one outlier
  for (int i = 100; i > 0; --i) times.push_back(i);
  times.push_back(5000);
  const Latency latency = SummarizeRuns(times);
  EXPECT_EQ(latency.runs, 101);
  EXPECT_EQ(latency.p50_us, 51);
  EXPECT_EQ(latency.p90_us, 91);
  EXPECT_EQ(latency.p99_us, 100);
  EXPECT_DOUBLE_EQ(latency.mean_us, 10050.0 / 101);
}

// Counts what is asked of it.
class CountingBackend : public runtime::Backend {
 public:
  Result<std::unique_ptr<runtime::Program>> Compile(
      const ir::Graph& graph, const runtime::CompileOptions& options) const override {
    ++compiled;
    last = options;
    return runtime::CpuBackend().Compile(graph, options);
  }
  mutable int compiled = 0;
  mutable runtime::CompileOptions last;
};

TEST(MeasureLatency, CompilesOnceAndReportsThatProgram) {
  const ir::Graph graph = ir::Parse(R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,3]) {
  %0 = fully_connected(%x, @w)
  %1 = exp(%0)
  %y = softmax(%1)
}
variable @w: f32[3,2] = [1, 2, 3, 4, 5, 6]
)")
                              .value();
  CountingBackend backend;
  LatencyOptions options;
  options.backend = &backend;
  options.batch = 4;
  options.warmup_s = 0;
  options.min_time_s = 0;
  options.min_runs = 5;
  const auto latency = MeasureLatency(graph, options);
  ASSERT_TRUE(latency.ok()) << latency.status().message();
  EXPECT_EQ(backend.compiled, 1);
  EXPECT_EQ(backend.last.batch, 4);
  EXPECT_EQ(latency->runs, 5);
  EXPECT_EQ(latency->arena_bytes, 64);  // 4 x 3 f32, which exp writes over
  ASSERT_EQ(latency->steps.size(), 3u);
  EXPECT_EQ(latency->steps[0].op, "fully_connected");
  EXPECT_EQ(latency->steps[0].macs, 24);
  EXPECT_GT(latency->peak_f32_gops, 0);

  options.profile = false;
  const auto program = CompileForLatency(graph, options);
  ASSERT_TRUE(program.ok());
  for (int round = 0; round < 3; ++round) {
    const auto again = MeasureLatency(**program, options);
    EXPECT_TRUE(again.ok() && again->steps.empty());
  }
  EXPECT_EQ(backend.compiled, 2);
}

// Computes for 0.3 ms, and counts how often it was kept from it for a millisecond or more.
class Computing : public runtime::Program {
 public:
  const std::vector<TensorType>& input_types() const override { return none_; }
  const std::vector<TensorType>& output_types() const override { return none_; }
  Status Run(std::span<const ConstTensorView>, std::span<const TensorView>) override {
    auto now = std::chrono::steady_clock::now();
    const auto end = now + std::chrono::microseconds(300);
    while (now < end) {
      const auto last = std::exchange(now, std::chrono::steady_clock::now());
      if (now - last >= std::chrono::milliseconds(1)) ++interruptions;
    }
    return OkStatus();
  }
  int64_t arena_bytes() const override { return 0; }
  int64_t packed_bytes() const override { return 0; }
  Result<std::vector<StepTime>> Profile(std::span<const ConstTensorView>,
                                        std::span<const TensorView>, int64_t) override {
    return std::vector<StepTime>();
  }

  int interruptions = 0;

 private:
  std::vector<TensorType> none_;
};

TEST(MeasureLatency, OtherWorkGetsTheCoreBetweenRuns) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  std::atomic<bool> stop = false;
  std::thread other([&] {  // on the same core
    while (!stop) {
    }
  });
  Computing program;
  LatencyOptions options;
  options.profile = false;
  options.warmup_s = 0;
  options.min_time_s = 0;
  options.min_runs = 200;
  const auto latency = MeasureLatency(program, options);
  stop = true;
  other.join();
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  ASSERT_TRUE(latency.ok());
  // Without offers a kernel that looks every 4 ms interrupts 15 of the 200 runs.
  EXPECT_LE(program.interruptions, 5);
}

}  // namespace
}  // namespace tersor::measure
