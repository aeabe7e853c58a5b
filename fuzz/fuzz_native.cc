// Any bytes are refused or give a graph, which is written and read back to the same bytes. The
// header is made right first, so that what lies behind the checksum is reached.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "tersor/base/status.h"
#include "tersor/coding/coding.h"
#include "tersor/formats/native/native.h"

namespace {

namespace native = tersor::formats::native;

std::shared_ptr<tersor::Buffer> ToBuffer(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return tersor::Buffer::Wrap(owner->data(), owner->size(), owner);
}

void Seal(std::string& bytes) {
  if (bytes.size() < native::kHeaderBytes) return;
  auto put = [&](size_t at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  std::memcpy(bytes.data(), native::kMagic, sizeof(native::kMagic));
  put(6, native::kVersion, 2);
  put(8, bytes.size(), 8);
  put(16, native::Checksum(tersor::coding::AsBytes(bytes).subspan(native::kChecksummedFrom)), 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Seal(bytes);
  const auto graph = native::Import(ToBuffer(std::move(bytes)));
  if (!graph.ok()) return 0;
  const auto written = native::Export(*graph, {});
  TERSOR_CHECK(written.ok());
  const auto back = native::Import(ToBuffer(*written));
  TERSOR_CHECK(back.ok());
  TERSOR_CHECK(*native::Export(*back, {}) == *written);
  return 0;
}
