// A thread that does something small again and again until it is stopped.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "tersor/base/status.h"

namespace tersor::automation {

/// Not for several threads at once, except that `beat` runs on a thread of its own.
class Heartbeat {
 public:
  Heartbeat() = default;
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat() { Stop(); }

  /// Calls `beat` every `interval_s` seconds from now on, if it does not do so already. Fails where
  /// the system gives no thread.
  Status Start(double interval_s, std::function<void()> beat);
  /// Returns when `beat` runs no more.
  void Stop();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tersor::automation
