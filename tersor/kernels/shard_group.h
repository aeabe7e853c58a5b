// Where the shards of one training step meet.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace tersor::kernels {

/// `size` threads run the same step on different parts of a batch. All of them call the same
/// sequence of meetings; each meeting is a barrier. Spins, then yields: meant for as many shards as
/// there are cores. Neither allocates nor locks.
class ShardGroup {
 public:
  explicit ShardGroup(int size) : size_(size), slots_(static_cast<size_t>(size)) {}

  int size() const { return size_; }

  /// Waits until all shards have come.
  void Barrier();

  /// result[i] = sum over shards, in the order of their numbers, of that shard's input[i]: the same
  /// bits in every shard. `input` of no shard may overlap `result` of any. Every shard sums the
  /// slice [i*count/size, (i+1)*count/size) into its own result, then copies the others'.
  void Sum(int shard, const float* input, float* result, int64_t count);

  /// A pointer of each shard's choice, seen by all of them between two barriers.
  void Publish(int shard, const void* pointer) {
    slots_[static_cast<size_t>(shard)].pointer = pointer;
  }
  const void* Published(int shard) const { return slots_[static_cast<size_t>(shard)].pointer; }

 private:
  struct alignas(64) Slot {
    const void* pointer = nullptr;
    float* result = nullptr;
  };
  const int size_;
  std::vector<Slot> slots_;
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};
};

}  // namespace tersor::kernels
