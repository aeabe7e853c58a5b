// Batches of a data set for training and evaluation, made ahead on threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/data/augment.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"

namespace tersor::data {

struct BatcherOptions {
  int64_t batch_size = 128;
  bool shuffle = true;  ///< a new order each epoch; false: the set's own
  bool drop_remainder =
      true;           ///< all batches are whole; false: the last of an epoch may be smaller
  uint64_t seed = 0;  ///< of the order and the augmentation
  Normalize normalize = Normalize::kSigned;  ///< of u8 examples; f32 examples stay as they are
  AugmentOptions augment = {};               ///< needs images [H,W,C]
};

/// Memory of the caller for one batch: batch_size examples in f32, batch_size labels (or null where
/// none are wanted).
struct BatchBuffer {
  float* examples = nullptr;
  int32_t* labels = nullptr;
};

/// Batch b of epoch e is a pure function of (set, options, e, b), so a resumed run needs no state
/// but its position. Immutable to its users: any number of threads may call.
class Batcher {
 public:
  /// Refuses an empty set, a batch size below 1, a dropped remainder that leaves no batch, and an
  /// augmentation of what is no image.
  static Result<Batcher> Create(const Dataset& dataset, const BatcherOptions& options);
  Batcher(Batcher&&) noexcept;
  Batcher& operator=(Batcher&&) noexcept;
  ~Batcher();

  const BatcherOptions& options() const;
  const Dataset& dataset() const;
  int64_t example_elements() const;  ///< f32 elements of one example
  int64_t batches_per_epoch() const;
  int64_t BatchCount(int64_t batch) const;  ///< examples in this batch of an epoch

  /// Writes BatchCount(batch) examples and their labels.
  void Fill(int64_t epoch, int64_t batch, const BatchBuffer& out) const;

 private:
  struct Impl;
  explicit Batcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The batches of a Batcher from one position on, without end, filled ahead into a ring of the
/// caller's buffers: with n buffers up to n - 1 batches wait while one is in use. The same bits for
/// any number of threads and buffers. One consumer.
class BatchStream {
 public:
  struct Batch {
    int64_t epoch = 0, index = 0;
    int64_t count = 0;   ///< examples in it
    BatchBuffer buffer;  ///< one of the ring, the caller's until the next call of Next()
  };

  /// `threads` fill the buffers; 0: Next() does, and only the first buffer is used. `batcher` and
  /// the buffers' memory outlive the stream; `ring` has at least one buffer.
  BatchStream(const Batcher& batcher, std::vector<BatchBuffer> ring, int threads,
              int64_t first_epoch = 0, int64_t first_batch = 0);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  Batch Next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor::data
