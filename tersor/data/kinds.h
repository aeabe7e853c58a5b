// The kinds of sources that a data set can come from.
#pragma once

#include <string>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"

namespace tersor::data {

/// For each row of kinds.inc:
///   Is<name>    whether what lies at `path`, which exists, is of this kind. It looks at the name
///               and at what kind of file it is, or lists a folder, and never fails.
///   Load<name>  LoadDataset() of such a path. A failure names the path.
#define KIND(name, documentation)         \
  bool Is##name(const std::string& path); \
  Result<Dataset> Load##name(const std::string& path, Split split, const DatasetOptions& options);
#include "tersor/data/kinds.inc"
#undef KIND

}  // namespace tersor::data
