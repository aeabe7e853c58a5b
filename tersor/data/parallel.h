// A loop over independent items on several threads that stops at a failure.
#pragma once

#include <cstdint>
#include <functional>

#include "tersor/base/status.h"

namespace tersor::data {

/// Calls body(i) for i in [0, count) on `threads` threads (0: one a CPU), in no fixed order. After
/// a failure no further item begins; of several failures, that of the lowest i is returned.
/// An out-of-memory exception of body is a failure. When the system refuses a thread, the others do
/// its work.
Status ForEach(int64_t count, int threads, const std::function<Status(int64_t i)>& body);

/// The same for a body that has state for each thread: `worker` is below `threads` (and below
/// count), and no two calls with the same worker run at once.
Status ForEachWithWorker(int64_t count, int threads,
                         const std::function<Status(int64_t i, int worker)>& body);

}  // namespace tersor::data
