#include "tersor/formats/formats.h"

#include "tersor/base/file.h"
#include "tersor/formats/native/native.h"
#include "tersor/formats/tflite/tflite.h"

namespace tersor::formats {
namespace {

constexpr FormatInfo kFormats[] = {
#define FORMAT(name, extension, doc) {#name, extension, doc},
#include "tersor/formats/formats.inc"
#undef FORMAT
};

Result<ir::Graph> ImportFile(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const std::shared_ptr<Buffer> file, MapFile(path));
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(file->data()),
                                         file->size_bytes());
#define FORMAT(name, extension, doc) \
  if (name::Recognize(bytes)) return name::Import(file);
#include "tersor/formats/formats.inc"
#undef FORMAT
  return DataLoss("not a model file of a known format");
}

Result<std::string> Write(const ir::Graph& graph, const std::string& path,
                          const ExportOptions& options) {
  std::string known;
#define FORMAT(name, extension, doc)                                  \
  if (path.ends_with(extension)) return name::Export(graph, options); \
  known += (known.empty() ? "" : ", ") + std::string(extension);
#include "tersor/formats/formats.inc"
#undef FORMAT
  return InvalidArgument("no model format has this extension, known are ", known);
}

}  // namespace

std::span<const FormatInfo> AllFormats() { return kFormats; }

Result<ir::Graph> ImportModel(const std::string& path) {
  auto graph = ImportFile(path);
  if (graph.ok() || graph.status().message().find(path) != std::string::npos) return graph;
  return graph.status().WithContext(path);
}

Status ExportModel(const ir::Graph& graph, const std::string& path, const ExportOptions& options) {
  auto bytes = Write(graph, path, options);
  if (!bytes.ok()) return bytes.status().WithContext(path);
  return WriteFileAtomically(path, *bytes);
}

}  // namespace tersor::formats
