#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <thread>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/file.h"
#include "tersor/base/limits_testing.h"
#include "tersor/base/random.h"
#include "tersor/base/thread_pool.h"
#include "tersor/base/waitable.h"

namespace tersor {
namespace {

void SpinFor(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Time of the processor that this thread has used.
double ThreadMilliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

// Uses so much time of the processor: on a busy machine the other threads of this program get as
// much meanwhile, if they want it.
void WorkFor(double milliseconds) {
  const double end = ThreadMilliseconds() + milliseconds;
  while (ThreadMilliseconds() < end) {
  }
}

TEST(ThreadPool, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3}) {
    auto pool = ThreadPool::Create(threads).value();
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> hits(17);
      pool.Run(17, [&](int task) { hits[static_cast<size_t>(task)].fetch_add(1); });
      for (auto& hit : hits) ASSERT_EQ(hit.load(), 1);
    }
  }
}

TEST(ThreadPool, NextJobsOfAnyLengthFollowAtOnceOrAfterAPause) {
  auto pool = ThreadPool::Create(3).value();
  int64_t sum = 0;
  for (int round = 0; round < 300; ++round) {
    if (round % 50 == 49) SpinFor(3 * Waitable::kSpinTime);  // the workers fall asleep
    const int tasks = 1 + round % 7;
    std::vector<int> seen(static_cast<size_t>(tasks), 0);
    pool.Run(tasks, [&](int task) { seen[static_cast<size_t>(task)] = round + task; });
    for (int task = 0; task < tasks; ++task) sum += seen[static_cast<size_t>(task)] - round - task;
  }
  EXPECT_EQ(sum, 0);
}

TEST(ThreadPool, CallerDoesAllTasksThatNoWorkerBegins) {
  // Both workers are held inside of a task each, so the caller has to do all others by itself.
  auto pool = ThreadPool::Create(3).value();
  std::atomic<int> held{0}, done{0};
  const auto caller = std::this_thread::get_id();
  pool.Run(50, [&](int) {
    if (std::this_thread::get_id() != caller && held.fetch_add(1) < 2) {
      while (done.load() < 48) std::this_thread::yield();
    }
    if (std::this_thread::get_id() == caller) {
      while (held.load() < 2) std::this_thread::yield();
    }
    done.fetch_add(1);
  });
  EXPECT_EQ(done.load(), 50);
  EXPECT_EQ(held.load(), 2);
}

TEST(ThreadPool, StaysUsableWhenMoved) {
  auto first = ThreadPool::Create(2).value();
  ThreadPool second;
  EXPECT_EQ(second.threads(), 1);
  second = std::move(first);
  EXPECT_EQ(second.threads(), 2);
  std::atomic<int> hits{0};
  second.Run(10, [&](int) { hits.fetch_add(1); });
  EXPECT_EQ(hits.load(), 10);
}

TEST(ThreadPool, RefusesCountsOutsideOfTheBound) {
  EXPECT_TRUE(CheckThreadCount(1).ok() && CheckThreadCount(256).ok());
  EXPECT_EQ(ThreadPool::Create(0).status().message(), "threads must be 1 to 256, found 0");
  EXPECT_EQ(ThreadPool::Create(257).status().message(), "threads must be 1 to 256, found 257");
  EXPECT_EQ(ThreadPool::Create(-1).status().code(), StatusCode::kInvalidArgument);
}

TEST(ThreadGroup, CallsEachNumberOnceAndJoins) {
  std::vector<int> calls(5, 0);
  auto group = ThreadGroup::Start(5, [&](int i) { ++calls[static_cast<size_t>(i)]; });
  ASSERT_TRUE(group.ok());
  group->Join();
  EXPECT_EQ(calls, std::vector<int>(5, 1));
  EXPECT_TRUE(ThreadGroup::Start(0, [](int) {}).ok());
}

