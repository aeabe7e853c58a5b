#include "tersor/data/test_bytes.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tersor::data {
namespace {

la_ssize_t AppendTo(archive*, void* context, const void* data, size_t size) {
  static_cast<std::string*>(context)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

std::string Pack(const Files& files, int (*format)(archive*), int (*filter)(archive*)) {
  std::string bytes;
  archive* handle = archive_write_new();
  EXPECT_EQ(format(handle), ARCHIVE_OK);
  EXPECT_EQ(filter(handle), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(handle, 1);
  EXPECT_EQ(archive_write_open(handle, &bytes, nullptr, &AppendTo, nullptr), ARCHIVE_OK);
  for (const auto& [name, contents] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<int64_t>(contents.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    EXPECT_EQ(archive_write_header(handle, entry), ARCHIVE_OK);
    archive_write_data(handle, contents.data(), contents.size());
    archive_entry_free(entry);
  }
  archive_write_free(handle);
  return bytes;
}

std::string Compress(std::string_view bytes, int (*filter)(archive*)) {
  return Pack({{"data", std::string(bytes)}}, &archive_write_set_format_raw, filter);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "tersor_data_XXXXXX").string();
  EXPECT_NE(::mkdtemp(path_.data()), nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::Write(std::string_view name, std::string_view bytes) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  return path.string();
}

std::string TarOf(const Files& files) {
  return Pack(files, &archive_write_set_format_ustar, &archive_write_add_filter_none);
}
std::string GzipOf(std::string_view bytes) {
  return Compress(bytes, &archive_write_add_filter_gzip);
}
std::string ZstdOf(std::string_view bytes) {
  return Compress(bytes, &archive_write_add_filter_zstd);
}
std::string ZipOf(const Files& files) {
  return Pack(files, &archive_write_set_format_zip, &archive_write_add_filter_none);
}

std::string IdxOf(const std::vector<uint32_t>& dims, std::string_view data) {
  std::string bytes = {'\0', '\0', '\x08', static_cast<char>(dims.size())};
  for (uint32_t extent : dims) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  }
  return bytes.append(data);
}

std::string NpyOf(std::string_view header, std::string_view data) {
  std::string bytes = "\x93NUMPY";
  bytes += {'\x01', '\0', static_cast<char>(header.size()), static_cast<char>(header.size() >> 8)};
  return bytes.append(header).append(data);
}

std::string JpegOf(const ImageSize& size, std::vector<uint8_t> colour) {
  std::vector<uint8_t> pixels(static_cast<size_t>(size.size_bytes()));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = colour[i % colour.size()];
  auto bytes = EncodeJpeg(pixels, size, 100);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *std::move(bytes) : "";
}

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace tersor::data
