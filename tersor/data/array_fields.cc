#include "tersor/data/array_fields.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tersor/base/float16.h"

namespace tersor::data {
namespace {

constexpr int64_t kMaxClasses = 65536;

/// The usual names of examples and their labels; where a source has several of a part, the first.
struct UsualNames {
  Part part;
  std::string_view examples, labels;
};
constexpr std::array<UsualNames, 14> kUsualNames = {{
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

bool IsUsual(std::string_view name) {
  return std::any_of(kUsualNames.begin(), kUsualNames.end(), [&](const UsualNames& usual) {
    return usual.examples == name || usual.labels == name;
  });
}

/// The field that an array is by its name alone: NAME_train, NAME_val, ... is NAME of that part.
/// Without a part only some names are known.
std::optional<ArrayField> ParseName(const std::string& name) {
  const size_t bar = name.rfind('_');
  const auto part = bar == std::string::npos ? std::nullopt : ParsePart(name.substr(bar + 1));
  const std::string base = part ? name.substr(0, bar) : name;
  const std::string label(kLabelField);
  const Part where = part.value_or(Part::kWhole);
  if (base == "y" || base == "labels")
    return ArrayField{where, name, label, ArrayKind::kClassNumbers};
  if (base == label) return ArrayField{where, name, label, ArrayKind::kLabels};
  if (base == "tokens") return ArrayField{where, name, base, ArrayKind::kTokens};
  if (base == "x") return ArrayField{where, name, base, ArrayKind::kExamples};
  if (!part || base.empty()) return std::nullopt;
  return ArrayField{where, name, base, ArrayKind::kOther};
}

/// Where a field stands among those of its part.
int RankOf(const ArrayField& field) {
  return field.kind == ArrayKind::kExamples ? 0 : field.field == kLabelField ? 2 : 1;
}

/// Calls `visit` with the array's elements as const T* for its element type.
template <typename Visit>
void VisitElements(const Tensor& array, const Visit& visit) {
  const void* data = array.buffer()->data();
  switch (array.type().dtype) {
    case DType::kF32:
      return visit(static_cast<const float*>(data));
    case DType::kI8:
      return visit(static_cast<const int8_t*>(data));
    case DType::kU8:
    case DType::kBool:
      return visit(static_cast<const uint8_t*>(data));
    case DType::kI16:
      return visit(static_cast<const int16_t*>(data));
    case DType::kI32:
      return visit(static_cast<const int32_t*>(data));
    case DType::kI64:
      return visit(static_cast<const int64_t*>(data));
    default:
      TERSOR_CHECK(false);
  }
}

Status ExpectIntegers(const Tensor& array, std::string_view hint) {
  if (IsInteger(array.type().dtype)) return OkStatus();
  return Unsupported("has element type ", DTypeName(array.type().dtype), ", expected integers",
                     hint);
}

/// Fails on the first integer that is outside of [low, high], called `what` in the message.
Status CheckRange(const Tensor& array, int64_t low, int64_t high, std::string_view what) {
  Status status;
  const int64_t count = array.type().shape.num_elements();
  const int64_t row = count / std::max<int64_t>(array.type().shape[0], 1);
  VisitElements(array, [&](const auto* values) {
    for (int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<int64_t>(values[i]);
      if (value >= low && value <= high) continue;
      status =
          DataLoss(what, ' ', value, " of example ", i / row, ", expected ", low, " to ", high);
      return;
    }
  });
  return status;
}

Status CheckClassNumbers(const Tensor& array, int64_t examples) {
  const Shape& shape = array.type().shape;
  const bool column = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (examples < 0) examples = shape.rank() > 0 ? shape[0] : 1;
  if (!column || shape[0] != examples) {
    return DataLoss("has shape ", shape.ToString(), ", expected [", examples, "] or [", examples,
                    ",1] for ", examples, " examples");
  }
  TERSOR_RETURN_IF_ERROR(
      ExpectIntegers(array, "; an array label_train, ... may hold labels of other kinds"));
  return CheckRange(array, 0, kMaxClasses - 1, "label");
}

/// The element type and the shape of one example that the kind makes of an array whose shape was
/// checked.
Result<TensorType> Converted(const Tensor& array, ArrayKind kind) {
  const DType dtype = array.type().dtype;
  std::vector<int64_t> dims = array.type().shape.dims();
  dims.erase(dims.begin());
  const bool keeps_u8 = kind == ArrayKind::kExamples || kind == ArrayKind::kOther;
  if (keeps_u8 && dtype == DType::kU8) {
    if (kind == ArrayKind::kExamples && dims.size() == 2) dims.push_back(1);
    return TensorType{DType::kU8, Shape(std::move(dims)), {}};
  }
  if (!IsInteger(dtype) || kind == ArrayKind::kExamples) {
    return TensorType{DType::kF32, Shape(std::move(dims)), {}};
  }
  using Limits = std::numeric_limits<int32_t>;
  TERSOR_RETURN_IF_ERROR(CheckRange(array, Limits::min(), Limits::max(), "number"));
  return TensorType{DType::kI32, Shape(std::move(dims)), {}};
}

}  // namespace

bool IsArrayFieldName(const std::string& name) { return IsUsual(name) || ParseName(name); }

Result<std::vector<ArrayField>> FindArrayFields(std::span<const std::string> names) {
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<ArrayField> fields;
  const auto find = [&](Part part, std::string_view field) {
    return std::find_if(fields.begin(), fields.end(),
                        [&](const ArrayField& f) { return f.part == part && f.field == field; });
  };
  for (const UsualNames& usual : kUsualNames) {
    const bool known = std::any_of(fields.begin(), fields.end(),
                                   [&](const ArrayField& f) { return f.part == usual.part; });
    if (known || !has(usual.examples)) continue;
    const bool images = usual.examples.find("images") != std::string_view::npos;
    fields.push_back(
        {usual.part, std::string(usual.examples), images ? "image" : "x", ArrayKind::kExamples});
    if (has(usual.labels)) {
      fields.push_back({usual.part, std::string(usual.labels), std::string(kLabelField),
                        ArrayKind::kClassNumbers});
    }
  }
  for (const std::string& name : names) {
    auto other = ParseName(name);
    if (!other) continue;
    const auto same = find(other->part, other->field);
    if (same == fields.end()) {
      fields.push_back(*std::move(other));
    } else if (same->array != name && !IsUsual(name)) {
      return InvalidArgument(same->array, " and ", name, " are both the field ", other->field,
                             " of one part");
    }
  }
  std::erase_if(fields, [&](const ArrayField& label) {
    return label.field == kLabelField &&
           std::none_of(fields.begin(), fields.end(), [&](const ArrayField& f) {
             return f.part == label.part && f.field != kLabelField;
           });
  });
  std::stable_sort(fields.begin(), fields.end(), [](const ArrayField& a, const ArrayField& b) {
    return std::tuple(a.part, RankOf(a), a.field) < std::tuple(b.part, RankOf(b), b.field);
  });
  return fields;
}

Result<TensorType> FieldTypeOf(const Tensor& array, ArrayKind kind, int64_t examples) {
  const Shape& shape = array.type().shape;
  const TensorType class_number{DType::kI32, {}, {}};
  if (kind == ArrayKind::kClassNumbers) {
    TERSOR_RETURN_IF_ERROR(CheckClassNumbers(array, examples));
    return class_number;
  }
  if (shape.rank() < 1 || (kind == ArrayKind::kExamples && shape.rank() < 2)) {
    return DataLoss("has shape ", shape.ToString(), ", expected [count,...]");
  }
  if (examples >= 0 && shape[0] != examples) {
    return DataLoss("has shape ", shape.ToString(), ", expected [", examples, ",...] for ",
                    examples, " examples");
  }
  for (int axis = 1; axis < shape.rank(); ++axis) {
    if (shape[axis] == 0) return DataLoss("has empty examples, ", shape.ToString());
  }
  if (kind == ArrayKind::kTokens) {
    TERSOR_RETURN_IF_ERROR(ExpectIntegers(array, ""));
    if (shape.rank() != 2) {
      return DataLoss("has shape ", shape.ToString(), ", expected [count,length]");
    }
  }
  const bool column = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (kind == ArrayKind::kLabels && column && IsInteger(array.type().dtype)) {
    TERSOR_RETURN_IF_ERROR(CheckClassNumbers(array, examples));
    return class_number;
  }
  return Converted(array, kind);
}

void ConvertElements(const Tensor& array, int64_t first, int64_t count, DType dtype, void* out) {
  const auto convert = [&](auto* target) {
    using Out = std::remove_reference_t<decltype(*target)>;
    if (array.type().dtype == DType::kF16) {
      const auto* halves = static_cast<const uint16_t*>(array.buffer()->data()) + first;
      for (int64_t i = 0; i < count; ++i) target[i] = static_cast<Out>(F16ToFloat(halves[i]));
      return;
    }
    VisitElements(array, [&](const auto* values) {
      for (int64_t i = 0; i < count; ++i) target[i] = static_cast<Out>(values[first + i]);
    });
  };
  if (dtype == array.type().dtype) {
    const auto bytes = static_cast<size_t>(DTypeBits(dtype) / 8);
    const auto* source = static_cast<const std::byte*>(array.buffer()->data());
    std::memcpy(out, source + static_cast<size_t>(first) * bytes,
                static_cast<size_t>(count) * bytes);
  } else if (dtype == DType::kF32) {
    convert(static_cast<float*>(out));
  } else {
    TERSOR_CHECK(dtype == DType::kI32);
    convert(static_cast<int32_t*>(out));
  }
}

}  // namespace tersor::data