// Run in a child process, which it ends.
[[noreturn]] void StartMoreThreadsThanThereIsRoomFor() {
  if (!testing::LimitAddressSpace()) std::_Exit(3);
  std::atomic<int> calls{0};
  const auto group = ThreadGroup::Start(100, [&](int) { calls.fetch_add(1); });
  const auto pool = ThreadPool::Create(100);
  std::fprintf(stderr, "%s; calls %d\n", group.status().message().c_str(), calls.load());
  std::_Exit(pool.status().code() == StatusCode::kResourceExhausted ? 0 : 1);
}

TEST(ThreadGroup, ARefusedThreadIsAStatusAndNoBodyRuns) {
  if (testing::kNeedsAddressSpace) GTEST_SKIP() << "sanitizers need the whole address space";
  EXPECT_EXIT(StartMoreThreadsThanThereIsRoomFor(), ::testing::ExitedWithCode(0),
              "the system refused thread [0-9]+ of 100: .*; calls 0");
}

TEST(Waitable, AWaiterThatSleepsTakesNoTimeOfTheProcessor) {
  Waitable word;
  double used_ms = 1e9;
  std::thread waiter([&] {
    const double before = ThreadMilliseconds();
    word.WaitUntil([](int32_t value) { return value == 2; });
    used_ms = ThreadMilliseconds() - before;
  });
  WorkFor(20);
  word.value.store(1);  // not what it waits for
  word.Wake();
  WorkFor(20);
  word.value.store(2);
  word.Wake();
  waiter.join();
  EXPECT_LT(used_ms, 10);
}

TEST(Waitable, NoWakeIsLost) {
  // Each side waits now spinning, now asleep; a lost wake would hang the test.
  Waitable ping, pong;
  constexpr int32_t kRounds = 2000;
  std::thread other([&] {
    for (int32_t i = 1; i <= kRounds; ++i) {
      ping.WaitUntil([i](int32_t value) { return value == i; });
      if (i % 100 == 0) SpinFor(2 * Waitable::kSpinTime);
      pong.value.store(i);
      pong.Wake();
    }
  });
  for (int32_t i = 1; i <= kRounds; ++i) {
    if (i % 70 == 0) SpinFor(2 * Waitable::kSpinTime);
    ping.value.store(i);
    ping.Wake();
    EXPECT_EQ(pong.WaitUntil([i](int32_t value) { return value == i; }), i);
  }
  other.join();
}

TEST(Random, MatchesPublishedPhiloxVectors) {
  // Random123 1.14, kat_vectors: philox 4x32 10 rounds.
  EXPECT_EQ(Philox(0, 0, 0),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox(~0ull, ~0ull, ~0ull),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, BoundedValuesStayBelow) {
  Random random(1, 2);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.NextBelow(7));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(CpuFeatures, ACapDropsWhatComesAfter) {
  const CpuFeatures machine = CpuFeatures::Machine();
  EXPECT_EQ(machine.CappedAt(CpuLevel::kAny).best(), CpuLevel::kAny);
  EXPECT_FALSE(machine.CappedAt(CpuLevel::kAvx2).Has(CpuLevel::kAvx512));
  EXPECT_EQ(ParseCpuLevel("avx512vnni"), CpuLevel::kAvx512Vnni);
}

TEST(File, AFailedWriteLeavesTheOldFile) {
  const std::string path = ::testing::TempDir() + "/tersor_file_test";
  ASSERT_TRUE(WriteFileAtomically(path, "first").ok());
  EXPECT_EQ(*ReadFile(path), "first");
  EXPECT_FALSE(WriteFileAtomically(path + "/below", "second").ok());
  EXPECT_EQ(*ReadFile(path), "first");
  EXPECT_EQ(ReadFile(path + ".none").status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(MapFile(::testing::TempDir()).ok());
  auto mapped = MapFile(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ((*mapped)->size_bytes(), 5u);
}

}  // namespace
}  // namespace tersor
