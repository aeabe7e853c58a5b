#include "tersor/data/image.h"

#include <jerror.h>
#include <jpeglib.h>
#include <stdio.h>  // jpeglib.h needs FILE

#include <algorithm>
#include <csetjmp>
#include <cstdlib>

namespace tersor::data {
namespace {

constexpr int kMaxScans = 500;  // a progressive image of more is a decompression bomb
constexpr long kMaxWorkingBytes = 1L << 30;

/// The library's error handler, leaving by longjmp; the functions that set it hold nothing with a
/// destructor between setjmp and the call.
struct ErrorManager {
  jpeg_error_mgr base;
  jpeg_progress_mgr progress;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
};

ErrorManager* ManagerOf(j_common_ptr info) { return reinterpret_cast<ErrorManager*>(info->err); }

[[noreturn]] void OnError(j_common_ptr info) {
  ErrorManager* manager = ManagerOf(info);
  manager->base.format_message(info, manager->message);
  std::longjmp(manager->leave, 1);
}

void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace, not a warning
  const int code = info->err->msg_code;
  if (code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM) return;
  OnError(info);
}

void OnProgress(j_common_ptr info) {
  if (!info->is_decompressor) return;
  const auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  if (decoder->input_scan_number > kMaxScans) {
    snprintf(ManagerOf(info)->message, JMSG_LENGTH_MAX, "more than %d scans", kMaxScans);
    std::longjmp(ManagerOf(info)->leave, 1);
  }
}

jpeg_error_mgr* Install(ErrorManager& manager) {
  jpeg_error_mgr* base = jpeg_std_error(&manager.base);
  base->error_exit = &OnError;
  base->emit_message = &OnMessage;
  manager.progress = {};
  manager.progress.progress_monitor = &OnProgress;
  return base;
}

/// Reads the header; with `out`, decodes to expected.channels. An empty manager.message on false
/// says that the header has another size than `expected`, which then holds the header's.
bool Decode(ErrorManager& manager, const std::byte* bytes, size_t size, ImageSize& expected,
            uint8_t* out) {
  jpeg_decompress_struct info;
  info.err = Install(manager);
  manager.message[0] = '\0';
  if (setjmp(manager.leave) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  info.progress = &manager.progress;
  info.mem->max_memory_to_use = kMaxWorkingBytes;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes),
               static_cast<unsigned long>(size));  // NOLINT: the library's type
  jpeg_read_header(&info, TRUE);
  ImageSize found{static_cast<int>(info.image_height), static_cast<int>(info.image_width),
                  info.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3};
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) found.channels = 4;
  if (out == nullptr || found.height != expected.height || found.width != expected.width) {
    expected = found;
    jpeg_destroy_decompress(&info);
    return out == nullptr;
  }
  info.out_color_space = expected.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  const size_t row_bytes = static_cast<size_t>(expected.width) * expected.channels;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = out + info.output_scanline * row_bytes;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

bool Encode(ErrorManager& manager, const uint8_t* pixels, const ImageSize& size, int quality,
            unsigned char** out, unsigned long* out_size) {  // NOLINT: the library's type
  jpeg_compress_struct info;
  info.err = Install(manager);
  if (setjmp(manager.leave) != 0) {
    jpeg_destroy_compress(&info);
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, out, out_size);
  info.image_height = static_cast<JDIMENSION>(size.height);
  info.image_width = static_cast<JDIMENSION>(size.width);
  info.input_components = size.channels;
  info.in_color_space = size.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  const size_t row_bytes = static_cast<size_t>(size.width) * size.channels;
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(pixels) + info.next_scanline * row_bytes;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return true;
}

/// Where an output row or column takes its two samples, and the weight of the second.
struct Tap {
  int first, second;
  float weight;
};

std::vector<Tap> Taps(int from, int to) {
  std::vector<Tap> taps(static_cast<size_t>(to));
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int i = 0; i < to; ++i) {
    const float place = std::clamp((static_cast<float>(i) + 0.5f) * scale - 0.5f, 0.0f,
                                   static_cast<float>(from - 1));
    const int first = static_cast<int>(place);
    taps[static_cast<size_t>(i)] = {first, std::min(first + 1, from - 1),
                                    place - static_cast<float>(first)};
  }
  return taps;
}

}  // namespace

