// What a caller may choose when a model is written. The rows of the list say what each option
// means; a format that a row does not name ignores it.
#pragma once

#include "tersor/base/options.h"

namespace tersor::formats {

struct ExportOptions {
#define OPTION OPTION_MEMBER
#include "tersor/formats/export_options.inc"
#undef OPTION
  static OptionTable Table();
};

}  // namespace tersor::formats
