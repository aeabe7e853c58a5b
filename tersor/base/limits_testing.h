// For tests of what happens when the system gives no more.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <fstream>

namespace tersor::testing {

/// Whether this program was built with a sanitizer that needs an address space without a limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kNeedsAddressSpace = true;
#else
inline constexpr bool kNeedsAddressSpace = false;
#endif

/// Leaves this process room for a few stacks of threads, and no more. For good: call it in a child
/// process. False when the system refuses.
inline bool LimitAddressSpace() {
  constexpr uint64_t kPage = 4096, kSpare = uint64_t{64} << 20;
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  if (!(statm >> pages)) return false;
  struct rlimit limit {};
  limit.rlim_cur = limit.rlim_max = pages * kPage + kSpare;
  return ::setrlimit(RLIMIT_AS, &limit) == 0;
}

}  // namespace tersor::testing
