// A hash that tells contents apart. Not for security: whoever wants two contents with one hash can
// make them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tersor {

/// 64 bits of `size` bytes, eight at a time (the multiplier of FNV-1a, and a rotation that carries
/// high bits down). `seed` is the hash of what stood before, so that parts can be hashed in turn.
inline uint64_t HashBytes(const void* data, size_t size, uint64_t seed = 0xcbf29ce484222325u) {
  constexpr uint64_t kPrime = 0x100000001b3u;
  uint64_t hash = seed ^ size;
  const auto* bytes = static_cast<const unsigned char*>(data);
  auto add = [&](uint64_t word) {
    hash = (hash ^ word) * kPrime;
    hash = hash << 29 | hash >> 35;
  };
  size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + at, 8);
    add(word);
  }
  uint64_t rest = 0;
  if (at < size) std::memcpy(&rest, bytes + at, size - at);
  add(rest);
  return hash;
}

}  // namespace tersor
