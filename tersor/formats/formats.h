// Model files: the format is known by a file's content when it is read, by its name when it is
// written.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::formats {

struct FormatInfo {
  std::string_view name;       ///< "tflite"
  std::string_view extension;  ///< ".tflite"
  std::string_view doc;
};

/// The rows of formats.inc.
std::span<const FormatInfo> AllFormats();

/// Reads and verifies a model. Everything in the file is taken for hostile: the outcome is a graph
/// or an error that begins with the path, and time and memory are limited by a multiple of the
/// file's size.
Result<ir::Graph> ImportModel(const std::string& path);

}  // namespace tersor::formats
