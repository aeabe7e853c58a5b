#include "tersor/automation/study/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tersor::automation {

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FolderLock> FolderLock::Take(const std::string& path) {
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.descriptor_ < 0) return IoError("cannot open ", path, ": ", std::strerror(errno));
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) return IoError("cannot lock ", path, ": ", std::strerror(error));
    char owner[32] = {};
    const ssize_t count = ::pread(lock.descriptor_, owner, sizeof(owner) - 1, 0);
    return FailedPrecondition(path, ": ",
                              count > 0 ? StrCat("process ", owner) : std::string("a process"),
                              " is writing to this study, wait for it or end it");
  }
  // Who holds it, for the message above only: the lock is held with or without it.
  const std::string owner = std::to_string(::getpid());
  if (::ftruncate(lock.descriptor_, 0) == 0) {
    [[maybe_unused]] ssize_t written = ::pwrite(lock.descriptor_, owner.data(), owner.size(), 0);
  }
  return lock;
}

}  // namespace tersor::automation
