// Which examples of a source make the train, validation and test split.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::data {

/// What a caller asks for. Train never holds an example of validation or test.
enum class Split : uint8_t { kTrain, kValidation, kTest, kTrainAndValidation };

std::string_view SplitName(Split split);  ///< "train", ..., "train+validation"
std::optional<Split> ParseSplit(std::string_view name);

/// Where in its source an example lies. kWhole: the source knows no splits.
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

/// How parts that the source lacks are carved out of what it has.
struct CarveOptions {
  uint64_t seed = 0;                 ///< the same seed always carves the same examples
  double validation_fraction = 0.1;  ///< of train, where the source has no validation part
  double test_fraction = 0.1;        ///< of the whole, where the source knows no splits
};

/// The parts that must be read to give `split`, or why they cannot: a source with named parts
/// must name the one asked for (only validation is carved out of its train part).
Result<PartSet> PartsNeeded(PartSet present, Split split);

/// Indices of the examples of `split`, ascending. `parts` and `labels` describe the examples that
/// were read (at least the parts needed; `labels` may be empty). Carving is stratified: of each
/// class the round(fraction * count) examples with the lowest random rank; the rank is a function
/// of the seed and the example's index.
Result<std::vector<uint32_t>> SelectExamples(PartSet present, std::span<const Part> parts,
                                             std::span<const int32_t> labels, Split split,
                                             const CarveOptions& options);

/// At most `limit` of `indices`, evenly spaced, so that sorted classes keep their shares. 0: all.
std::vector<uint32_t> Thin(std::vector<uint32_t> indices, int64_t limit);

}  // namespace tersor::data
