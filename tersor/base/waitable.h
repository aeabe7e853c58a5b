// How one thread waits for another: it spins for a short bounded time, then it sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tersor {

/// A number that some threads change and others wait for. While every core is free, a waiter sees a
/// change within about 0.1 us because it spins. After `spin_time` it sleeps, so that a machine with
/// other work gives its core to that work, or to the very thread that the waiter waits for.
///
/// A thread that changes `value` so that a waiter could go on does it by a sequentially consistent
/// operation (the default of std::atomic), and calls Wake() afterwards. Wake() costs one load when
/// nobody sleeps. Neither side allocates memory or takes a lock. Thread-safe.
class alignas(64) Waitable {
 public:
  /// Long enough for the serial parts of a small model; short beside the milliseconds that other
  /// work keeps a core.
  static constexpr std::chrono::microseconds kSpinTime{200};

  explicit Waitable(int32_t initial = 0, std::chrono::microseconds spin_time = kSpinTime)
      : value(initial), spin_time_(spin_time) {}

  /// Returns the first value seen for which `reached(value)` holds. What was written before that
  /// value was set is visible to the caller.
  template <typename Reached>
  int32_t WaitUntil(Reached reached) {
    int32_t seen;
    if (SpinUntil(reached, &seen)) return seen;
    // Wake() reads `sleepers_` after `value` has changed, and this thread reads `value` after it
    // has increased `sleepers_`. All four accesses are sequentially consistent, so at least one of
    // the two threads sees what the other has written.
    sleepers_.fetch_add(1);
    while (!reached(seen = value.load())) SleepWhile(seen);
    sleepers_.fetch_sub(1);
    return seen;
  }

  /// Wakes all that sleep.
  void Wake() {
    if (sleepers_.load() > 0) WakeSleepers();
  }

  std::atomic<int32_t> value;

 private:
  template <typename Reached>
  bool SpinUntil(const Reached& reached, int32_t* seen) {
    constexpr int kSpinsPerLookAtTheClock = 64;
    std::chrono::steady_clock::time_point end;
    for (bool first = true;; first = false) {
      for (int spins = 0; spins < kSpinsPerLookAtTheClock; ++spins) {
        if (reached(*seen = value.load(std::memory_order_acquire))) return true;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
      }
      const auto now = std::chrono::steady_clock::now();
      if (first) end = now + spin_time_;
      if (now >= end) return false;
    }
  }

  /// Sleeps until it is woken, or returns at once when `value` is no longer `expected`. May return
  /// without a reason.
  void SleepWhile(int32_t expected);
  void WakeSleepers();

  const std::chrono::microseconds spin_time_;
  std::atomic<int32_t> sleepers_{0};
};

}  // namespace tersor
