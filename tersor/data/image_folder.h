// Sets of JPEG images in class folders, in a folder or an archive.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"

namespace tersor::data {

/// LoadDataset for a folder or .tar* archive of JPEG images; `path` exists.
Result<Dataset> LoadImageFolder(const std::string& path, Split split,
                                const DatasetOptions& options);
Result<Dataset> LoadImageArchive(const std::string& path, Split split,
                                 const DatasetOptions& options);
/// The same from bytes in memory, which must outlive the call; `where` begins each message.
Result<Dataset> LoadImageArchive(std::span<const std::byte> bytes, std::string_view where,
                                 Split split, const DatasetOptions& options);

}  // namespace tersor::data
