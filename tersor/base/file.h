// Files: read whole or mapped, written so that a reader never sees half of one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor {

/// Maps a file read-only. The mapping lives as long as the buffer. An empty file gives an empty
/// buffer. Errors name the path and the system's reason.
Result<std::shared_ptr<Buffer>> MapFile(const std::string& path);

/// Reads a regular file whole; other kinds (a pipe, a device without an end) are refused.
Result<std::string> ReadFile(const std::string& path);

/// Whether a file can be written there, as far as that can be known before: its folder is there and
/// may be written, and `path` is no folder. Errors begin with the path.
Status CheckWritable(const std::string& path);

/// That this process alone works on a path. Movable; let go by the destructor and by the end of the
/// process, however it ends. While it is held there is a file `path`.lock; it stays behind a killed
/// process and means nothing then.
class FileLock {
 public:
  /// Fails at once with kFailedPrecondition where another process, or this one, holds it.
  static Result<FileLock> Take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(std::string lock, int fd) : lock_(std::move(lock)), fd_(fd) {}
  std::string lock_;
  int fd_;
};

/// Writes to a temporary file beside `path`, syncs, and renames: after a crash or on a full disk
/// `path` holds either what it held before or all of `bytes`, and no temporary file is left behind
/// by a failure. What a killed process left beside `path` while it wrote it is removed. A symbolic
/// link is followed, and a file that is replaced hands on its mode and, where the system lets it,
/// its owner. A character device (/dev/null) is written as it is; what is no regular file otherwise
/// is refused.
Status WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes);
Status WriteFileAtomically(const std::string& path, std::string_view text);

bool FileExists(const std::string& path);
Result<int64_t> FileSizeBytes(const std::string& path);
/// mkdir -p
Status CreateDirectories(const std::string& path);

}  // namespace tersor
