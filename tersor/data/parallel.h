// A loop over independent items on several threads that stops at a failure.
#pragma once

#include <cstdint>
#include <functional>

#include "tersor/base/status.h"

namespace tersor::data {

/// Calls body(i) for i in [0, count) on `threads` threads (0: one a CPU), in no fixed order. After
/// a failure no further item begins; of several failures the lowest i's is given, among those that
/// began. An out-of-memory exception of body is a failure.
Status ForEach(int64_t count, int threads, const std::function<Status(int64_t)>& body);

}  // namespace tersor::data
