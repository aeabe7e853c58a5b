// Examples of named fields: what a data set is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/named_tensor.h"

namespace tersor::data {

/// One named part of every example of a set.
///
///   kind             name              type of one example
///   images           "image"           u8 [height,width,channels]
///   plain arrays     "x"               u8 or f32 [...]
///   token sequences  "tokens"          i32 [length]
///   labels           "label"           i32 [] (class number), f32 [classes] (soft), or any other
///   further arrays   their own names   u8, i32 or f32 [...]
struct Field {
  std::string name;
  TensorType type;  ///< of one example, without the batch

  bool operator==(const Field&) const = default;
};

/// The type of `count` examples of this type: one extent more, in front.
TensorType BatchOf(TensorType example, int64_t count);
/// The type of one example of a batch: without the first extent.
TensorType ExampleOf(TensorType batch);

inline constexpr std::string_view kLabelField = "label";

/// Whether Normalize says what the elements of the field mean: those of every u8 field but the
/// label.
bool IsPixels(const Field& field);
/// Whether augmentations apply to the field: to u8 or f32 [height,width,channels] but the label.
bool IsImage(const Field& field);
/// Whether the field is the label as a class number, i32 [].
bool IsClassNumber(const Field& field);
/// Index of the field of this name, or -1.
int FindField(std::span<const Field> fields, std::string_view name);

/// Where the examples of a set come from: memory, or files that are read when they are asked for.
/// Nothing that a user can call changes it: any number of threads may read at once.
class ExampleSource {
 public:
  virtual ~ExampleSource() = default;
  virtual int64_t size() const = 0;
  virtual const std::vector<Field>& fields() const = 0;
  /// Writes the examples of these numbers, in this order, one after another: out[f] is the caller's
  /// memory for field f, or null where the field is not wanted. A number is in [0, size()). Fails
  /// where a file that is read now is missing or damaged.
  virtual Status Read(std::span<const int64_t> examples, std::span<std::byte* const> out) const = 0;
};

/// Makes a source of examples that are in memory: each field has a tensor [count,...]. The tensors
/// are shared with the caller, who must not write to them any more. Fails if the counts differ, if
/// a tensor has no first extent, or if two fields have the same name.
Result<std::shared_ptr<const ExampleSource>> ExamplesInMemory(std::vector<NamedTensor> columns);

}  // namespace tersor::data
