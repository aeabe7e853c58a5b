// Sets that are stored as arrays: IDX folders, .npz, folders of .npy, one .npy.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/base/finite.h"
#include "tersor/data/array_fields.h"
#include "tersor/data/idx.h"
#include "tersor/data/image.h"
#include "tersor/data/kinds.h"
#include "tersor/data/npy.h"

namespace tersor::data {
namespace {

/// The arrays of a source before they are read: which it has, and how to read one.
struct ArraySource {
  std::string where;
  std::vector<std::string> names;
  std::function<Result<Tensor>(const std::string& name)> read;
};

/// One field of the set, and the arrays that its examples lie in, one for each part that was read.
struct FieldColumn {
  Field field;
  std::vector<NamedTensor> arrays;
};

/// What was read of a source: its fields, the part that each example is of, and the examples'
/// labels where those are class numbers.
struct LoadedArrays {
  std::vector<FieldColumn> columns;
  std::vector<Part> parts;
  std::vector<int32_t> class_numbers;
};

/// The size of the stored images when they are to be resized (the field gets its new shape), or
/// 0 x 0.
Result<ImageSize> PlanResize(Field& field, const DatasetOptions& options) {
  const Shape stored = field.type.shape;
  ImageSize from;
  if (options.resize_height > 0) {
    if (!IsPixels(field) || stored.rank() != 3 || stored.num_elements() > kMaxImagePixels) {
      return InvalidArgument("only u8 images can be resized, found ", DTypeName(field.type.dtype),
                             " examples of shape ", stored.ToString());
    }
    from = {static_cast<int>(stored[0]), static_cast<int>(stored[1]), static_cast<int>(stored[2])};
    field.type.shape = {options.resize_height, options.resize_width, stored[2]};
  }
  if (options.channels != 0 && (stored.rank() != 3 || stored[2] != options.channels)) {
    return InvalidArgument("examples have shape ", stored.ToString(), ", expected images of ",
                           options.channels, " channels");
  }
  return from;
}

/// Copies the chosen examples of a field out of its arrays. Images of size `from` are resized.
Result<Tensor> Gather(const FieldColumn& column, const std::vector<uint32_t>& indices,
                      const ImageSize& from, int64_t& bytes_left) {
  const Shape& shape = column.field.type.shape;
  const bool resize = from.height > 0;
  ImageSize to;
  if (resize) to = {static_cast<int>(shape[0]), static_cast<int>(shape[1]), from.channels};
  const int64_t in_count = resize ? from.size_bytes() : shape.num_elements();
  TensorType type = BatchOf(column.field.type, static_cast<int64_t>(indices.size()));
  if (type.size_bytes() > bytes_left) {
    return ResourceExhausted("examples ", type.ToString(), " need ", type.size_bytes(),
                             " bytes, the limit is ", bytes_left);
  }
  bytes_left -= type.size_bytes();
  TERSOR_ASSIGN_OR_RETURN(Tensor examples, Tensor::Create(std::move(type)));
  auto* out = static_cast<std::byte*>(examples.mutable_view().data);
  size_t part = 0;
  int64_t part_begin = 0;
  for (uint32_t index : indices) {
    while (index - part_begin >= column.arrays[part].tensor.type().shape[0]) {
      part_begin += column.arrays[part++].tensor.type().shape[0];
    }
    const Tensor& source = column.arrays[part].tensor;
    const int64_t first = (index - part_begin) * in_count;
    if (resize) {
      ResizeBilinear(source.values<uint8_t>().data() + first, from, reinterpret_cast<uint8_t*>(out),
                     to);
    } else {
      ConvertElements(source, first, in_count, examples.type().dtype, out);
      const std::string flaw = FindNonFinite({&column.field.type, out});
      if (!flaw.empty()) {
        return DataLoss("example ", index - part_begin, " of ", column.arrays[part].name, " has ",
                        flaw, ", expected finite numbers");
      }
    }
    out += column.field.type.size_bytes();
  }
  return examples;
}

/// Fails when the fields of a part are not those of the part that was read before it.
Status CheckSameFields(std::span<const ArrayField> part, const std::vector<FieldColumn>& columns) {
  const std::string& before = columns[0].arrays[0].name;
  // The label is the last field of a part.
  if ((columns.back().field.name == kLabelField) != (part.back().field == kLabelField)) {
    return NotFound("one of ", before, " and ", part[0].array, " has labels, the other has none");
  }
  const bool same =
      std::equal(part.begin(), part.end(), columns.begin(), columns.end(),
                 [](const ArrayField& a, const FieldColumn& c) { return a.field == c.field.name; });
  if (same) return OkStatus();
  return NotFound("the parts of ", before, " and ", part[0].array, " have different fields");
}

/// Reads the arrays of one part.
Status ReadPart(const ArraySource& source, std::span<const ArrayField> part, LoadedArrays& loaded) {
  const bool first_part = loaded.columns.empty();
  if (!first_part) TERSOR_RETURN_IF_ERROR(CheckSameFields(part, loaded.columns));
  int64_t count = -1;
  for (size_t f = 0; f < part.size(); ++f) {
    const std::string& array = part[f].array;
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, source.read(array));
    auto type = FieldTypeOf(tensor, part[f].kind, count);
    if (!type.ok()) return type.status().WithContext(array);
    if (first_part) loaded.columns.push_back({{part[f].field, *type}, {}});
    FieldColumn& column = loaded.columns[f];
    if (column.field.type != *type) {
      return DataLoss(array, " has examples of type ", type->ToString(), ", expected ",
                      column.field.type.ToString(), " as in ", column.arrays[0].name);
    }
    count = tensor.type().shape[0];
    if (count > UINT32_MAX - static_cast<int64_t>(loaded.parts.size())) {
      return ResourceExhausted(array, " has ", count, " examples, the limit is ", UINT32_MAX);
    }
    if (IsClassNumber(column.field)) {
      loaded.class_numbers.resize(loaded.parts.size() + static_cast<size_t>(count));
      ConvertElements(tensor, 0, count, DType::kI32,
                      loaded.class_numbers.data() + loaded.parts.size());
    }
    column.arrays.push_back({array, std::move(tensor)});
  }
  loaded.parts.insert(loaded.parts.end(), static_cast<size_t>(count), part[0].part);
  return OkStatus();
}

Result<Dataset> Load(const ArraySource& source, Split split, const DatasetOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const std::vector<ArrayField> arrays, FindArrayFields(source.names));
  if (arrays.empty()) {
    std::string found;
    for (size_t i = 0; i < source.names.size() && i < 8; ++i) found += " " + source.names[i];
    return NotFound("expected arrays x_train, y_train, ..., or x, y, found:",
                    found.empty() ? " none" : found);
  }
  PartSet present;
  for (const ArrayField& array : arrays) present.Add(array.part);
  TERSOR_ASSIGN_OR_RETURN(const PartSet needed, PartsNeeded(present, split));
  LoadedArrays loaded;
  for (size_t begin = 0, end = 0; begin < arrays.size(); begin = end) {
    while (end < arrays.size() && arrays[end].part == arrays[begin].part) ++end;
    if (!needed.Has(arrays[begin].part)) continue;
    TERSOR_RETURN_IF_ERROR(ReadPart(source, std::span(arrays).subspan(begin, end - begin), loaded));
  }
  TERSOR_ASSIGN_OR_RETURN(auto selected, SelectExamples(present, loaded.parts, loaded.class_numbers,
                                                        split, options.carve));
  const std::vector<uint32_t> indices = Thin(std::move(selected), options.max_examples);
  TERSOR_ASSIGN_OR_RETURN(const ImageSize from, PlanResize(loaded.columns[0].field, options));
  std::vector<NamedTensor> columns;
  int64_t bytes_left = options.max_bytes;
  for (const FieldColumn& column : loaded.columns) {
    const ImageSize resized = columns.empty() ? from : ImageSize{};
    TERSOR_ASSIGN_OR_RETURN(Tensor gathered, Gather(column, indices, resized, bytes_left));
    columns.push_back({column.field.name, std::move(gathered)});
  }
  TERSOR_ASSIGN_OR_RETURN(Dataset set, DatasetInMemory(source.where, std::move(columns),
                                                       NumberedClasses(loaded.class_numbers)));
  set.split = split;
  return set;
}

