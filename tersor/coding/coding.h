// Lossless codes for bytes: fewer bytes in a file, the same in memory. Formats use them for weights
// and for their own tables. A coding is a row of codings.inc and a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor::coding {

/// The values are the numbers that files hold.
enum class Coding : uint8_t {
#define CODING(enumerator, name, number, doc) enumerator = number,
#include "tersor/coding/codings.inc"
#undef CODING
};

struct CodingInfo {
  Coding coding;
  std::string_view name;
  std::string_view doc;
};

std::span<const CodingInfo> AllCodings();

/// The coded form of `bytes`, if it takes fewer than `fewer_than` bytes. `effort` is 1 (fast) to 19
/// (small); the same effort gives the same bytes.
std::optional<std::string> Encode(Coding coding, std::span<const std::byte> bytes,
                                  size_t fewer_than, int effort);

/// Decodes into `target`, which must be filled exactly. `coded` may be hostile: time and memory
/// stay linear in the two sizes. Error: kDataLoss.
Status Decode(Coding coding, std::span<const std::byte> coded, std::span<std::byte> target);

/// Planes: byte 0 of every element, then byte 1 of every element, and so on, so that bytes that are
/// alike stand together. Bytes after the last whole element stay where they are.
void ToPlanes(std::span<const std::byte> source, size_t element_bytes, std::byte* target);
/// The inverse of ToPlanes.
void FromPlanes(std::span<const std::byte> source, size_t element_bytes, std::byte* target);

/// Bytes as they are stored.
struct Coded {
  Coding coding = Coding::kRaw;
  bool planes = false;  ///< whether what was coded are the planes of the bytes
  std::string bytes;
};

/// The smallest form of all codings but raw, with and without planes, if it takes fewer than
/// `fewer_than` bytes.
std::optional<Coded> EncodeSmallest(std::span<const std::byte> bytes, size_t element_bytes,
                                    size_t fewer_than, int effort);

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace tersor::coding
