// A pool of threads with a hand-over of about a microsecond, for the parallel parts of one
// operator.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "tersor/base/status.h"
#include "tersor/base/threads.h"

namespace tersor {

/// `threads` workers in all, the calling thread among them: a pool of 1 makes no thread. Run() is a
/// fork and join: the caller takes part, and returns when every task is done. It waits for no
/// worker that has not begun a task, so a worker that sleeps, or whose core does other work, costs
/// nothing but its help. Run() neither allocates nor takes a lock: workers spin for
/// Waitable::kSpinTime after each job (a following job starts in about a microsecond), then sleep.
/// One Run() at a time; a pool belongs to one executable at a time. Movable while no Run() goes on.
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