Result<Dataset> LoadWithContext(const ArraySource& source, Split split,
                                const DatasetOptions& options) {
  Result<Dataset> set = Load(source, split, options);
  if (!set.ok() && set.status().message().find(source.where) == std::string::npos) {
    return set.status().WithContext(source.where);
  }
  return set;
}

/// Path of an IDX file of `folder` ("train-images"), by any of its usual names.
std::optional<std::string> FindIdx(const std::string& folder, std::string_view name) {
  const std::string_view rank = name.ends_with("images") ? "3" : "1";
  for (std::string_view separator : {"-", "."}) {
    for (std::string_view ending : {"", ".gz"}) {
      std::string path = StrCat(folder, "/", name, separator, "idx", rank, "-ubyte", ending);
      if (FileExists(path)) return path;
    }
  }
  return std::nullopt;
}

/// The arrays of a folder that are fields, by name.
std::vector<std::string> NpyNames(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().stem().string();
    if (it->path().extension() == ".npy" && IsArrayFieldName(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Tensor> ReadBoundedNpy(const std::string& path, int64_t max_bytes) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(path));
  if (size > max_bytes) {
    return ResourceExhausted(path, ": has ", size, " bytes, the limit is ", max_bytes);
  }
  return ReadNpy(path);
}

}  // namespace

