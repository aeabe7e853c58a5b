#include "tersor/formats/formats.h"

#include <algorithm>
#include <map>

#include "tersor/base/file.h"
#include "tersor/base/finite.h"
#include "tersor/formats/native/native.h"
#include "tersor/formats/tflite/tflite.h"

namespace tersor::formats {
namespace {

constexpr FormatInfo kFormats[] = {
#define FORMAT(name, extension, doc) {#name, extension, doc},
#include "tersor/formats/formats.inc"
#undef FORMAT
};

Status UnknownExtension() {
  std::string known;
  for (const FormatInfo& format : kFormats) {
    known += StrCat(known.empty() ? "" : ", ", format.extension);
  }
  return InvalidArgument("no model format has this extension, known are ", known);
}

Result<std::string> Write(const ir::Graph& graph, const std::string& path,
                          const ExportOptions& options) {
#define FORMAT(name, extension, doc) \
  if (path.ends_with(extension)) return name::Export(graph, options);
#include "tersor/formats/formats.inc"
#undef FORMAT
  return UnknownExtension();
}

// An infinite constant may be meant (a mask, the padding of a maximum); an infinite weight of a
// layer and NaN never are.
Status CheckWeights(const ir::Graph& graph) {
  std::map<ir::ValueId, bool> reads;  // whether a layer is among the readers
  for (const auto& node : graph.nodes()) {
    for (ir::ValueId operand : node->operands()) reads[operand] |= node->info().is_layer();
  }
  for (ir::ValueId id : graph.variables()) {
    const ir::Value& variable = graph.value(id);
    const auto read = reads.find(id);
    if (read == reads.end() || !variable.has_data() || variable.data().empty()) continue;
    const std::string flaw = FindNonFinite(variable.data().view(), read->second);
    if (flaw.empty()) continue;
    return FailedPrecondition("weight ", variable.name(), " has ", flaw,
                              ": such a model is not written");
  }
  return OkStatus();
}

}  // namespace

std::span<const FormatInfo> AllFormats() { return kFormats; }

Result<ir::Graph> ImportBytes(const std::shared_ptr<Buffer>& file) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(file->data()),
                                         file->size_bytes());
#define FORMAT(name, extension, doc) \
  if (name::Recognize(bytes)) return name::Import(file);
#include "tersor/formats/formats.inc"
#undef FORMAT
  return DataLoss("not a model file of a known format");
}

Result<ir::Graph> ImportModel(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const std::shared_ptr<Buffer> file, MapFile(path));
  auto graph = ImportBytes(file);
  if (graph.ok() || graph.status().message().find(path) != std::string::npos) return graph;
  return graph.status().WithContext(path);
}

Status CheckOutput(const std::string& path) {
  const auto fits = [&](const FormatInfo& format) { return path.ends_with(format.extension); };
  if (std::ranges::none_of(kFormats, fits)) return UnknownExtension().WithContext(path);
  return CheckWritable(path);
}

Status ExportModel(const ir::Graph& graph, const std::string& path, const ExportOptions& options) {
  if (Status flaw = CheckWeights(graph); !flaw.ok()) return flaw.WithContext(path);
  auto bytes = Write(graph, path, options);
  if (!bytes.ok()) return bytes.status().WithContext(path);
  return WriteFileAtomically(path, *bytes);
}

}  // namespace tersor::formats
