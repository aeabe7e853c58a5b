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
  std::vector<std::vector<Tensor>> ring;
  const int64_t origin;  ///< batches before the stream's first, from epoch 0 on

  std::mutex mutex;
  std::condition_variable room, filled;
  std::vector<int64_t> holds;    ///< number of the whole batch in each buffer, or -1
  std::vector<Status> statuses;  ///< of filling the batch in each buffer
  int64_t next_to_fill = 0;
  int64_t in_use = -1;  ///< number the consumer has; buffers of earlier ones are free
  bool stop = false;
  std::vector<std::thread> workers;

  Impl(const Batcher& batcher, std::vector<std::vector<Tensor>> buffers, int64_t origin)
      : batcher(batcher),
        ring(std::move(buffers)),
        origin(origin),
        holds(ring.size(), -1),
        statuses(ring.size()) {}

  int64_t ring_size() const { return static_cast<int64_t>(ring.size()); }
  size_t SlotOf(int64_t number) const { return static_cast<size_t>(number % ring_size()); }

  Batch Describe(int64_t number) const {
    const int64_t position = origin + number, per_epoch = batcher.batches_per_epoch();
    Batch batch{position / per_epoch, position % per_epoch, 0, {}};
    batch.count = batcher.BatchCount(batch.index);
    batch.tensors = ring[SlotOf(number)];
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
      Status status = batcher.Fill(batch.epoch, batch.index, ring[SlotOf(number)]);
      lock.lock();
      statuses[SlotOf(number)] = std::move(status);
      holds[SlotOf(number)] = number;
      filled.notify_one();
    }
  }
};

BatchStream::BatchStream(const Batcher& batcher, std::vector<std::vector<Tensor>> ring, int threads,
                         int64_t first_epoch, int64_t first_batch) {
  TERSOR_CHECK(!ring.empty() && first_epoch >= 0 && first_batch >= 0);
  impl_ = std::make_unique<Impl>(batcher, std::move(ring),
                                 first_epoch * batcher.batches_per_epoch() + first_batch);
  try {
    for (int i = 0; i < threads; ++i) impl_->workers.emplace_back([this] { impl_->Work(); });
  } catch (const std::exception&) {
    // The system gives no more threads: the started ones do the work, or Next() does.
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

Result<BatchStream::Batch> BatchStream::Next() {
  Impl& impl = *impl_;
  if (impl.workers.empty()) {
    Batch batch = impl.Describe(++impl.in_use);
    batch.tensors = impl.ring[0];
    TERSOR_RETURN_IF_ERROR(impl.batcher.Fill(batch.epoch, batch.index, impl.ring[0]));
    return batch;
  }
  std::unique_lock lock(impl.mutex);
  const int64_t number = ++impl.in_use;
  impl.room.notify_all();
  impl.filled.wait(lock, [&] { return impl.holds[impl.SlotOf(number)] == number; });
  TERSOR_RETURN_IF_ERROR(impl.statuses[impl.SlotOf(number)]);
  return impl.Describe(number);
}

}  // namespace tersor::data
