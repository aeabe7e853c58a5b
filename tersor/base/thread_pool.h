// A pool of threads with a hand-over of a few microseconds, for the parallel parts of one operator.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace tersor {

/// `threads` workers in all, the calling thread among them: a pool of 1 makes no thread. Run() is a
/// fork and join: the caller takes part, and returns when every task is done. It neither allocates
/// nor takes a lock: workers spin for a while after each job (so that a following job starts in
/// about a microsecond), then sleep. One Run() at a time; a pool belongs to one executable at a
/// time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

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

  int threads_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor
