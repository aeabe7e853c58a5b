// Batches of a data set for training and evaluation, made ahead on threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/augment.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"

namespace tersor::data {

struct BatcherOptions {
  int64_t batch_size = 128;
  bool shuffle = true;  ///< a new order in each epoch; false: the order of the set
  bool drop_remainder =
      true;  ///< all batches are whole; false: the last of an epoch may be smaller
  bool fill_remainder =
      false;          ///< the memory behind the examples of a smaller last batch gets the
                      ///< first examples of the epoch's order again; false: stays as it is
  uint64_t seed = 0;  ///< of the order and the augmentation
  Normalize normalize =
      Normalize::kSigned;       ///< of pixels (IsPixels); other fields stay as they are
  AugmentOptions augment = {};  ///< of images (IsImage); needs at least one
};

/// Which fields of a set a model reads: for each of `inputs` the field of the same name; or, when
/// there is one input and the set has one field that is no label, that field whatever its name.
/// Gives those fields, each with the type of its input. `inputs` have types without the batch.
/// Errors name the input and the fields of the set.
Result<std::vector<Field>> BindInputs(const Dataset& dataset, std::span<const Field> inputs);

/// Makes batches. Batch b of epoch e is a pure function of (set, options, e, b), so a resumed run
/// needs no state but its position. A batcher does not change when it is used, so any number of
/// threads may call it.
class Batcher {
 public:
  /// `wanted` are the fields that a batch has: some of the set's, each in the type that the reader
  /// wants (InputEncoder says which are possible). Empty: all fields; pixels become f32, and every
  /// other field has its own type.
  /// Refuses an empty set, a batch size below 1, a dropped remainder that leaves no batch, an
  /// augmentation of what is no image, and a wanted field that the set cannot give.
  static Result<Batcher> Create(const Dataset& dataset, const BatcherOptions& options,
                                std::vector<Field> wanted = {});
  Batcher(Batcher&&) noexcept;
  Batcher& operator=(Batcher&&) noexcept;
  ~Batcher();

  const BatcherOptions& options() const;
  const Dataset& dataset() const;
  const std::vector<Field>& fields() const;  ///< of a batch, with types of one example
  int64_t batches_per_epoch() const;
  int64_t BatchCount(int64_t batch) const;  ///< examples in this batch of an epoch

  /// Memory for one batch: a tensor [batch_size,...] for each of fields().
  Result<std::vector<Tensor>> Allocate() const;

  /// Writes BatchCount(batch) examples to the caller's tensors, which are as Allocate() gives them;
  /// an empty tensor: that field is not wanted. Fails where the set's source fails.
  Status Fill(int64_t epoch, int64_t batch, std::span<Tensor> out) const;

 private:
  struct Impl;
  explicit Batcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// An endless stream of the batches of a Batcher, beginning at a given position. The batches are
/// filled in advance into a ring of the caller's buffers: with n buffers, up to n - 1 batches wait
/// while one is in use. The bits of a batch do not depend on the number of threads and buffers.
/// Only one thread may call Next().
class BatchStream {
 public:
  struct Batch {
    int64_t epoch = 0, index = 0;
    int64_t count = 0;                ///< examples in it
    std::span<const Tensor> tensors;  ///< one for each of the batcher's fields(): a buffer of the
                                      ///< ring, the caller's until the next call of Next()
  };

  /// `threads` threads fill the buffers; with 0 threads, Next() fills the first buffer itself and
  /// the others are not used. `batcher` must outlive the stream. `ring` must have at least one
  /// buffer, and each buffer must come from Batcher::Allocate().
  BatchStream(const Batcher& batcher, std::vector<std::vector<Tensor>> ring, int threads,
              int64_t first_epoch = 0, int64_t first_batch = 0);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// Fails where Batcher::Fill() of this batch fails.
  Result<Batch> Next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor::data
