// Decoding, encoding and resizing of 8-bit images, HWC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::data {

struct ImageSize {
  int height = 0, width = 0, channels = 0;

  bool operator==(const ImageSize&) const = default;
  int64_t size_bytes() const { return int64_t{height} * width * channels; }
  std::string ToString() const;  ///< "32x32x3", height first
};

/// Images of more pixels than this are refused before they are decoded.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 26;

/// Size of a JPEG from its header: 1 channel for gray, 3 for colour.
Result<ImageSize> ReadJpegSize(std::span<const std::byte> bytes, std::string_view where);

/// Decodes a JPEG with the defaults of libjpeg-turbo (accurate integer DCT, fancy upsampling), to
/// RGB for 3 channels of `size` and to gray for 1. Height and width of `size` must be those of the
/// header; `out` holds size.size_bytes() bytes. A cut or corrupt scan is an error, though the
/// library would fill it with gray. CMYK is unsupported. Any number of threads may decode at once.
Status DecodeJpeg(std::span<const std::byte> bytes, std::string_view where, const ImageSize& size,
                  uint8_t* out);

/// Baseline JPEG of a gray or RGB image; quality 1 to 100, at 100 nearly lossless.
Result<std::string> EncodeJpeg(std::span<const uint8_t> pixels, const ImageSize& size, int quality);

/// Bilinear with pixel centres at half integers and the border repeated: out(y) samples
/// (y + 1/2) * from.height / to.height - 1/2. f32, rounded half up. Channels must agree.
void ResizeBilinear(const uint8_t* in, const ImageSize& from, uint8_t* out, const ImageSize& to);

}  // namespace tersor::data
