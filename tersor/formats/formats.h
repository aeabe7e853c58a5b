// Model files: the format is known by a file's content when it is read, by its name when it is
// written.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/formats/options.h"
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

/// The same for the bytes of a file, which the graph may go on to use. No path is in the error.
Result<ir::Graph> ImportBytes(const std::shared_ptr<Buffer>& file);

/// Whether ExportModel can write there, as far as that can be known before: for a caller who works
/// long for the model. The extension names a format, the folder is there and may be written, and
/// the path is no folder. Errors begin with the path.
Status CheckOutput(const std::string& path);

/// Writes a model in the format that the path's extension names. Refuses one that reads a weight
/// that is NaN or, in a layer, infinite. Atomic: after a failure the path holds what it held
/// before.
Status ExportModel(const ir::Graph& graph, const std::string& path,
                   const ExportOptions& options = {});

}  // namespace tersor::formats
