// What a caller may choose when a model is written.
#pragma once

namespace tersor::formats {

struct ExportOptions {
  /// Native files: weights are coded with zstd where that saves at least 2 % of them. A coded
  /// weight is decoded into memory when the file is read; one that is not coded is used where it
  /// lies in the mapped file. Other formats: no meaning.
  bool compress = true;
};

}  // namespace tersor::formats
