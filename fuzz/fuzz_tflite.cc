// Any bytes are refused or give a graph; a graph that can be written as TFLite comes back from
// there.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tersor/base/status.h"
#include "tersor/formats/tflite/tflite.h"

namespace {

std::shared_ptr<tersor::Buffer> ToBuffer(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return tersor::Buffer::Wrap(owner->data(), owner->size(), owner);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace tflite = tersor::formats::tflite;
  const auto graph = tflite::Import(ToBuffer({reinterpret_cast<const char*>(data), size}));
  if (!graph.ok()) return 0;
  auto bytes = tflite::Export(*graph, {});
  if (!bytes.ok()) return 0;
  TERSOR_CHECK(tflite::Import(ToBuffer(*std::move(bytes))).ok());
  return 0;
}
