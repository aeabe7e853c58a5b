#include "tersor/base/threads.h"

#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "tersor/base/waitable.h"

namespace tersor {

Status CheckThreadCount(int threads) {
  if (threads >= 1 && threads <= kMaxThreads) return OkStatus();
  return InvalidArgument("threads must be 1 to ", kMaxThreads, ", found ", threads);
}

struct ThreadGroup::Impl {
  enum Gate { kClosed, kOpen, kCancelled };

  void Open(Gate how) {
    gate.value.store(how);
    gate.Wake();
  }
  void Work(int number) {
    if (gate.WaitUntil([](int32_t state) { return state != kClosed; }) == kOpen) body(number);
  }
  void Join() {
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }

  Waitable gate{kClosed};
  std::function<void(int)> body;
  std::vector<std::thread> threads;
};

ThreadGroup::ThreadGroup() = default;
ThreadGroup::ThreadGroup(ThreadGroup&&) noexcept = default;

ThreadGroup& ThreadGroup::operator=(ThreadGroup&& other) noexcept {
  Join();
  impl_ = std::move(other.impl_);
  return *this;
}

ThreadGroup::~ThreadGroup() { Join(); }

void ThreadGroup::Join() {
  if (impl_ != nullptr) impl_->Join();
}

Result<ThreadGroup> ThreadGroup::Start(int count, std::function<void(int)> body) {
  ThreadGroup group;
  group.impl_ = std::make_unique<Impl>();
  Impl& impl = *group.impl_;
  impl.body = std::move(body);
  try {
    for (int i = 0; i < count; ++i) impl.threads.emplace_back([&impl, i] { impl.Work(i); });
  } catch (const std::exception& error) {
    const size_t started = impl.threads.size();
    impl.Open(Impl::kCancelled);
    impl.Join();
    return ResourceExhausted("the system refused thread ", started + 1, " of ", count, ": ",
                             std::string_view(error.what()));
  }
  impl.Open(Impl::kOpen);
  return group;
}

}  // namespace tersor
