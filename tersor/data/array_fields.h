// Which arrays of a source hold which field of which part of a set, and how their elements become
// those of the field.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/examples.h"
#include "tersor/data/split.h"

namespace tersor::data {

/// What becomes of an array's elements and shape.
enum class ArrayKind : uint8_t {
  kExamples,      ///< u8 stays, [N,H,W] becoming [N,H,W,1]; every other type becomes f32
  kClassNumbers,  ///< integers [N] or [N,1] in [0, 65536) become i32 [N]
  kTokens,        ///< integers [N,S] become i32
  kLabels,        ///< integers [N] or [N,1] are class numbers; integers become i32, others f32
  kOther,         ///< u8 stays, other integers become i32, everything else f32
};

/// Says that an array of a source holds one field of one part of the set.
struct ArrayField {
  Part part = Part::kWhole;
  std::string array, field;
  ArrayKind kind = ArrayKind::kOther;
};

/// Whether an array of this name is a field of some part (LoadDataset lists the names).
bool IsArrayFieldName(const std::string& name);

/// Finds those of the named arrays that are fields. They are sorted by part; within a part x (or
/// images) comes first, then the others by name, then the label. A part that has only a label is
/// left out. Errors: two arrays that are the same field of the same part.
Result<std::vector<ArrayField>> FindArrayFields(std::span<const std::string> names);

/// The type of one example in the field that `array` becomes. Errors: a shape or an element type
/// that the kind refuses, integers that i32 cannot hold, class numbers out of range. `examples` is
/// the number of examples that other arrays of the part have; below 0: not known.
Result<TensorType> FieldTypeOf(const Tensor& array, ArrayKind kind, int64_t examples);

/// Writes `count` elements of `array` from `first` on as elements of dtype u8 (of u8 alone), i32
/// or f32.
void ConvertElements(const Tensor& array, int64_t first, int64_t count, DType dtype, void* out);

}  // namespace tersor::data
