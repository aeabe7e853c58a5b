// Philox multiplies 32 by 32 to 64 bits, which vector.h has no word for: plain intrinsics.
#include "tersor/kernels/dropout/loops.h"
#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels::dropout {
namespace {

struct Product {
  __m256i high, low;
};

/// a * b of 32-bit lanes: both halves.
inline Product Multiply(__m256i a, __m256i b) {
  const __m256i even = _mm256_mul_epu32(a, b);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA),
          _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
}

/// Philox (tersor/base/random.h) for counters [counter, counter + 8): 32 words in the order of the
/// counters, in four vectors.
inline void PhiloxWords(uint64_t seed, uint64_t stream, uint64_t counter, __m256i words[4]) {
  alignas(32) uint32_t low[8], high[8];
  for (uint64_t i = 0; i < 8; ++i) {
    low[i] = static_cast<uint32_t>(counter + i);
    high[i] = static_cast<uint32_t>((counter + i) >> 32);
  }
  const auto fill = [](uint64_t x) { return _mm256_set1_epi32(static_cast<int>(x)); };
  __m256i c0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(low));
  __m256i c1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(high));
  __m256i c2 = fill(stream), c3 = fill(stream >> 32);
  __m256i key0 = fill(seed), key1 = fill(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Product p0 = Multiply(c0, fill(0xD2511F53)), p1 = Multiply(c2, fill(0xCD9E8D57));
    c0 = _mm256_xor_si256(_mm256_xor_si256(p1.high, c1), key0);
    c1 = p1.low;
    c2 = _mm256_xor_si256(_mm256_xor_si256(p0.high, c3), key1);
    c3 = p0.low;
    key0 = _mm256_add_epi32(key0, fill(0x9E3779B9));
    key1 = _mm256_add_epi32(key1, fill(0xBB67AE85));
  }
  const __m256i a = _mm256_unpacklo_epi32(c0, c1), b = _mm256_unpacklo_epi32(c2, c3);
  const __m256i c = _mm256_unpackhi_epi32(c0, c1), d = _mm256_unpackhi_epi32(c2, c3);
  const __m256i w04 = _mm256_unpacklo_epi64(a, b), w15 = _mm256_unpackhi_epi64(a, b);
  const __m256i w26 = _mm256_unpacklo_epi64(c, d), w37 = _mm256_unpackhi_epi64(c, d);
  words[0] = _mm256_permute2x128_si256(w04, w15, 0x20);
  words[1] = _mm256_permute2x128_si256(w26, w37, 0x20);
  words[2] = _mm256_permute2x128_si256(w04, w15, 0x31);
  words[3] = _mm256_permute2x128_si256(w26, w37, 0x31);
}

int64_t ApplyBlocks(const Draw& draw, const float* input, float* output, int64_t count) {
  const __m256i least = _mm256_set1_epi32(static_cast<int>(draw.threshold));
  const __m256 scale = _mm256_set1_ps(draw.scale);
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i words[4];
    PhiloxWords(draw.seed, draw.stream, (draw.first + static_cast<uint64_t>(i)) / 4, words);
    for (int v = 0; v < 4; ++v) {
      const __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(words[v], least), words[v]);
      const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(input + i + 8 * v), scale);
      _mm256_storeu_ps(output + i + 8 * v, _mm256_and_ps(scaled, _mm256_castsi256_ps(kept)));
    }
  }
  return i;
}

}  // namespace

constinit const Loops kAvx2Loops = {ApplyBlocks};

}  // namespace tersor::kernels::dropout
