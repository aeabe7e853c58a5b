#include "tersor/automation/study/owner.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>

#include "tersor/base/status.h"

namespace tersor::automation {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What must be equal for process numbers to mean the same: the machine since it was started, and
// the set of processes that are seen (a container has its own). "-" where the system does not say.
std::string Namespace() {
  std::string boot = FirstLine("/proc/sys/kernel/random/boot_id");
  char link[64];
  const ssize_t length = ::readlink("/proc/self/ns/pid", link, sizeof(link));
  if (boot.empty() || length <= 0) return "-";
  return boot + "/" + std::string(link, static_cast<size_t>(length));
}

// The moment at which a process started, in the system's own unit; "" where it is not there or has
// ended and only waits for its parent to notice.
std::string StartOf(pid_t pid) {
  const std::string stat = FirstLine(StrCat("/proc/", pid, "/stat"));
  // "1234 (name) S ...": the name may hold spaces and brackets. Field 3 is the state, 22 the start.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  size_t at = name_end + 1;
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    at = stat.find_first_not_of(' ', at);
    if (at == std::string::npos) return "";
    const size_t end = stat.find(' ', at);
    field = stat.substr(at, end - at);
    if (number == 3 && (field == "Z" || field == "X")) return "";
    at = end == std::string::npos ? stat.size() : end;
  }
  return field;
}

struct Owner {
  pid_t pid = 0;
  std::string host, space, start;
};

Owner Parse(std::string_view text) {
  Owner owner;
  const size_t at = text.find('@'), first = text.find(' ', at), second = text.find(' ', first + 1);
  if (at == std::string_view::npos || first == std::string_view::npos ||
      second == std::string_view::npos) {
    return owner;
  }
  std::from_chars(text.data(), text.data() + at, owner.pid);
  owner.host = text.substr(at + 1, first - at - 1);
  owner.space = text.substr(first + 1, second - first - 1);
  owner.start = text.substr(second + 1);
  return owner;
}

}  // namespace

std::string ThisProcess() {
  char host[256] = "";
  if (::gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') host[0] = '-', host[1] = '\0';
  const std::string start = StartOf(::getpid());
  return StrCat(::getpid(), "@", host, " ", Namespace(), " ", start.empty() ? "-" : start);
}

bool IsGone(std::string_view text) {
  const Owner owner = Parse(text);
  if (owner.pid <= 0 || owner.space == "-" || owner.start == "-" || owner.space != Namespace()) {
    return false;
  }
  const std::string start = StartOf(owner.pid);
  // Some systems hide the processes of other users, but admit that they are there.
  if (start.empty() && ::kill(owner.pid, 0) != 0 && errno == EPERM) return false;
  return start != owner.start;
}

std::string OwnerText(std::string_view text) {
  const Owner owner = Parse(text);
  return owner.pid <= 0 ? std::string("another worker")
                        : StrCat("process ", owner.pid, " on ", owner.host);
}

}  // namespace tersor::automation
