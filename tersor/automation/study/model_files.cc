#include "tersor/automation/study/model_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "tersor/base/file.h"

namespace tersor::automation {
namespace {

constexpr size_t kHashDigits = 16;

// "small full_integer" becomes "small-full_integer-0123456789abcdef".
std::string Stem(std::string_view name, const std::string& recipe) {
  constexpr size_t kLongestName = 100;
  std::string stem;
  for (char c : name.substr(0, kLongestName)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || (c == '.' && !stem.empty());
    stem += plain ? c : '-';
  }
  return StrCat(stem, "-", HashText(recipe));
}

// Where the hash of a name that Stem() begins ends; npos for a name that it does not begin.
size_t EndOfHash(const std::string& file) {
  const size_t dash = file.rfind('-');
  if (dash == std::string::npos) return dash;
  const size_t end = file.find('.', dash);
  const bool ours =
      end == dash + 1 + kHashDigits && file.find_first_not_of("0123456789abcdef", dash + 1) == end;
  return ours ? end : std::string::npos;
}

Status SyncFolder(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return IoError("cannot open ", path, ": ", std::strerror(errno));
  const bool synced = ::fsync(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  return synced ? OkStatus() : IoError("cannot sync ", path, ": ", std::strerror(error));
}

// A file that is written by write-then-rename is "NAME.tmp.PID" before that.
bool IsUnfinished(const Point& point, const std::string& file) {
  return file.starts_with(point.file + ".tmp.");
}

bool Owns(const Point& point, const std::string& file) {
  return file == point.file || (point.state == PointState::kRunning && IsUnfinished(point, file));
}

}  // namespace

std::string ModelFiles::NameOfAttempt(std::string_view name, const std::string& recipe,
                                      int64_t attempt, std::string_view extension) {
  return StrCat(Stem(name, recipe), ".", attempt, extension);
}

std::string ModelFiles::NameWhenComplete(const std::string& name_of_attempt) {
  const size_t hash_end = EndOfHash(name_of_attempt);
  if (hash_end == std::string::npos) return name_of_attempt;
  const size_t attempt_end =
      std::min(name_of_attempt.find('.', hash_end + 1), name_of_attempt.size());
  return name_of_attempt.substr(0, hash_end) + name_of_attempt.substr(attempt_end);
}

std::string ModelFiles::Flaw(const Point& point) const {
  const auto measured = point.metric(kFileBytes);
  if (!measured) return "";
  const auto size = FileSizeBytes(PathOf(point));
  if (!size.ok()) return "its file is gone";
  const auto expected = static_cast<int64_t>(*measured);
  if (*size == expected) return "";
  return StrCat("its file has ", *size, " bytes, ", expected, " were measured");
}

Status ModelFiles::MakeFinal(const std::string& name_of_attempt) const {
  const std::string from = folder_ + "/" + name_of_attempt;
  const std::string to = folder_ + "/" + NameWhenComplete(name_of_attempt);
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return IoError("cannot rename ", from, " to ", to, ": ", std::strerror(errno));
  }
  return SyncFolder(folder_);
}

Status ModelFiles::RemoveOrphans(const std::vector<Point>& owners) const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string file = entry.path().filename().string();
    const bool owned = std::any_of(owners.begin(), owners.end(),
                                   [&](const Point& point) { return Owns(point, file); });
    if (owned || EndOfHash(file) == std::string::npos) continue;
    if (::unlink(entry.path().c_str()) != 0 && errno != ENOENT) {
      return IoError("cannot remove ", entry.path().string(), ": ", std::strerror(errno));
    }
  }
  return error ? IoError("cannot read ", folder_, ": ", error.message()) : OkStatus();
}

void ModelFiles::Remove(const Point& point) const {
  ::unlink(PathOf(point).c_str());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (IsUnfinished(point, entry.path().filename().string())) ::unlink(entry.path().c_str());
  }
}

}  // namespace tersor::automation