bool IsIdxFolder(const std::string& path) {
  return FindIdx(path, "train-images") || FindIdx(path, "t10k-images");
}

bool IsNpz(const std::string& path) { return path.ends_with(".npz"); }

bool IsNpy(const std::string& path) { return path.ends_with(".npy"); }

bool IsNpyFolder(const std::string& path) { return !NpyNames(path).empty(); }

Result<Dataset> LoadIdxFolder(const std::string& path, Split split, const DatasetOptions& options) {
  ArraySource source{path, {}, {}};
  for (std::string_view name : {"train-images", "train-labels", "t10k-images", "t10k-labels"}) {
    if (FindIdx(path, name)) source.names.emplace_back(name);
  }
  source.read = [&](const std::string& name) {
    return ReadIdx(FindIdx(path, name).value_or(path), options.max_bytes);
  };
  return LoadWithContext(source, split, options);
}

Result<Dataset> LoadNpz(const std::string& path, Split split, const DatasetOptions& options) {
  ArraySource source{path, {}, {}};
  TERSOR_ASSIGN_OR_RETURN(source.names, ListNpz(path));
  source.read = [&](const std::string& name) -> Result<Tensor> {
    TERSOR_ASSIGN_OR_RETURN(
        auto tensors,
        ReadNpz(path, options.max_bytes, [&](std::string_view found) { return found == name; }));
    if (tensors.empty()) return NotFound("array ", name, " has gone");
    return std::move(tensors[0].tensor);
  };
  return LoadWithContext(source, split, options);
}

Result<Dataset> LoadNpyFolder(const std::string& path, Split split, const DatasetOptions& options) {
  ArraySource source{path, NpyNames(path), {}};
  source.read = [&](const std::string& name) {
    return ReadBoundedNpy(StrCat(path, "/", name, ".npy"), options.max_bytes);
  };
  return LoadWithContext(source, split, options);
}

Result<Dataset> LoadNpy(const std::string& path, Split split, const DatasetOptions& options) {
  const bool tokens = std::filesystem::path(path).stem().string().starts_with("tokens");
  ArraySource source{path, {tokens ? "tokens" : "x"}, {}};
  source.read = [&](const std::string&) { return ReadBoundedNpy(path, options.max_bytes); };
  return LoadWithContext(source, split, options);
}

}  // namespace tersor::data
