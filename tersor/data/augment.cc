#include "tersor/data/augment.h"

#include <algorithm>
#include <cstring>

#include "tersor/base/random.h"

namespace tersor::data {
namespace {

constexpr uint64_t kAugmentStream = uint64_t{0x6175676d} << 32;  // "augm"

/// Uniform in [-n, n]; the bias of the multiplication is below n / 2^31.
int DrawShift(uint32_t random, int n) {
  return static_cast<int>(uint64_t{random} * (2 * static_cast<uint64_t>(n) + 1) >> 32) - n;
}

}  // namespace

Augmentation DrawAugmentation(const AugmentOptions& options, uint64_t seed, int64_t epoch,
                              int64_t example) {
  const auto random =
      Philox(seed, kAugmentStream ^ static_cast<uint64_t>(epoch), static_cast<uint64_t>(example));
  return {.flip = options.flip && (random[0] & 1) != 0,
          .down = DrawShift(random[1], options.shift_pixels),
          .right = DrawShift(random[2], options.shift_pixels)};
}

void Augment(const void* in, const Shape& shape, int64_t element_bytes,
             const Augmentation& augmentation, AugmentOptions::Fill fill, void* out) {
  const int64_t height = shape[0], width = shape[1];
  const auto pixel_bytes = static_cast<size_t>(shape[2] * element_bytes);
  const size_t row_bytes = static_cast<size_t>(width) * pixel_bytes;
  const auto* source = static_cast<const std::byte*>(in);
  auto* target = static_cast<std::byte*>(out);
  const bool zero = fill == AugmentOptions::Fill::kZero;
  for (int64_t y = 0; y < height; ++y, target += row_bytes) {
    const int64_t from_y = y - augmentation.down;
    if (zero && (from_y < 0 || from_y >= height)) {
      std::memset(target, 0, row_bytes);
      continue;
    }
    const std::byte* row =
        source + static_cast<size_t>(std::clamp<int64_t>(from_y, 0, height - 1)) * row_bytes;
    for (int64_t x = 0; x < width; ++x) {
      int64_t from_x = x - augmentation.right;
      std::byte* pixel = target + static_cast<size_t>(x) * pixel_bytes;
      if (zero && (from_x < 0 || from_x >= width)) {
        std::memset(pixel, 0, pixel_bytes);
        continue;
      }
      from_x = std::clamp<int64_t>(from_x, 0, width - 1);
      if (augmentation.flip) from_x = width - 1 - from_x;
      std::memcpy(pixel, row + static_cast<size_t>(from_x) * pixel_bytes, pixel_bytes);
    }
  }
}

}  // namespace tersor::data
