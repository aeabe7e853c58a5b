#include "tersor/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tersor {
namespace {

Status SystemError(std::string_view doing, const std::string& path) {
  const int error = errno;
  const std::string text = StrCat("cannot ", doing, " ", path, ": ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return NotFound(text);
  if (error == ENOSPC || error == EDQUOT || error == ENOMEM) return ResourceExhausted(text);
  return IoError(text);
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

struct Mapping {
  void* data;
  size_t size;
  ~Mapping() { ::munmap(data, size); }
};

}  // namespace

Result<std::shared_ptr<Buffer>> MapFile(const std::string& path) {
  // Without O_NONBLOCK a named pipe would wait for its writer before it can be refused.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return SystemError("open", path);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) return SystemError("stat", path);
  if (S_ISDIR(info.st_mode)) return IoError("cannot read ", path, ": it is a directory");
  if (!S_ISREG(info.st_mode)) return IoError("cannot map ", path, ": it is not a regular file");
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return Buffer::Allocate(0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return SystemError("map", path);
  std::shared_ptr<Mapping> mapping(new Mapping{data, size});
  return Buffer::Wrap(data, size, std::move(mapping));
}

Result<std::string> ReadFile(const std::string& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return SystemError("open", path);
  std::string text;
  char chunk[1 << 16];
  for (;;) {
    const ssize_t count = ::read(file.fd, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path);
    if (count == 0) return text;
    text.append(chunk, static_cast<size_t>(count));
  }
}

Status WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes) {
  const std::string temporary = StrCat(path, ".tmp.", ::getpid());
  auto fail = [&](std::string_view doing) {
    Status status = SystemError(doing, path);
    ::unlink(temporary.c_str());
    return status;
  };
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.fd < 0) return fail("write");
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("write");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  if (::fsync(file.fd) != 0) return fail("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("write");
  return OkStatus();
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  return WriteFileAtomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

bool FileExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<int64_t> FileSizeBytes(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return SystemError("stat", path);
  return static_cast<int64_t>(info.st_size);
}

Status CreateDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return IoError("cannot create directory ", path, ": ", error.message());
  return OkStatus();
}

}  // namespace tersor
