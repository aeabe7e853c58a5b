// Starting threads, which can fail: the system may refuse one.
#pragma once

#include <functional>
#include <memory>

#include "tersor/base/status.h"

namespace tersor {

/// The largest number of threads that any option accepts.
inline constexpr int kMaxThreads = 256;

/// Fails unless `threads` is 1 to kMaxThreads.
Status CheckThreadCount(int threads);

/// Threads that are started together and joined together. Movable; used by one thread.
class ThreadGroup {
 public:
  ThreadGroup();
  /// Starts `count` threads; each calls body(i) once with its number i in [0, count). Either all of
  /// them run `body`, or none does: when the system refuses a thread, those that exist already end
  /// without a call, and the failure says how many were wanted. `body` does not throw.
  static Result<ThreadGroup> Start(int count, std::function<void(int)> body);
  ThreadGroup(ThreadGroup&&) noexcept;
  ThreadGroup& operator=(ThreadGroup&&) noexcept;
  ~ThreadGroup();  ///< joins

  /// Waits until every body has returned.
  void Join();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor
