// IDX files, plain and gzip: any bytes give an array or an error.
#include "tersor/data/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)tersor::data::ParseIdx(std::as_bytes(std::span(data, size)), "input", 1 << 24);
  return 0;
}
