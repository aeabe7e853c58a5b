#include "tersor/data/split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "tersor/base/random.h"

namespace tersor::data {
namespace {

constexpr uint64_t kCarveStream = 0x63617276;  // "carv"

constexpr std::array<std::pair<std::string_view, Split>, 4> kSplits = {{
    {"train", Split::kTrain},
    {"validation", Split::kValidation},
    {"test", Split::kTest},
    {"train+validation", Split::kTrainAndValidation},
}};

constexpr std::array<std::pair<std::string_view, Part>, 5> kParts = {{
    {"train", Part::kTrain},
    {"validation", Part::kValidation},
    {"valid", Part::kValidation},
    {"val", Part::kValidation},
    {"test", Part::kTest},
}};

std::string Describe(PartSet present) {
  std::string text;
  for (auto [part, name] :
       {std::pair(Part::kTrain, "train"), std::pair(Part::kValidation, "validation"),
        std::pair(Part::kTest, "test")}) {
    if (present.Has(part)) text += StrCat(text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "none" : text;
}

/// The part each example goes to when `fractions` are carved out of the examples in `from`.
std::vector<Part> Carve(std::span<const Part> parts, std::span<const int32_t> labels, Part from,
                        double test_fraction, double validation_fraction, uint64_t seed) {
  std::vector<Part> roles(parts.begin(), parts.end());
  std::map<int32_t, std::vector<std::pair<uint64_t, uint32_t>>> classes;
  for (uint32_t i = 0; i < parts.size(); ++i) {
    if (parts[i] != from) continue;
    const auto random = Philox(seed, kCarveStream, i);
    classes[labels.empty() ? 0 : labels[i]].emplace_back(uint64_t{random[0]} << 32 | random[1], i);
  }
  for (auto& [label, members] : classes) {
    std::sort(members.begin(), members.end());
    const auto count = static_cast<double>(members.size());
    const auto tests = static_cast<size_t>(std::llround(test_fraction * count));
    const auto validations = static_cast<size_t>(std::llround(validation_fraction * count));
    for (size_t rank = 0; rank < members.size(); ++rank) {
      roles[members[rank].second] = rank < tests                 ? Part::kTest
                                    : rank < tests + validations ? Part::kValidation
                                                                 : Part::kTrain;
    }
  }
  return roles;
}

}  // namespace

std::string_view SplitName(Split split) {
  for (const auto& [name, value] : kSplits) {
    if (value == split) return name;
  }
  return "unknown";
}

std::optional<Split> ParseSplit(std::string_view name) {
  for (const auto& [known, value] : kSplits) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<Part> ParsePart(std::string_view name) {
  for (const auto& [known, value] : kParts) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<PartSet> PartsNeeded(PartSet present, Split split) {
  PartSet needed;
  if (present.Has(Part::kWhole)) {
    if (present.Has(Part::kTrain) || present.Has(Part::kValidation) || present.Has(Part::kTest)) {
      return InvalidArgument("some examples lie in a named split (", Describe(present),
                             ") and some in none");
    }
    needed.Add(Part::kWhole);
    return needed;
  }
  Part first = Part::kTrain;
  if (split == Split::kTest) first = Part::kTest;
  if (split == Split::kValidation && present.Has(Part::kValidation)) first = Part::kValidation;
  if (!present.Has(first)) {
    return NotFound("no ", SplitName(split), " split, found: ", Describe(present));
  }
  needed.Add(first);
  if (split == Split::kTrainAndValidation && present.Has(Part::kValidation)) {
    needed.Add(Part::kValidation);
  }
  return needed;
}

Result<std::vector<uint32_t>> SelectExamples(PartSet present, std::span<const Part> parts,
                                             std::span<const int32_t> labels, Split split,
                                             const CarveOptions& options) {
  TERSOR_CHECK(labels.empty() || labels.size() == parts.size());
  const double validation = options.validation_fraction, test = options.test_fraction;
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    return InvalidArgument("validation fraction ", validation, " and test fraction ", test,
                           ": expected at least 0 each and less than 1 together");
  }
  TERSOR_ASSIGN_OR_RETURN(const PartSet needed, PartsNeeded(present, split));
  std::vector<Part> roles(parts.begin(), parts.end());
  if (needed.Has(Part::kWhole)) {
    roles = Carve(parts, labels, Part::kWhole, test, validation, options.seed);
  } else if (!present.Has(Part::kValidation)) {
    roles = Carve(parts, labels, Part::kTrain, 0, validation, options.seed);
  }
  const bool both = split == Split::kTrainAndValidation;
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < roles.size(); ++i) {
    const bool chosen = (roles[i] == Part::kTrain && (split == Split::kTrain || both)) ||
                        (roles[i] == Part::kValidation && (split == Split::kValidation || both)) ||
                        (roles[i] == Part::kTest && split == Split::kTest);
    if (chosen) indices.push_back(i);
  }
  if (indices.empty()) return NotFound("the ", SplitName(split), " split has no examples");
  return indices;
}

std::vector<uint32_t> Thin(std::vector<uint32_t> indices, int64_t limit) {
  const auto count = static_cast<int64_t>(indices.size());
  if (limit <= 0 || limit >= count) return indices;
  for (int64_t i = 0; i < limit; ++i) {
    indices[static_cast<size_t>(i)] = indices[static_cast<size_t>(i * count / limit)];
  }
  indices.resize(static_cast<size_t>(limit));
  return indices;
}

}  // namespace tersor::data
