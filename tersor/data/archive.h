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

/// Reads an archive from its first entry to its last. Messages name the archive and the entry. Not
/// for several threads at once.
class ArchiveReader {
 public:
  enum class Kind { kTar, kZip };

  /// `max_bytes` is the most that the archive may unpack to, entries that are skipped included.
  static Result<ArchiveReader> OpenFile(const std::string& path, Kind kind, int64_t max_bytes);
  /// `bytes` outlives the reader.
  static Result<ArchiveReader> OpenMemory(std::span<const std::byte> bytes, std::string_view name,
                                          Kind kind, int64_t max_bytes);
  ArchiveReader(ArchiveReader&&) noexcept;
  ~ArchiveReader();

  /// The next regular file (folders and links are skipped), or nullopt at the end. An entry that
  /// declares more bytes than the bound is refused.
  Result<std::optional<ArchiveEntry>> Next();
  /// The contents of the entry that Next() gave last; call it at most once for each. Refuses more
  /// than `max_bytes` before it allocates. Fewer bytes than the entry declares are damaged data.
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
