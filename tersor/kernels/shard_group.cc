#include "tersor/kernels/shard_group.h"

#include <sched.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tersor::kernels {
namespace {

void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

void ShardGroup::Barrier() {
  if (size_ == 1) return;
  const uint32_t epoch = epoch_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(size_)) {
    arrived_.store(0, std::memory_order_relaxed);
    epoch_.store(epoch + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; epoch_.load(std::memory_order_acquire) == epoch; ++spins) {
    if (spins < 4000) {
      Relax();
    } else {
      sched_yield();
    }
  }
}

void ShardGroup::Sum(int shard, const float* input, float* result, int64_t count) {
  if (size_ == 1) {
    std::memcpy(result, input, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  auto& own = slots_[static_cast<size_t>(shard)];
  own.pointer = input;
  own.result = result;
  Barrier();
  auto begin_of = [&](int s) { return count * s / size_; };
  const int64_t begin = begin_of(shard), end = begin_of(shard + 1);
  const auto* first = static_cast<const float*>(slots_[0].pointer);
  const auto* second = static_cast<const float*>(slots_[1].pointer);
  for (int64_t i = begin; i < end; ++i) result[i] = first[i] + second[i];
  for (int s = 2; s < size_; ++s) {
    const auto* other = static_cast<const float*>(slots_[static_cast<size_t>(s)].pointer);
    for (int64_t i = begin; i < end; ++i) result[i] += other[i];
  }
  Barrier();
  for (int s = 0; s < size_; ++s) {
    if (s == shard) continue;
    const int64_t from = begin_of(s);
    std::memcpy(result + from, slots_[static_cast<size_t>(s)].result + from,
                static_cast<size_t>(begin_of(s + 1) - from) * sizeof(float));
  }
  Barrier();
}

}  // namespace tersor::kernels
