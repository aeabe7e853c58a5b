// Model families: a name and a few numbers make an untrained graph.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/options.h"
#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"

namespace tersor::architectures {

struct FamilyOptions {
#define OPTION OPTION_MEMBER
#include "tersor/architectures/family_options.inc"
#undef OPTION
  static OptionTable Table();

  Shape input = {32, 32, 3};  ///< height, width, channels
  int64_t classes = 10;
  uint64_t seed = 1;  ///< of the initial weights
};

struct Family {
  std::string_view name;
  Result<ir::Graph> (*build)(const FamilyOptions& options);
  std::string_view doc;
};

/// The rows of families.inc.
std::span<const Family> AllFamilies();
/// The named family, or what names there are.
Result<Family> FindFamily(std::string_view name);

}  // namespace tersor::architectures
