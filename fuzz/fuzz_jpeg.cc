// JPEG images: any bytes give pixels or an error.
#include <vector>

#include "tersor/data/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tersor::data;  // NOLINT
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto header = ReadJpegSize(bytes, "input");
  if (!header.ok() || header->size_bytes() > 1 << 22) return 0;
  std::vector<uint8_t> pixels(static_cast<size_t>(header->size_bytes()));
  (void)DecodeJpeg(bytes, "input", *header, pixels.data());
  return 0;
}
