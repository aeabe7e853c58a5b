#include "tersor/data/dataset.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/base/test_data.h"
#include "tersor/data/archive.h"
#include "tersor/data/arrays.h"
#include "tersor/data/image_folder.h"

namespace tersor::data {
namespace {

struct KnownDataset {
  std::string_view name;
  std::string default_path;
  std::string_view how_to_get;
  std::string_view class_names;
};

std::vector<KnownDataset> KnownDatasets() {
  return {
#define DATASET(name, default_path, how_to_get, class_names) \
  {name, default_path, how_to_get, class_names},
#include "tersor/data/datasets.inc"
#undef DATASET
  };
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

/// Where a named set may lie, best first.
std::vector<std::string> Places(const KnownDataset& known) {
  std::vector<std::string> places;
  const char* root = std::getenv("TERSOR_DATA_DIR");
  if (root != nullptr && *root != '\0') {
    for (std::string_view ending : {"", ".tar.zst", ".tar.gz", ".tar", ".npz"}) {
      places.push_back(StrCat(root, "/", known.name, ending));
    }
  }
  places.push_back(known.default_path);
  return places;
}

Result<Dataset> LoadPath(const std::string& path, Split split, const DatasetOptions& options) {
  if (IsFolder(path)) {
    if (IsIdxFolder(path)) return LoadIdxFolder(path, split, options);
    if (IsNpyFolder(path)) return LoadNpyFolder(path, split, options);
    return LoadImageFolder(path, split, options);
  }
  if (HasTarName(path)) return LoadImageArchive(path, split, options);
  if (path.ends_with(".npz")) return LoadNpz(path, split, options);
  if (path.ends_with(".npy")) return LoadNpy(path, split, options);
  return Unsupported(path,
                     ": not a kind of data set, expected a folder, .tar, .tar.gz, .tar.zst, .npz "
                     "or .npy");
}

Result<Dataset> LoadKnown(const KnownDataset& known, Split split, const DatasetOptions& options) {
  std::string looked;
  for (const std::string& place : Places(known)) {
    if (!FileExists(place)) {
      looked += (looked.empty() ? "" : ", ") + place;
      continue;
    }
    TERSOR_ASSIGN_OR_RETURN(Dataset set, LoadPath(place, split, options));
    std::vector<std::string> names;
    for (std::string_view rest = known.class_names; !rest.empty();) {
      const size_t end = std::min(rest.find('|'), rest.size());
      names.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (names.size() >= set.class_names.size()) set.class_names = std::move(names);
    return set;
  }
  return NotFound("data set ", known.name, " is not in ", looked,
                  "; to get it: ", known.how_to_get);
}

Result<Dataset> Load(std::string_view spec, Split split, const DatasetOptions& options) {
  if ((options.resize_height > 0) != (options.resize_width > 0) || options.resize_height < 0 ||
      options.resize_height > (1 << 14) || options.resize_width > (1 << 14)) {
    return InvalidArgument("cannot resize to ", options.resize_height, "x", options.resize_width,
                           ", expected 1 to 16384 each");
  }
  if (options.channels != 0 && options.channels != 1 && options.channels != 3) {
    return InvalidArgument("cannot decode to ", options.channels, " channels, expected 1 or 3");
  }
  const std::vector<KnownDataset> all = KnownDatasets();
  for (const KnownDataset& known : all) {
    if (known.name == spec) return LoadKnown(known, split, options);
  }
  const std::string path(spec);
  if (FileExists(path)) return LoadPath(path, split, options);
  std::string names;
  for (const KnownDataset& known : all) names += StrCat(names.empty() ? "" : ", ", known.name);
  return NotFound("no file or folder ", path, ", nor is it the name of a data set (", names, ")");
}

}  // namespace

Shape Dataset::example_shape() const {
  std::vector<int64_t> dims = examples.type().shape.dims();
  if (!dims.empty()) dims.erase(dims.begin());
  return Shape(std::move(dims));
}

ConstTensorView Dataset::Rows(int64_t first, int64_t count, TensorType& type) const {
  TERSOR_CHECK(first >= 0 && count >= 0 && first + count <= size());
  type = examples.type();
  const int64_t row_bytes = type.size_bytes() / type.shape[0];
  type.shape[0] = count;
  return {&type, static_cast<const std::byte*>(examples.view().data) + first * row_bytes};
}

Result<Dataset> LoadDataset(std::string_view spec, Split split, const DatasetOptions& options) {
  try {
    Result<Dataset> set = Load(spec, split, options);
    if (set.ok()) set->name = spec;
    return set;
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("data set ", spec, ": out of memory");
  }
}

}  // namespace tersor::data
