#include "tersor/base/random.h"

#include <cmath>
#include <numbers>

namespace tersor {

std::array<uint32_t, 4> Philox(uint64_t seed, uint64_t stream, uint64_t counter) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                               static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * c[0], product1 = kMultiplier1 * c[2];
    c = {static_cast<uint32_t>(product1 >> 32) ^ c[1] ^ key0, static_cast<uint32_t>(product1),
         static_cast<uint32_t>(product0 >> 32) ^ c[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return c;
}

uint32_t Random::NextU32() {
  if (used_ == 4) {
    block_ = Philox(seed_, stream_, counter_++);
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint64_t Random::NextU64() {
  const uint64_t low = NextU32();
  return low | static_cast<uint64_t>(NextU32()) << 32;
}

float Random::NextFloat() { return static_cast<float>(NextU32() >> 8) * 0x1p-24f; }

double Random::NextDouble() { return static_cast<double>(NextU64() >> 11) * 0x1p-53; }

float Random::NextNormal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - NextDouble()));
  return static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * NextDouble()));
}

uint64_t Random::NextBelow(uint64_t bound) {
  const uint64_t limit = -bound % bound;  // 2^64 mod bound
  for (;;) {
    const uint64_t value = NextU64();
    if (value >= limit) return value % bound;
  }
}

}  // namespace tersor
