#include "tersor/kernels/thread_collective.h"

#include <algorithm>
#include <cstring>

namespace tersor::kernels {
namespace {

// Up to so many numbers over all shards, each shard adds everything by itself: cheaper than to
// share the work and to meet twice more.
constexpr int64_t kSmallElements = 8192;

size_t Bytes(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

}  // namespace

ThreadCollective::ThreadCollective(int size)
    : Collective(size),
      slots_(static_cast<size_t>(size)),
      small_(size > 1 ? size_t{2 * kSmallElements} : 0) {}

float* ThreadCollective::small(int shard, int parity) {
  return small_.data() + parity * kSmallElements + shard * (kSmallElements / size());
}

void ThreadCollective::Barrier() {
  if (size() == 1) return;
  const int32_t meeting = meetings_.value.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size()) {
    arrived_.store(0, std::memory_order_relaxed);
    meetings_.value.fetch_add(1);
    meetings_.Wake();
    return;
  }
  meetings_.WaitUntil([meeting](int32_t now) { return now != meeting; });
}

void ThreadCollective::Sum(int shard, const float* input, float* result, int64_t count) {
  if (size() == 1) {
    std::memcpy(result, input, Bytes(count));
  } else if (count <= kSmallElements / size()) {
    SmallSum(shard, input, result, count);
  } else {
    LargeSum(shard, input, result, count);
  }
}

// Two sets of places take turns: a shard that begins the sum after the next has passed the barrier
// of the next one, to which every shard came after it had read the places of this one.
void ThreadCollective::SmallSum(int shard, const float* input, float* result, int64_t count) {
  const int parity = slot(shard).parity;
  slot(shard).parity = 1 - parity;
  std::memcpy(small(shard, parity), input, Bytes(count));
  Barrier();
  const float *first = small(0, parity), *second = small(1, parity);
  for (int64_t i = 0; i < count; ++i) result[i] = first[i] + second[i];
  for (int s = 2; s < size(); ++s) {
    const float* other = small(s, parity);
    for (int64_t i = 0; i < count; ++i) result[i] += other[i];
  }
}

// Every shard adds the slice [i*count/size, (i+1)*count/size) into its own result, then copies the
// slices of the others.
void ThreadCollective::LargeSum(int shard, const float* input, float* result, int64_t count) {
  slot(shard).input = input;
  slot(shard).result = result;
  Barrier();
  auto begin_of = [&](int s) { return count * s / size(); };
  const int64_t begin = begin_of(shard), end = begin_of(shard + 1);
  const float *first = slot(0).input, *second = slot(1).input;
  for (int64_t i = begin; i < end; ++i) result[i] = first[i] + second[i];
  for (int s = 2; s < size(); ++s) {
    const float* other = slot(s).input;
    for (int64_t i = begin; i < end; ++i) result[i] += other[i];
  }
  Barrier();
  for (int s = 0; s < size(); ++s) {
    if (s == shard) continue;
    const int64_t from = begin_of(s);
    std::memcpy(result + from, slot(s).result + from, Bytes(begin_of(s + 1) - from));
  }
  Barrier();
}

void ThreadCollective::Publish(int shard, std::span<const std::byte> bytes) {
  slot(shard).published = bytes;
}

std::span<const std::byte> ThreadCollective::Published(int shard) const {
  return slots_[static_cast<size_t>(shard)].published;
}

}  // namespace tersor::kernels
