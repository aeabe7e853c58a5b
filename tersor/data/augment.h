// The augmentations of an input pipeline: horizontal flips and shifts of images.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tersor/base/options.h"
#include "tersor/base/tensor.h"

namespace tersor::data {

struct AugmentOptions {
  enum class Fill : uint8_t {
    kZero,  ///< black: 0 in the set's own elements, before normalization
    kEdge,  ///< the nearest row and column repeated
  };
#define OPTION OPTION_MEMBER
#include "tersor/data/augment_options.inc"
#undef OPTION

  bool any() const { return flip || shift_pixels > 0; }
};

inline constexpr std::string_view kFillNames[] = {"zero", "edge"};
constexpr std::span<const std::string_view> OptionNames(AugmentOptions::Fill) { return kFillNames; }

/// What is done to one example.
struct Augmentation {
  bool flip = false;
  int down = 0, right = 0;
};

/// A pure function of the seed, the epoch and the example's index in its set.
Augmentation DrawAugmentation(const AugmentOptions& options, uint64_t seed, int64_t epoch,
                              int64_t example);

/// Flips, then shifts one image [height,width,channels] whose elements have `element_bytes` each.
/// `out` is as large as `in`, and the two do not overlap.
void Augment(const void* in, const Shape& shape, int64_t element_bytes,
             const Augmentation& augmentation, AugmentOptions::Fill fill, void* out);

}  // namespace tersor::data
