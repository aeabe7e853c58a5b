// The .tersor file as a container: its header, its structure, and where the bytes of each weight
// lie. What the structure says is read by import.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

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

/// CRC-32 as of zlib, gzip and PNG.
uint32_t Checksum(std::span<const std::byte> bytes);

/// Whether these bytes begin as a .tersor file does.
bool Recognize(std::span<const std::byte> bytes);

/// Where a file keeps the bytes of a weight, and how.
struct StoredBytes {
  Placement placement = Placement::kNone;
  uint8_t flags = 0;
  uint64_t size = 0;         ///< of the weight, dense or encoded
  uint64_t offset = 0;       ///< in the pool, or in the area of large weights
  uint64_t stored_size = 0;  ///< as it lies there: below `size` where it is coded
  uint64_t element_bytes = 1;
};

/// A file whose header and checksum are right. Everything in it is taken for hostile: each part is
/// looked for inside the file, and what all parts decode to is bounded by MaxDecodedBytes.
class Container {
 public:
  /// Errors: kDataLoss, kUnsupported (a later version).
  static Result<Container> Open(std::shared_ptr<Buffer> file);

  std::span<const std::byte> structure() const;
  /// The bytes of a weight: where they lie, with the file kept alive, or decoded and copied.
  Result<std::shared_ptr<Buffer>> Read(const StoredBytes& stored);
  /// Takes `bytes` from what the file's parts may need.
  Status Spend(int64_t bytes);

 private:
  explicit Container(std::shared_ptr<Buffer> file);
  Status ReadHeader();
  Result<std::shared_ptr<Buffer>> Decode(std::span<const std::byte> stored, size_t size);
  Result<std::span<const std::byte>> Find(const StoredBytes& stored) const;
  bool UsableInPlace(std::span<const std::byte> stored) const;

  std::shared_ptr<Buffer> file_;
  std::span<const std::byte> bytes_;
  int64_t budget_;
  std::shared_ptr<Buffer> structure_, pool_;
  size_t weights_start_ = 0;
};

}  // namespace tersor::formats::native
