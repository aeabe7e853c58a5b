// Archives of images (tar, tar.gz, tar.zst): any bytes give a data set or an error.
#include "tersor/data/image_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tersor::data;  // NOLINT
  DatasetOptions options;
  options.threads = 1;
  options.max_bytes = 1 << 24;
  options.resize_height = options.resize_width = 8;
  for (Split split : {Split::kTrain, Split::kTest}) {
    (void)LoadImageArchive(std::as_bytes(std::span(data, size)), "input", split, options);
  }
  return 0;
}
