#include "tersor/base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

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

constexpr std::string_view kTemporary = ".tmp.";

std::string FolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// What a path stands for when it is written.
struct Target {
  std::string path;                   // behind symbolic links
  bool is_device = false;             // written as it is: nothing can take its place
  std::optional<struct stat> before;  // of the regular file that is replaced
};

Result<Target> FindTarget(const std::string& path) {
  constexpr int kMostLinks = 40;
  Target target{path, false, std::nullopt};
  struct stat info {};
  for (int links = 0;; ++links) {
    if (::lstat(target.path.c_str(), &info) != 0) {
      if (errno != ENOENT) return SystemError("write", path);
      struct stat folder {};
      if (::stat(FolderOf(target.path).c_str(), &folder) != 0) return SystemError("write", path);
      return target;
    }
    if (!S_ISLNK(info.st_mode)) break;
    std::error_code error;
    const auto next = std::filesystem::read_symlink(target.path, error);
    if (error || links == kMostLinks) {
      return IoError("cannot write ", path, ": too many symbolic links");
    }
    target.path = (std::filesystem::path(FolderOf(target.path)) / next).string();
  }
  if (S_ISDIR(info.st_mode)) return IoError("cannot write ", path, ": it is a directory");
  target.is_device = S_ISCHR(info.st_mode);
  if (S_ISREG(info.st_mode)) {
    target.before = info;
  } else if (!target.is_device) {
    return IoError("cannot write ", path, ": it is not a regular file");
  }
  return target;
}

bool WriteAll(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

// Removes what processes that were killed left beside `path` while they wrote it.
void RemoveTemporariesOfTheDead(const std::string& path) {
  const std::string begin =
      std::filesystem::path(path).filename().string() + std::string(kTemporary);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(FolderOf(path), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(begin)) continue;
    const char* digits = name.c_str() + begin.size();
    char* end = nullptr;
    const long process = std::strtol(digits, &end, 10);
    if (*digits == '\0' || *end != '\0' || process <= 0) continue;
    if (::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH) {
      ::unlink(entry.path().c_str());
    }
  }
}

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
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return SystemError("open", path);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) return SystemError("stat", path);
  if (S_ISDIR(info.st_mode)) return IoError("cannot read ", path, ": it is a directory");
  if (!S_ISREG(info.st_mode)) return IoError("cannot read ", path, ": it is not a regular file");
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

Status CheckWritable(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const Target target, FindTarget(path));
  const std::string folder = FolderOf(target.path);
  if (target.is_device) return OkStatus();
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return OkStatus();
  return SystemError("write", path);
}

Result<FileLock> FileLock::Take(const std::string& path) {
  const std::string lock = path + ".lock";
  for (;;) {
    Descriptor file{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (file.fd < 0) return SystemError("lock", path);
    if (::flock(file.fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return SystemError("lock", path);
      return FailedPrecondition("another process is writing ", path);
    }
    // Who held it before may have removed the file since it was opened here.
    struct stat held {
    }, there{};
    if (::fstat(file.fd, &held) == 0 && ::stat(lock.c_str(), &there) == 0 &&
        held.st_ino == there.st_ino && held.st_dev == there.st_dev) {
      return FileLock(lock, std::exchange(file.fd, -1));
    }
  }
}

FileLock::FileLock(FileLock&& other) noexcept
    : lock_(std::move(other.lock_)), fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ < 0) return;
  ::unlink(lock_.c_str());
  ::close(fd_);
}

Status WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes) {
  TERSOR_ASSIGN_OR_RETURN(const Target target, FindTarget(path));
  if (target.is_device) {
    Descriptor device{::open(target.path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (device.fd < 0 || !WriteAll(device.fd, bytes)) return SystemError("write", path);
    return OkStatus();
  }
  RemoveTemporariesOfTheDead(target.path);
  const std::string temporary = StrCat(target.path, kTemporary, ::getpid());
  auto fail = [&](std::string_view doing) {
    Status status = SystemError(doing, path);
    ::unlink(temporary.c_str());
    return status;
  };
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.fd < 0) return fail("write");
  if (target.before) {
    // Who may not give a file to its owner keeps it.
    if (::fchown(file.fd, target.before->st_uid, target.before->st_gid) != 0) errno = 0;
    if (::fchmod(file.fd, target.before->st_mode & 07777) != 0) return fail("write");
  }
  if (!WriteAll(file.fd, bytes) || ::fsync(file.fd) != 0) return fail("write");
  if (::rename(temporary.c_str(), target.path.c_str()) != 0) return fail("write");
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
