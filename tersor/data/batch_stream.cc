#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "tersor/data/batcher.h"

namespace tersor::data {

/// Batches have numbers from 0 on, counted from the stream's first; number n lies in buffer
/// n % ring size.
struct BatchStream::Impl {
  const Batcher& batcher;
  const std::vector<BatchBuffer> ring;
  const int64_t origin;  ///< batches before the stream's first, from epoch 0 on

  std::mutex mutex;
  std::condition_variable room, filled;
  std::vector<int64_t> holds;  ///< number of the whole batch in each buffer, or -1
  int64_t next_to_fill = 0;
  int64_t in_use = -1;  ///< number the consumer has; buffers of earlier ones are free
  bool stop = false;
  std::vector<std::thread> workers;

  Impl(const Batcher& batcher, std::vector<BatchBuffer> buffers, int64_t origin)
      : batcher(batcher), ring(std::move(buffers)), origin(origin), holds(ring.size(), -1) {}

  int64_t ring_size() const { return static_cast<int64_t>(ring.size()); }

  Batch Describe(int64_t number) const {
    const int64_t position = origin + number, per_epoch = batcher.batches_per_epoch();
    Batch batch{position / per_epoch, position % per_epoch, 0, {}};
    batch.count = batcher.BatchCount(batch.index);
    batch.buffer = ring[static_cast<size_t>(number % ring_size())];
    return batch;
  }

  void Work() {
    std::unique_lock lock(mutex);
    for (;;) {
      // Before the first Next() nothing is in use, so the whole ring may be filled.
      room.wait(lock,
                [&] { return stop || next_to_fill < std::max<int64_t>(in_use, 0) + ring_size(); });
      if (stop) return;
      const int64_t number = next_to_fill++;
      lock.unlock();
      const Batch batch = Describe(number);
      batcher.Fill(batch.epoch, batch.index, batch.buffer);
      lock.lock();
      holds[static_cast<size_t>(number % ring_size())] = number;
      filled.notify_one();
    }
  }
};

BatchStream::BatchStream(const Batcher& batcher, std::vector<BatchBuffer> ring, int threads,
                         int64_t first_epoch, int64_t first_batch) {
  TERSOR_CHECK(!ring.empty() && first_epoch >= 0 && first_batch >= 0);
  impl_ = std::make_unique<Impl>(batcher, std::move(ring),
                                 first_epoch * batcher.batches_per_epoch() + first_batch);
  try {
    for (int i = 0; i < threads; ++i) impl_->workers.emplace_back([this] { impl_->Work(); });
  } catch (const std::exception&) {
    // The system gives no more threads: those there are, or Next(), do the work.
  }
}

BatchStream::~BatchStream() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->room.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

BatchStream::Batch BatchStream::Next() {
  Impl& impl = *impl_;
  if (impl.workers.empty()) {
    Batch batch = impl.Describe(++impl.in_use);
    batch.buffer = impl.ring[0];
    impl.batcher.Fill(batch.epoch, batch.index, batch.buffer);
    return batch;
  }
  std::unique_lock lock(impl.mutex);
  const int64_t number = ++impl.in_use;
  impl.room.notify_all();
  impl.filled.wait(
      lock, [&] { return impl.holds[static_cast<size_t>(number % impl.ring_size())] == number; });
  return impl.Describe(number);
}

}  // namespace tersor::data
