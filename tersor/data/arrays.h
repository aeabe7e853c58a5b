// Sets that are stored as arrays: IDX folders, .npz, folders of .npy, one .npy.
#pragma once

#include <string>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"

namespace tersor::data {

bool IsIdxFolder(const std::string& path);
bool IsNpyFolder(const std::string& path);

/// LoadDataset for each kind; `path` exists.
Result<Dataset> LoadIdxFolder(const std::string& path, Split split, const DatasetOptions& options);
Result<Dataset> LoadNpz(const std::string& path, Split split, const DatasetOptions& options);
Result<Dataset> LoadNpyFolder(const std::string& path, Split split, const DatasetOptions& options);
Result<Dataset> LoadNpy(const std::string& path, Split split, const DatasetOptions& options);

}  // namespace tersor::data
