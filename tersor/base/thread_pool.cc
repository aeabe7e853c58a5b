#include "tersor/base/thread_pool.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tersor {
namespace {

// Long enough to bridge the serial parts of a model that takes tens of microseconds, short enough
// to free the core soon.
constexpr int kSpins = 20'000;

void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

struct ThreadPool::Impl {
  // Written by the caller before `epoch` moves, read by workers after they saw it move.
  void (*body)(void*, int) = nullptr;
  void* context = nullptr;
  int tasks = 0;

  alignas(64) std::atomic<uint32_t> epoch{0};
  alignas(64) std::atomic<int> next{0};
  alignas(64) std::atomic<int> working{0};  // workers that have not finished this epoch
  alignas(64) std::atomic<int> asleep{0};
  std::atomic<bool> stop{false};

  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;

  void Take() {
    for (;;) {
      const int task = next.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) return;
      body(context, task);
    }
  }

  void WorkerLoop() {
    uint32_t seen = 0;
    for (;;) {
      int spins = 0;
      while (epoch.load(std::memory_order_acquire) == seen) {
        if (++spins < kSpins) {
          Relax();
          continue;
        }
        // The caller checks `asleep` after it moved `epoch`; we check `epoch` after we raised
        // `asleep`: one of the two sees the other (both sequentially consistent).
        std::unique_lock lock(mutex);
        asleep.fetch_add(1);
        wake.wait(lock, [&] { return epoch.load() != seen; });
        asleep.fetch_sub(1);
      }
      seen = epoch.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_relaxed)) return;
      Take();
      working.fetch_sub(1, std::memory_order_release);
    }
  }

  void Start() {
    epoch.fetch_add(1);
    if (asleep.load() > 0) {
      { std::lock_guard lock(mutex); }
      wake.notify_all();
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads) {
  if (threads_ == 1) return;
  impl_ = std::make_unique<Impl>();
  for (int i = 1; i < threads_; ++i) {
    impl_->workers.emplace_back([impl = impl_.get()] { impl->WorkerLoop(); });
  }
}

ThreadPool::~ThreadPool() {
  if (impl_ == nullptr) return;
  impl_->stop.store(true);
  impl_->Start();
  for (auto& worker : impl_->workers) worker.join();
}

void ThreadPool::RunErased(int tasks, void (*body)(void*, int), void* context) {
  Impl& impl = *impl_;
  impl.body = body;
  impl.context = context;
  impl.tasks = tasks;
  impl.next.store(0, std::memory_order_relaxed);
  impl.working.store(threads_ - 1, std::memory_order_relaxed);
  impl.Start();
  impl.Take();
  for (int spins = 0; impl.working.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins) {
      Relax();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace tersor
