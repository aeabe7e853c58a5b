// Sets of JPEG images in class folders, in an archive in memory (in files: kinds.h).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"

namespace tersor::data {

/// LoadImageArchive from bytes in memory, which must outlive the call; `where` begins each message.
Result<Dataset> LoadImageArchive(std::span<const std::byte> bytes, std::string_view where,
                                 Split split, const DatasetOptions& options);

}  // namespace tersor::data
