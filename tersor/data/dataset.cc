#include "tersor/data/dataset.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <numeric>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/base/test_data.h"
#include "tersor/data/kinds.h"

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
#define KIND(name, documentation) \
  if (Is##name(path)) return Load##name(path, split, options);
#include "tersor/data/kinds.inc"
#undef KIND
  return Unsupported(path,
                     ": not a kind of data set, expected a folder, .tar, .tar.gz, .tar.zst, .npz "
                     "or .npy (docs/generated/datasets.md)");
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

const std::vector<Field>& Dataset::fields() const {
  static const std::vector<Field> kNone;
  return source ? source->fields() : kNone;
}

const Field* Dataset::label() const {
  const int index = FindField(fields(), kLabelField);
  return index < 0 ? nullptr : &fields()[static_cast<size_t>(index)];
}

const Field* Dataset::only_input() const {
  const Field* found = nullptr;
  for (const Field& field : fields()) {
    if (field.name == kLabelField) continue;
    if (found != nullptr) return nullptr;
    found = &field;
  }
  return found;
}

Result<Tensor> Dataset::Column(std::string_view field) const {
  const int index = FindField(fields(), field);
  if (index < 0) return NotFound("data set ", name, " has no field ", field);
  const TensorType& type = fields()[static_cast<size_t>(index)].type;
  TERSOR_ASSIGN_OR_RETURN(Tensor column, Tensor::Create(BatchOf(type, size())));
  std::vector<std::byte*> out(fields().size());
  out[static_cast<size_t>(index)] = static_cast<std::byte*>(column.mutable_view().data);
  std::vector<int64_t> examples(static_cast<size_t>(size()));
  std::iota(examples.begin(), examples.end(), int64_t{0});
  TERSOR_RETURN_IF_ERROR(source->Read(examples, out));
  return column;
}

std::vector<std::string> NumberedClasses(std::span<const int32_t> class_numbers) {
  std::vector<std::string> names;
  for (int32_t number : class_numbers) {
    while (number >= static_cast<int32_t>(names.size()))
      names.push_back(std::to_string(names.size()));
  }
  return names;
}

Result<Dataset> DatasetInMemory(std::string name, std::vector<NamedTensor> columns,
                                std::vector<std::string> class_names) {
  Dataset set;
  set.name = std::move(name);
  auto source = ExamplesInMemory(std::move(columns));
  if (!source.ok()) return source.status().WithContext(StrCat("data set ", set.name));
  set.source = *std::move(source);
  set.class_names = std::move(class_names);
  const Field* label = set.label();
  if (label != nullptr && set.class_names.empty() && IsClassNumber(*label)) {
    TERSOR_ASSIGN_OR_RETURN(const Tensor labels, set.Column(kLabelField));
    set.class_names = NumberedClasses(labels.values<int32_t>());
  }
  return set;
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
