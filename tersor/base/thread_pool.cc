#include "tersor/base/thread_pool.h"

#include <utility>

#include "tersor/base/waitable.h"

namespace tersor {

struct ThreadPool::Impl {
  static constexpr int32_t kStop = -1;

  // The job. The caller writes it while every task of the last one is done. A worker reads it only
  // between claiming a task and saying that it is done, and until then the job cannot end.
  void (*body)(void*, int) = nullptr;
  void* context = nullptr;
  int tasks = 0;

  Waitable unclaimed;   // tasks that no thread has begun; kStop: the workers end
  Waitable unfinished;  // tasks that no thread has said to be done
  ThreadGroup workers;

  // Does tasks until none is unclaimed, then says how many it did, `done` before among them. `left`
  // is the last value seen of `unclaimed`.
  void Take(int32_t left, int32_t done) {
    while (left > 0) {
      if (unclaimed.value.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel,
                                                std::memory_order_acquire)) {
        body(context, tasks - left);
        ++done;
        left = unclaimed.value.load(std::memory_order_acquire);
      }
    }
    if (done > 0 && unfinished.value.fetch_sub(done) == done) unfinished.Wake();
  }

  void WorkerLoop() {
    for (;;) {
      const int32_t left = unclaimed.WaitUntil([](int32_t value) { return value != 0; });
      if (left == kStop) return;
      Take(left, 0);
    }
  }

  void Announce(int32_t value) {
    unclaimed.value.store(value);
    unclaimed.Wake();
  }
};

ThreadPool::ThreadPool() = default;
ThreadPool::ThreadPool(ThreadPool&&) noexcept = default;

ThreadPool& ThreadPool::operator=(ThreadPool&& other) noexcept {
  Stop();
  threads_ = other.threads_;
  impl_ = std::move(other.impl_);
  return *this;
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Stop() {
  if (impl_ == nullptr) return;
  impl_->Announce(Impl::kStop);
  impl_->workers.Join();
}

Result<ThreadPool> ThreadPool::Create(int threads) {
  TERSOR_RETURN_IF_ERROR(CheckThreadCount(threads));
  ThreadPool pool;
  if (threads == 1) return pool;
  auto impl = std::make_unique<Impl>();
  TERSOR_ASSIGN_OR_RETURN(impl->workers, ThreadGroup::Start(threads - 1, [state = impl.get()](int) {
                            state->WorkerLoop();
                          }));
  pool.threads_ = threads;
  pool.impl_ = std::move(impl);
  return pool;
}

void ThreadPool::RunErased(int tasks, void (*body)(void*, int), void* context) {
  Impl& impl = *impl_;
  impl.body = body;
  impl.context = context;
  impl.tasks = tasks;
  impl.unfinished.value.store(tasks, std::memory_order_relaxed);
  impl.Announce(tasks - 1);  // the first task is the caller's
  body(context, 0);
  impl.Take(impl.unclaimed.value.load(std::memory_order_acquire), 1);
  impl.unfinished.WaitUntil([](int32_t left) { return left == 0; });
}

}  // namespace tersor
