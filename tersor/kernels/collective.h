// Where the shards of one training step meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tersor::kernels {

/// `size` shards run the same step on different parts of a batch. Every shard makes the same calls
/// of Barrier() and Sum() in the same order. A call waits until all shards have made it, and then
/// returns in all of them. It neither allocates nor takes a lock. Today shards are threads of this
/// process (ThreadCollective), but they could be processes: the interface demands nothing that only
/// threads can do.
class Collective {
 public:
  explicit Collective(int size) : size_(size) {}
  virtual ~Collective() = default;
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;

  int size() const { return size_; }

  /// Waits until all shards have come. What a shard wrote before is visible to all afterwards.
  virtual void Barrier() = 0;

  /// result[i] = ((input_0[i] + input_1[i]) + input_2[i]) + ..., in the order of the shards: every
  /// shard gets the same bits. `count` is the same in every shard, and no shard's `input` overlaps
  /// any shard's `result`.
  virtual void Sum(int shard, const float* input, float* result, int64_t count) = 0;

  /// Shows `bytes` to all shards: each may read Published(shard) after the next meeting, until the
  /// meeting that follows. The caller keeps `bytes` alive and unchanged until then.
  virtual void Publish(int shard, std::span<const std::byte> bytes) = 0;
  virtual std::span<const std::byte> Published(int shard) const = 0;

 private:
  const int size_;
};

}  // namespace tersor::kernels
