#include "tersor/formats/options.h"

// The deployable runtime has no flags and no pages, and leaves the tables of options out.
#if defined(TERSOR_WORKBENCH)

namespace tersor::formats {

OptionTable ExportOptions::Table() {
  static constexpr Option kRows[] = {
#define OPTION(type, name, value, ...) MakeOption<&ExportOptions::name>(#name, __VA_ARGS__),
#include "tersor/formats/export_options.inc"
#undef OPTION
  };
  return kRows;
}

}  // namespace tersor::formats

#endif
