#include "tersor/kernels/peak/loops.h"

namespace tersor::kernels::peak {
namespace {

int64_t RunF32(int64_t rounds, float* sink) {
  float sums[16] = {};
  float factor = *sink;
  for (int64_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) sum = sum * factor + factor;
    asm volatile("" : "+m"(factor));
  }
  for (float sum : sums) *sink += sum;
  return rounds * 16 * 2;
}

int64_t RunInt8(int64_t rounds, float* sink) {
  uint32_t sums[16] = {};
  auto factor = static_cast<uint32_t>(*sink);
  for (int64_t round = 0; round < rounds; ++round) {
    for (uint32_t& sum : sums) sum += factor * factor;
    asm volatile("" : "+r"(factor));
  }
  for (uint32_t sum : sums) *sink += static_cast<float>(sum);
  return rounds * 16 * 2;
}

}  // namespace

constinit const Loops kReferenceLoops = {RunF32, RunInt8};

}  // namespace tersor::kernels::peak
