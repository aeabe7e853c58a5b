// One writer for a folder: a lock file that the system frees when its owner ends, however it ends.
#pragma once

#include <string>

#include "tersor/base/status.h"

namespace tersor::automation {

/// Held from Take() until it is destroyed. Advisory, between processes and within one.
class FolderLock {
 public:
  /// Takes the lock `path`, or fails at once and names the process that holds it.
  static Result<FolderLock> Take(const std::string& path);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tersor::automation
