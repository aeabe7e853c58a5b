// .npy and .npz: any bytes give arrays or an error, and an array comes back from what is written.
#include <cstdlib>
#include <cstring>

#include "tersor/data/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tersor::data;  // NOLINT
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto tensor = ParseNpy(bytes, "input"); tensor.ok()) {
    const auto text = SerializeNpy(tensor->view());
    if (!text.ok()) std::abort();
    const auto back = ParseNpy(std::as_bytes(std::span(text->data(), text->size())), "written");
    if (!back.ok() || back->type() != tensor->type() ||
        std::memcmp(back->buffer()->data(), tensor->buffer()->data(),
                    static_cast<size_t>(tensor->type().size_bytes())) != 0) {
      std::abort();
    }
  }
  (void)ParseNpz(bytes, "input", 1 << 24);
  return 0;
}