std::string ImageSize::ToString() const { return StrCat(height, "x", width, "x", channels); }

Result<ImageSize> ReadJpegSize(std::span<const std::byte> bytes, std::string_view where) {
  ErrorManager manager;
  ImageSize size;
  if (!Decode(manager, bytes.data(), bytes.size(), size, nullptr)) {
    return DataLoss(where, ": not a whole JPEG image: ", manager.message);
  }
  if (size.channels == 4) {
    return Unsupported(where, ": CMYK image, expected gray, YCbCr or RGB");
  }
  if (int64_t{size.height} * size.width > kMaxImagePixels) {
    return ResourceExhausted(where, ": image of ", size.ToString(), ", the limit is ",
                             kMaxImagePixels, " pixels");
  }
  return size;
}

Status DecodeJpeg(std::span<const std::byte> bytes, std::string_view where, const ImageSize& size,
                  uint8_t* out) {
  TERSOR_CHECK(size.channels == 1 || size.channels == 3);
  ErrorManager manager;
  ImageSize found = size;
  if (Decode(manager, bytes.data(), bytes.size(), found, out)) return OkStatus();
  if (manager.message[0] != '\0') {
    return DataLoss(where, ": damaged JPEG image: ", manager.message);
  }
  return InvalidArgument(where, ": image of ", found.ToString(), ", expected ", size.ToString());
}

Result<std::string> EncodeJpeg(std::span<const uint8_t> pixels, const ImageSize& size,
                               int quality) {
  if ((size.channels != 1 && size.channels != 3) ||
      static_cast<uint64_t>(size.size_bytes()) != pixels.size()) {
    return InvalidArgument("cannot encode ", pixels.size(), " bytes as an image of ",
                           size.ToString());
  }
  if (size.height < 1 || size.width < 1 || size.height > JPEG_MAX_DIMENSION ||
      size.width > JPEG_MAX_DIMENSION) {
    return InvalidArgument("cannot encode ", size.ToString(), ": a JPEG has 1 to ",
                           JPEG_MAX_DIMENSION, " rows and columns");
  }
  ErrorManager manager;
  unsigned char* out = nullptr;
  unsigned long out_size = 0;  // NOLINT: the library's type
  if (!Encode(manager, pixels.data(), size, quality, &out, &out_size)) {
    // The library may have replaced `out` without saying so: it cannot be freed here.
    return ResourceExhausted("cannot encode ", size.ToString(), ": ", manager.message);
  }
  std::string bytes(reinterpret_cast<const char*>(out), out_size);
  std::free(out);
  return bytes;
}

void ResizeBilinear(const uint8_t* in, const ImageSize& from, uint8_t* out, const ImageSize& to) {
  const std::vector<Tap> rows = Taps(from.height, to.height), columns = Taps(from.width, to.width);
  const auto channels = static_cast<size_t>(to.channels);
  const size_t stride = static_cast<size_t>(from.width) * channels;
  for (const Tap& row : rows) {
    const uint8_t* top = in + static_cast<size_t>(row.first) * stride;
    const uint8_t* bottom = in + static_cast<size_t>(row.second) * stride;
    for (const Tap& column : columns) {
      const size_t left = static_cast<size_t>(column.first) * channels;
      const size_t right = static_cast<size_t>(column.second) * channels;
      for (size_t c = 0; c < channels; ++c) {
        const float above = static_cast<float>(top[left + c]) * (1 - column.weight) +
                            static_cast<float>(top[right + c]) * column.weight;
        const float below = static_cast<float>(bottom[left + c]) * (1 - column.weight) +
                            static_cast<float>(bottom[right + c]) * column.weight;
        *out++ = static_cast<uint8_t>(above * (1 - row.weight) + below * row.weight + 0.5f);
      }
    }
  }
}

}  // namespace tersor::data
