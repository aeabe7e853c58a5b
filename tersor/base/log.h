// Messages to the user on standard error: "tersor: warning: ...". For the workbench; the deployable
// runtime has no log and returns a Status instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor {

enum class LogLevel : uint8_t {
  kDebug,    ///< for who looks into the program
  kInfo,     ///< what it does
  kWarning,  ///< goes on, but perhaps not as wanted
  kError,    ///< a part of the work is lost
  kOff,      ///< as a limit: nothing
};

std::string_view LogLevelName(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

/// The lowest level that is written; kInfo at first. For the whole process.
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();

/// Writes one line, whole, from any thread; a progress line on the terminal makes way. A message is
/// lower case without full stop. Color only on a terminal.
void Log(LogLevel level, std::string_view message);

template <typename... Args>
void LogDebug(const Args&... args) {
  if (GetLogLevel() <= LogLevel::kDebug) Log(LogLevel::kDebug, StrCat(args...));
}
template <typename... Args>
void LogInfo(const Args&... args) {
  if (GetLogLevel() <= LogLevel::kInfo) Log(LogLevel::kInfo, StrCat(args...));
}
template <typename... Args>
void LogWarning(const Args&... args) {
  if (GetLogLevel() <= LogLevel::kWarning) Log(LogLevel::kWarning, StrCat(args...));
}
template <typename... Args>
void LogError(const Args&... args) {
  if (GetLogLevel() <= LogLevel::kError) Log(LogLevel::kError, StrCat(args...));
}

}  // namespace tersor
