// Any text is refused or gives a graph, which prints and parses back to the same bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/ir/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = tersor::ir::Parse({reinterpret_cast<const char*>(data), size});
  if (!graph.ok()) return 0;
  const tersor::ir::PrintOptions options{.data = true};
  const std::string text = tersor::ir::Print(*graph, options);
  const auto again = tersor::ir::Parse(text);
  TERSOR_CHECK(again.ok());
  TERSOR_CHECK(tersor::ir::Print(*again, options) == text);
  return 0;
}
