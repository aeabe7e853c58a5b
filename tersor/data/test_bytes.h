// Generated files for the tests of this layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/data/image.h"

namespace tersor::data {

/// A folder of its own under the system's temporary one, removed with all in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  /// Writes path()/name, making folders on the way; gives its full path.
  std::string Write(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

using Files = std::vector<std::pair<std::string, std::string>>;  ///< name, bytes

std::string TarOf(const Files& files);
std::string GzipOf(std::string_view bytes);
std::string ZstdOf(std::string_view bytes);
/// Deflated, unlike SerializeZip's.
std::string ZipOf(const Files& files);
/// IDX of unsigned bytes with this header; `data` need not fit it.
std::string IdxOf(const std::vector<uint32_t>& dims, std::string_view data);
/// .npy version 1.0 with this header text; `data` need not fit it.
std::string NpyOf(std::string_view header, std::string_view data);
/// A JPEG of one colour, quality 100.
std::string JpegOf(const ImageSize& size, std::vector<uint8_t> colour);

std::span<const std::byte> Bytes(std::string_view text);

}  // namespace tersor::data
