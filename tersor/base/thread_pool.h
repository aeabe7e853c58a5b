// A pool of threads with a hand-over of about a microsecond, for the parallel parts of one
// operator.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "tersor/base/status.h"
#include "tersor/base/threads.h"

namespace tersor {

/// A pool has `threads` workers. The calling thread is one of them, so a pool of 1 makes no thread.
/// Run() hands out the tasks, does some of them itself, and returns when all are done. It does not
/// wait for a worker that has not begun a task, so a worker that sleeps, or whose core is busy with
/// other work, does not delay it. Run() neither allocates memory nor takes a lock. After each job
/// the workers spin for Waitable::kSpinTime, in which time the next job starts within about a
/// microsecond, and then sleep. Only one Run() may be active at a time, a pool belongs to one
/// executable at a time, and it may be moved only while no Run() is active.
class ThreadPool {
 public:
  /// A pool of 1 thread, the caller's.
  ThreadPool();
  /// A pool of `threads`. Fails when the number is not 1 to kMaxThreads and when the system refuses
  /// a thread.
  static Result<ThreadPool> Create(int threads);
  ThreadPool(ThreadPool&&) noexcept;
  ThreadPool& operator=(ThreadPool&&) noexcept;
  ~ThreadPool();

  int threads() const { return threads_; }

  /// Calls body(task) once for each task in [0, tasks). Which thread takes which task is not fixed,
  /// so results must not depend on it.
  template <typename Body>
  void Run(int tasks, Body&& body) {
    if (tasks <= 1 || threads_ == 1) {
      for (int task = 0; task < tasks; ++task) body(task);
      return;
    }
    using Callable = std::remove_reference_t<Body>;
    RunErased(
        tasks, [](void* context, int task) { (*static_cast<Callable*>(context))(task); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  struct Impl;
  void RunErased(int tasks, void (*body)(void* context, int task), void* context);
  void Stop();

  int threads_ = 1;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor
