#include "tersor/data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tersor::data {
namespace {

constexpr size_t kBlockBytes = 1 << 16;

struct WriteArchiveDeleter {
  void operator()(archive* handle) const { archive_write_free(handle); }
};
struct EntryDeleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

std::string Reason(archive* handle) {
  const char* text = archive_error_string(handle);
  return text != nullptr ? text : "unknown failure";
}

la_ssize_t AppendTo(archive*, void* context, const void* data, size_t size) {
  static_cast<std::string*>(context)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

struct ArchiveReader::Impl {
  archive* handle = archive_read_new();
  std::string name;
  std::string entry_name;
  int64_t entry_bytes = 0;
  int64_t max_bytes = 0;
  int64_t seen_bytes = 0;

  ~Impl() {
    if (handle != nullptr) archive_read_free(handle);
  }

  Status Prepare(Kind kind) {
    if (handle == nullptr) return ResourceExhausted(name, ": no memory to read an archive");
    if (kind == Kind::kZip) {
      archive_read_support_format_zip_seekable(handle);
    } else {
      archive_read_support_format_tar(handle);
      archive_read_support_filter_gzip(handle);
      archive_read_support_filter_zstd(handle);
    }
    return OkStatus();
  }
  Status Damaged() const { return DataLoss(name, ": ", Reason(handle)); }
};

ArchiveReader::ArchiveReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::OpenFile(const std::string& path, Kind kind,
                                              int64_t max_bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return NotFound("cannot open ", path, ": no such file");
  if (!S_ISREG(info.st_mode)) return IoError("cannot read ", path, ": it is not a regular file");
  auto impl = std::make_unique<Impl>();
  impl->name = path;
  impl->max_bytes = max_bytes;
  TERSOR_RETURN_IF_ERROR(impl->Prepare(kind));
  if (archive_read_open_filename(impl->handle, path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    const int error = archive_errno(impl->handle);
    if (error == EACCES || error == EIO) {
      return IoError("cannot open ", path, ": ", std::strerror(error));
    }
    return impl->Damaged();
  }
  return ArchiveReader(std::move(impl));
}

Result<ArchiveReader> ArchiveReader::OpenMemory(std::span<const std::byte> bytes,
                                                std::string_view name, Kind kind,
                                                int64_t max_bytes) {
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  impl->max_bytes = max_bytes;
  TERSOR_RETURN_IF_ERROR(impl->Prepare(kind));
  if (archive_read_open_memory(impl->handle, bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return impl->Damaged();
  }
  return ArchiveReader(std::move(impl));
}

Result<std::optional<ArchiveEntry>> ArchiveReader::Next() {
  Impl& impl = *impl_;
  for (;;) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(impl.handle, &entry);
    if (code == ARCHIVE_EOF) return std::optional<ArchiveEntry>();
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
      if (impl.entry_name.empty()) return impl.Damaged();
      return DataLoss(impl.name, ": after ", impl.entry_name, ": ", Reason(impl.handle));
    }
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr) path = archive_entry_pathname_utf8(entry);
    if (path == nullptr) return DataLoss(impl.name, ": an entry's name is not readable text");
    impl.entry_name = path;
    impl.entry_bytes = std::max<int64_t>(0, archive_entry_size(entry));
    if (impl.entry_bytes > impl.max_bytes - impl.seen_bytes ||
        archive_filter_bytes(impl.handle, 0) > impl.max_bytes) {
      return ResourceExhausted(impl.name, ": unpacks to more than the limit of ", impl.max_bytes,
                               " bytes, at ", path, ", which declares ", impl.entry_bytes);
    }
    impl.seen_bytes += impl.entry_bytes;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      continue;
    }
    return std::optional<ArchiveEntry>({impl.entry_name, impl.entry_bytes});
  }
}

Result<std::string> ArchiveReader::Read(int64_t max_bytes) {
  Impl& impl = *impl_;
  if (impl.entry_bytes > max_bytes) {
    return ResourceExhausted(impl.name, ": ", impl.entry_name, " declares ", impl.entry_bytes,
                             " bytes, the limit is ", max_bytes);
  }
  std::string bytes;
  const auto declared = static_cast<size_t>(impl.entry_bytes);
  while (bytes.size() <= declared) {
    const size_t begin = bytes.size();
    bytes.resize(begin + std::min(declared - begin + 1, std::max(kBlockBytes, begin)));
    const la_ssize_t count =
        archive_read_data(impl.handle, bytes.data() + begin, bytes.size() - begin);
    if (count < 0) {
      return DataLoss(impl.name, ": ", impl.entry_name, ": ", Reason(impl.handle));
    }
    bytes.resize(begin + static_cast<size_t>(count));
    if (count == 0) break;
  }
  if (bytes.size() != declared) {
    return DataLoss(impl.name, ": ", impl.entry_name, " declares ", declared, " bytes, found ",
                    bytes.size() > declared ? "more" : std::to_string(bytes.size()));
  }
  return bytes;
}

bool HasTarName(std::string_view path) {
  for (std::string_view ending : {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"}) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

Result<std::string> SerializeZip(std::span<const ZipEntry> entries) {
  std::string bytes;
  std::unique_ptr<archive, WriteArchiveDeleter> handle(archive_write_new());
  std::unique_ptr<archive_entry, EntryDeleter> entry(archive_entry_new());
  if (handle == nullptr || entry == nullptr) return ResourceExhausted("no memory for an archive");
  auto failed = [&](int code) { return code != ARCHIVE_OK; };
  if (failed(archive_write_set_format_zip(handle.get())) ||
      failed(archive_write_zip_set_compression_store(handle.get())) ||
      failed(archive_write_set_bytes_in_last_block(handle.get(), 1)) ||
      failed(archive_write_open(handle.get(), &bytes, nullptr, &AppendTo, nullptr))) {
    return Internal("cannot start an archive: ", Reason(handle.get()));
  }
  constexpr time_t kEarliestZipTime = 315532800;  // 1980-01-01: equal contents give equal bytes
  for (const ZipEntry& source : entries) {
    archive_entry_clear(entry.get());
    archive_entry_set_pathname(entry.get(), source.name.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(source.bytes.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), kEarliestZipTime, 0);
    if (failed(archive_write_header(handle.get(), entry.get())) ||
        archive_write_data(handle.get(), source.bytes.data(), source.bytes.size()) !=
            static_cast<la_ssize_t>(source.bytes.size())) {
      return Internal("cannot write ", source.name, ": ", Reason(handle.get()));
    }
  }
  if (failed(archive_write_close(handle.get()))) {
    return Internal("cannot end an archive: ", Reason(handle.get()));
  }
  return bytes;
}

}  // namespace tersor::data
