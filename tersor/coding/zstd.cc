#include <zstd.h>

#include <memory>

#include "tersor/coding/coding_rows.h"

namespace tersor::coding::zstd {

std::optional<std::string> Encode(std::span<const std::byte> bytes, size_t fewer_than, int effort) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx);
  if (context == nullptr) return std::nullopt;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, effort);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size =
      ZSTD_compress2(context.get(), frame.data(), frame.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0 || size >= fewer_than) return std::nullopt;
  frame.resize(size);
  return frame;
}

Status Decode(std::span<const std::byte> coded, std::span<std::byte> target) {
  const size_t size = ZSTD_decompress(target.data(), target.size(), coded.data(), coded.size());
  if (ZSTD_isError(size) != 0) {
    return DataLoss("coded bytes do not decode: ", ZSTD_getErrorName(size));
  }
  if (size != target.size()) {
    return DataLoss("coded bytes decode to ", size, " bytes, expected ", target.size());
  }
  return OkStatus();
}

}  // namespace tersor::coding::zstd
