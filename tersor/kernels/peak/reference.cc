#include "tersor/kernels/peak/loops.h"

namespace tersor::kernels::peak {

int64_t F32LoopReference(int64_t rounds, float* sink) {
  float sums[16] = {};
  float factor = *sink;
  for (int64_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) sum = sum * factor + factor;
    asm volatile("" : "+m"(factor));
  }
  for (float sum : sums) *sink += sum;
  return rounds * 16 * 2;
}

int64_t Int8LoopReference(int64_t rounds, float* sink) {
  uint32_t sums[16] = {};
  auto factor = static_cast<uint32_t>(*sink);
  for (int64_t round = 0; round < rounds; ++round) {
    for (uint32_t& sum : sums) sum += factor * factor;
    asm volatile("" : "+r"(factor));
  }
  for (uint32_t sum : sums) *sink += static_cast<float>(sum);
  return rounds * 16 * 2;
}

}  // namespace tersor::kernels::peak
