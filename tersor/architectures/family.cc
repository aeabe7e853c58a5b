#include "tersor/architectures/family.h"

namespace tersor::architectures {

#define FAMILY(name, builder, doc) Result<ir::Graph> builder(const FamilyOptions& options);
#include "tersor/architectures/families.inc"
#undef FAMILY

namespace {

constexpr Family kFamilies[] = {
#define FAMILY(name, builder, doc) {#name, &builder, doc},
#include "tersor/architectures/families.inc"
#undef FAMILY
};

}  // namespace

OptionTable FamilyOptions::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&FamilyOptions::name>(#name, __VA_ARGS__),
#include "tersor/architectures/family_options.inc"
#undef OPTION
  };
  return kRows;
}

std::span<const Family> AllFamilies() { return kFamilies; }

Result<Family> FindFamily(std::string_view name) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.name == name) return family;
    known += StrCat(known.empty() ? "" : ", ", family.name);
  }
  return InvalidArgument("no family is called '", name, "'; there are: ", known);
}

}  // namespace tersor::architectures
