// The alphabet of the native format: little-endian numbers, variable-length integers, strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor::formats::native {

/// Numbers of the file's header and the codes of its fields. docs/format.md gives them their
/// meaning.
inline constexpr char kMagic[] = {'T', 'E', 'R', 'S', 'O', 'R'};
inline constexpr uint16_t kVersion = 1;
inline constexpr size_t kHeaderBytes = 40;
inline constexpr size_t kChecksummedFrom = 20;  ///< the checksum covers the file from here
inline constexpr size_t kAlignment = 64;
inline constexpr int64_t kPooledBelowBytes = 4096;  ///< smaller weights stand together in the pool
inline constexpr int64_t kMaxStructureBytes = int64_t{1} << 28;

enum class Placement : uint8_t { kNone = 0, kPool = 1, kInPlace = 2, kCoded = 3 };
/// Feature of files whose shapes have symbolic extents other than N in the first place.
inline constexpr std::string_view kNamedExtents = "named-extents";
inline constexpr uint8_t kPlanes = 1;  ///< bit of a weight's flags: bytes are ordered by planes
/// The feature of files in which a type has a scale for each group.
inline constexpr std::string_view kGroupsFeature = "quantization-groups";

/// What coded parts may decode to, and be copied to, in a file of this size: kFreeDecodedBytes, and
/// kMaxRatio for each byte.
inline constexpr int64_t kMaxRatio = 256;
inline constexpr int64_t kFreeDecodedBytes = int64_t{1} << 26;
constexpr int64_t MaxDecodedBytes(int64_t file_bytes) {
  return kFreeDecodedBytes +
         (file_bytes > INT64_MAX / 512 ? INT64_MAX / 2 : file_bytes * kMaxRatio);
}

class WireWriter {
 public:
  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Fixed(uint64_t value, int size);  ///< the `size` low bytes, little endian
  void Unsigned(uint64_t value);         ///< LEB128
  void Signed(int64_t value);            ///< zigzag, then LEB128
  void Float(float value);
  void Double(double value);
  void Text(std::string_view text);  ///< length, then bytes
  void Raw(std::string_view bytes) { bytes_.append(bytes); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what WireWriter writes. The first failure sticks: later reads give zeros, and status()
/// tells it.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint8_t Byte();
  uint64_t Fixed(int size);
  uint64_t Unsigned();
  int64_t Signed();
  float Float();
  double Double();
  std::string Text();
  /// A count of things that take at least `least_bytes` each: more than can follow is a failure.
  size_t Count(size_t least_bytes = 1);

  size_t left() const { return bytes_.size() - at_; }
  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  void Fail(Status status);

 private:
  std::span<const std::byte> Take(size_t size);

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  Status status_;
};

/// CRC-32 as of zlib, gzip and PNG.
uint32_t Checksum(std::span<const std::byte> bytes);

}  // namespace tersor::formats::native
