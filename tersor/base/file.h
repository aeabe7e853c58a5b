// Files: read whole or mapped, written so that a reader never sees half of one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor {

/// Maps a file read-only. The mapping lives as long as the buffer. An empty file gives an empty
/// buffer. Errors name the path and the system's reason.
Result<std::shared_ptr<Buffer>> MapFile(const std::string& path);

Result<std::string> ReadFile(const std::string& path);

/// Writes to a temporary file beside `path`, syncs, and renames: after a crash or on a full disk
/// `path` holds either what it held before or all of `bytes`, and no temporary file is left behind
/// by a failure.
Status WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes);
Status WriteFileAtomically(const std::string& path, std::string_view text);

bool FileExists(const std::string& path);
Result<int64_t> FileSizeBytes(const std::string& path);
/// mkdir -p
Status CreateDirectories(const std::string& path);

}  // namespace tersor
