#include "tersor/data/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "tersor/base/threads.h"

namespace tersor::data {

Status ForEach(int64_t count, int threads, const std::function<Status(int64_t)>& body) {
  return ForEachWithWorker(count, threads, [&](int64_t i, int) { return body(i); });
}

Status ForEachWithWorker(int64_t count, int threads,
                         const std::function<Status(int64_t, int)>& body) {
  if (threads <= 0) threads = static_cast<int>(std::thread::hardware_concurrency());
  threads =
      static_cast<int>(std::clamp<int64_t>(threads, 1, std::clamp<int64_t>(count, 1, kMaxThreads)));
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  int64_t failed_at = std::numeric_limits<int64_t>::max();
  Status failure;
  const auto work = [&](int worker) {
    for (int64_t i = next++; i < count && !stop; i = next++) {
      Status status;
      try {
        status = body(i, worker);
      } catch (const std::bad_alloc&) {
        status = ResourceExhausted("out of memory");
      }
      if (status.ok()) continue;
      stop = true;
      std::lock_guard lock(mutex);
      if (i < failed_at) {
        failed_at = i;
        failure = std::move(status);
      }
    }
  };
  std::vector<std::thread> workers;
  try {
    for (int i = 1; i < threads; ++i) workers.emplace_back(work, i);
  } catch (const std::exception&) {
    // The system gives no more threads: the started ones do the work.
  }
  work(0);
  for (std::thread& worker : workers) worker.join();
  return failure;
}

}  // namespace tersor::data
