// Which examples of a source make the train, validation and test split.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::data {

/// The split that a caller asks for. Train never holds an example of validation or test.
enum class Split : uint8_t { kTrain, kValidation, kTest, kTrainAndValidation };

std::string_view SplitName(Split split);  ///< "train", ..., "train+validation"
std::optional<Split> ParseSplit(std::string_view name);

/// The part of its source that an example lies in. kWhole: the source has no parts.
enum class Part : uint8_t { kWhole, kTrain, kValidation, kTest };

/// The part that a folder or array name means: train; validation, valid, val; test.
std::optional<Part> ParsePart(std::string_view name);

/// The parts that a source has.
class PartSet {
 public:
  void Add(Part part) { bits_ |= 1u << static_cast<int>(part); }
  bool Has(Part part) const { return (bits_ >> static_cast<int>(part)) & 1; }
  bool empty() const { return bits_ == 0; }

 private:
  uint32_t bits_ = 0;
};

/// How the parts that a source lacks are taken ("carved") out of those that it has.
struct CarveOptions {
  uint64_t seed = 0;                 ///< the same seed always carves the same examples
  double validation_fraction = 0.1;  ///< of train, where the source has no validation part
  double test_fraction = 0.1;        ///< of the whole, where the source knows no splits
};

/// The parts of a source that must be read to give `split`. Fails where they are not there: a
/// source with named parts must have the one that is asked for, except that validation can be
/// carved out of its train part.
Result<PartSet> PartsNeeded(PartSet present, Split split);

/// Indices of the examples of `split`, ascending. `parts` and `labels` describe the examples that
/// were read (at least the parts needed; `labels` may be empty). Carving is stratified: of each
/// class the round(fraction * count) examples with the lowest random rank; the rank is a function
/// of the seed and the example's index.
Result<std::vector<uint32_t>> SelectExamples(PartSet present, std::span<const Part> parts,
                                             std::span<const int32_t> labels, Split split,
                                             const CarveOptions& options);

/// At most `limit` of `indices`, evenly spaced, so that classes which stand one after another keep
/// their shares. A limit of 0 keeps all.
std::vector<uint32_t> Thin(std::vector<uint32_t> indices, int64_t limit);

}  // namespace tersor::data
