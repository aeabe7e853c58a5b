// Reading of .tar, .tar.gz, .tar.zst and .zip, entry by entry, with bounds on everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor::data {

struct ArchiveEntry {
  std::string name;        ///< path in the archive, '/' between parts
  int64_t size_bytes = 0;  ///< as the archive declares it
};

/// A forward reader. Messages name the archive and the entry. Not for several threads at once.
class ArchiveReader {
 public:
  enum class Kind { kTar, kZip };

  /// `max_bytes` bounds what the archive may unpack to, read or skipped.
  static Result<ArchiveReader> OpenFile(const std::string& path, Kind kind, int64_t max_bytes);
  /// `bytes` outlives the reader.
  static Result<ArchiveReader> OpenMemory(std::span<const std::byte> bytes, std::string_view name,
                                          Kind kind, int64_t max_bytes);
  ArchiveReader(ArchiveReader&&) noexcept;
  ~ArchiveReader();

  /// The next regular file (folders and links are passed over), nullopt at the end. An entry that
  /// declares more than the bound is refused.
  Result<std::optional<ArchiveEntry>> Next();
  /// The contents of the entry that Next() gave, once. Refuses more than `max_bytes` before it
  /// allocates; fewer bytes than declared are damaged data.
  Result<std::string> Read(int64_t max_bytes);

 private:
  struct Impl;
  explicit ArchiveReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// True for names that end in .tar, .tar.gz, .tgz, .tar.zst or .tzst.
bool HasTarName(std::string_view path);

/// Bytes of a ZIP archive of stored entries, one after another as given.
struct ZipEntry {
  std::string name;
  std::string bytes;
};
Result<std::string> SerializeZip(std::span<const ZipEntry> entries);

}  // namespace tersor::data
