#include "tersor/automation/study/heartbeat.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace tersor::automation {

Status Heartbeat::Start(double interval_s, std::function<void()> beat) {
  if (thread_.joinable()) return OkStatus();
  stopping_ = false;
  try {
    thread_ = std::thread([this, interval_s, beat = std::move(beat)] {
      std::unique_lock lock(mutex_);
      const std::chrono::duration<double> interval(interval_s);
      while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
        lock.unlock();
        beat();
        lock.lock();
      }
    });
  } catch (const std::system_error& error) {
    return ResourceExhausted("cannot start the thread that renews leases: ", error.what());
  }
  return OkStatus();
}

void Heartbeat::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

}  // namespace tersor::automation
