#include "tersor/base/waitable.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#endif

namespace tersor {

// On Linux the futex is called directly: std::atomic::wait calls sched_yield() several times before
// it sleeps, and each of these calls gives a whole time slice to other work on a busy core.
#if defined(__linux__)

void Waitable::SleepWhile(int32_t expected) {
  ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void Waitable::WakeSleepers() {
  ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

#else

void Waitable::SleepWhile(int32_t expected) { value.wait(expected); }
void Waitable::WakeSleepers() { value.notify_all(); }

#endif

}  // namespace tersor
