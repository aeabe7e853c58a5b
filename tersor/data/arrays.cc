#include "tersor/data/arrays.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/base/float16.h"
#include "tersor/data/idx.h"
#include "tersor/data/image.h"
#include "tersor/data/npy.h"

namespace tersor::data {
namespace {

constexpr int64_t kMaxClasses = 65536;

/// The arrays of a source before they are read: which it has, and how to read one.
struct ArraySource {
  std::string where;
  std::vector<std::string> names;
  std::function<Result<Tensor>(const std::string& name)> read;

  bool Has(std::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
};

struct ArrayNames {
  Part part;
  std::string_view examples, labels;
};
constexpr std::array<ArrayNames, 14> kArrayNames = {{
    {Part::kTrain, "x_train", "y_train"},
    {Part::kTrain, "train_images", "train_labels"},
    {Part::kTrain, "train-images", "train-labels"},
    {Part::kValidation, "x_val", "y_val"},
    {Part::kValidation, "x_valid", "y_valid"},
    {Part::kValidation, "x_validation", "y_validation"},
    {Part::kValidation, "val_images", "val_labels"},
    {Part::kValidation, "valid_images", "valid_labels"},
    {Part::kValidation, "validation_images", "validation_labels"},
    {Part::kTest, "x_test", "y_test"},
    {Part::kTest, "test_images", "test_labels"},
    {Part::kTest, "t10k-images", "t10k-labels"},
    {Part::kWhole, "x", "y"},
    {Part::kWhole, "images", "labels"},
}};

template <typename T, typename Out, typename Convert>
void ConvertRow(const void* in, int64_t first, int64_t count, Out* out, const Convert& convert) {
  const T* values = static_cast<const T*>(in) + first;
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<Out>(convert(values[i]));
}

/// Calls ConvertRow for the element type of `tensor`. int64 labels beyond int32 are kept apart by
/// the caller's check of the range.
template <typename Out>
void ConvertValues(const Tensor& tensor, int64_t first, int64_t count, Out* out) {
  const void* data = tensor.buffer()->data();
  const auto same = [](auto value) { return value; };
  switch (tensor.type().dtype) {
    case DType::kF32:
      return ConvertRow<float>(data, first, count, out, same);
    case DType::kF16:
      return ConvertRow<uint16_t>(data, first, count, out, &F16ToFloat);
    case DType::kI8:
      return ConvertRow<int8_t>(data, first, count, out, same);
    case DType::kU8:
    case DType::kBool:
      return ConvertRow<uint8_t>(data, first, count, out, same);
    case DType::kI16:
      return ConvertRow<int16_t>(data, first, count, out, same);
    case DType::kI32:
      return ConvertRow<int32_t>(data, first, count, out, same);
    case DType::kI64:
      return ConvertRow<int64_t>(data, first, count, out, same);
    default:
      TERSOR_CHECK(false);
  }
}

/// Labels as int32; also notes how many classes they need.
Result<std::vector<int32_t>> ReadLabels(const Tensor& tensor, int64_t examples, int64_t& classes) {
  const Shape& shape = tensor.type().shape;
  const bool column = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (!column || shape[0] != examples) {
    return DataLoss("has shape ", shape.ToString(), ", expected [", examples, "] or [", examples,
                    ",1] for ", examples, " examples");
  }
  if (!IsInteger(tensor.type().dtype)) {
    return Unsupported("has element type ", DTypeName(tensor.type().dtype), ", expected integers");
  }
  std::vector<int64_t> wide(static_cast<size_t>(examples));
  ConvertValues(tensor, 0, examples, wide.data());
  std::vector<int32_t> labels;
  labels.reserve(wide.size());
  for (size_t i = 0; i < wide.size(); ++i) {
    if (wide[i] < 0 || wide[i] >= kMaxClasses) {
      return DataLoss("label ", wide[i], " of example ", i, ", expected 0 to ", kMaxClasses - 1);
    }
    classes = std::max(classes, wide[i] + 1);
    labels.push_back(static_cast<int32_t>(wide[i]));
  }
  return labels;
}

/// The shape of one example as the set stores it: u8 [N,H,W] gets a channel.
Result<Shape> StoredShape(const Tensor& tensor) {
  std::vector<int64_t> dims = tensor.type().shape.dims();
  if (dims.size() < 2) {
    return DataLoss("has shape ", tensor.type().shape.ToString(), ", expected [count,...]");
  }
  if (dims.size() == 3 && tensor.type().dtype == DType::kU8) dims.push_back(1);
  dims.erase(dims.begin());
  for (int64_t extent : dims) {
    if (extent == 0) return DataLoss("has empty examples, ", tensor.type().shape.ToString());
  }
  return Shape(std::move(dims));
}

struct LoadedPart {
  Part part;
  std::string name;
  Tensor examples;
};

/// Copies the chosen examples out of the parts, in f32 unless all are u8, resized if asked.
Result<Tensor> Gather(const std::vector<LoadedPart>& loaded, const std::vector<uint32_t>& indices,
                      const Shape& stored, const DatasetOptions& options) {
  const bool as_u8 = loaded[0].examples.type().dtype == DType::kU8;
  std::vector<int64_t> dims = stored.dims();
  const bool resize = options.resize_height > 0;
  ImageSize from, to;
  if (resize) {
    if (!as_u8 || dims.size() != 3 || stored.num_elements() > kMaxImagePixels) {
      return InvalidArgument("only u8 images can be resized, found ",
                             DTypeName(loaded[0].examples.type().dtype), " examples of shape ",
                             stored.ToString());
    }
    from = {static_cast<int>(dims[0]), static_cast<int>(dims[1]), static_cast<int>(dims[2])};
    to = {options.resize_height, options.resize_width, from.channels};
    dims[0] = to.height;
    dims[1] = to.width;
  }
  if (options.channels != 0 && (dims.size() != 3 || dims[2] != options.channels)) {
    return InvalidArgument("examples have shape ", stored.ToString(), ", expected images of ",
                           options.channels, " channels");
  }
  dims.insert(dims.begin(), static_cast<int64_t>(indices.size()));
  TensorType type{as_u8 ? DType::kU8 : DType::kF32, Shape(std::move(dims)), {}};
  if (type.size_bytes() > options.max_bytes) {
    return ResourceExhausted("examples ", type.ToString(), " need ", type.size_bytes(),
                             " bytes, the limit is ", options.max_bytes);
  }
  const int64_t in_count = stored.num_elements();
  const int64_t out_count = type.shape.num_elements() / type.shape[0];
  TERSOR_ASSIGN_OR_RETURN(Tensor examples, Tensor::Create(std::move(type)));
  size_t part = 0;
  int64_t part_begin = 0, row = 0;
  for (uint32_t index : indices) {
    while (index - part_begin >= loaded[part].examples.type().shape[0]) {
      part_begin += loaded[part++].examples.type().shape[0];
    }
    const Tensor& source = loaded[part].examples;
    const int64_t first = (index - part_begin) * in_count;
    if (!as_u8) {
      float* out = examples.mutable_values<float>().data() + row * out_count;
      ConvertValues(source, first, in_count, out);
    } else {
      const uint8_t* in = source.values<uint8_t>().data() + first;
      uint8_t* out = examples.mutable_values<uint8_t>().data() + row * out_count;
      if (resize) {
        ResizeBilinear(in, from, out, to);
      } else {
        std::memcpy(out, in, static_cast<size_t>(in_count));
      }
    }
    ++row;
  }
  return examples;
}

Result<Dataset> Load(const ArraySource& source, Split split, const DatasetOptions& options) {
  PartSet present;
  std::map<Part, ArrayNames> names;
  for (const ArrayNames& candidate : kArrayNames) {
    if (!source.Has(candidate.examples) || !names.emplace(candidate.part, candidate).second) {
      continue;
    }
    present.Add(candidate.part);
  }
  if (present.empty()) {
    std::string found;
    for (size_t i = 0; i < source.names.size() && i < 8; ++i) found += " " + source.names[i];
    return NotFound("expected arrays x_train, y_train, ..., or x, y, found:",
                    found.empty() ? " none" : found);
  }
  TERSOR_ASSIGN_OR_RETURN(const PartSet needed, PartsNeeded(present, split));
  Dataset set;
  set.name = source.where;
  set.split = split;
  std::vector<LoadedPart> loaded;
  std::vector<Part> parts;
  std::vector<int32_t> labels;
  std::optional<bool> labelled;
  std::optional<Shape> stored;
  int64_t classes = 0;
  for (const auto& [part, name] : names) {
    if (!needed.Has(part)) continue;
    const std::string array(name.examples);
    TERSOR_ASSIGN_OR_RETURN(Tensor examples, source.read(array));
    Result<Shape> shape = StoredShape(examples);
    if (!shape.ok()) return shape.status().WithContext(array);
    if (stored && (*stored != *shape || examples.type().dtype != loaded[0].examples.type().dtype)) {
      return DataLoss(array, " has examples ",
                      TensorType{examples.type().dtype, *shape, {}}.ToString(),
                      ", expected those of ", loaded[0].name);
    }
    stored = *std::move(shape);
    const int64_t count = examples.type().shape[0];
    if (labelled && *labelled != source.Has(name.labels)) {
      return NotFound("one of ", loaded[0].name, " and ", array, " has labels, the other has none");
    }
    labelled = source.Has(name.labels);
    if (*labelled) {
      TERSOR_ASSIGN_OR_RETURN(const Tensor tensor, source.read(std::string(name.labels)));
      auto part_labels = ReadLabels(tensor, count, classes);
      if (!part_labels.ok()) return part_labels.status().WithContext(name.labels);
      labels.insert(labels.end(), part_labels->begin(), part_labels->end());
    }
    if (count > UINT32_MAX - static_cast<int64_t>(parts.size())) {
      return ResourceExhausted(array, " has ", count, " examples, the limit is ", UINT32_MAX);
    }
    parts.insert(parts.end(), static_cast<size_t>(count), part);
    loaded.push_back({part, array, std::move(examples)});
  }
  TERSOR_ASSIGN_OR_RETURN(auto selected,
                          SelectExamples(present, parts, labels, split, options.carve));
  const std::vector<uint32_t> indices = Thin(std::move(selected), options.max_examples);
  TERSOR_ASSIGN_OR_RETURN(set.examples, Gather(loaded, indices, *stored, options));
  if (*labelled) {
    for (uint32_t index : indices) set.labels.push_back(labels[index]);
  }
  for (int64_t i = 0; i < classes; ++i) set.class_names.push_back(std::to_string(i));
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

std::vector<std::string> NpyNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const ArrayNames& candidate : kArrayNames) {
    for (std::string_view name : {candidate.examples, candidate.labels}) {
      if (FileExists(StrCat(folder, "/", name, ".npy"))) names.emplace_back(name);
    }
  }
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
  ArraySource source{path, {"x"}, {}};
  source.read = [&](const std::string&) { return ReadBoundedNpy(path, options.max_bytes); };
  return LoadWithContext(source, split, options);
}

}  // namespace tersor::data
