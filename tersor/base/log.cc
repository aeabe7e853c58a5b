#include "tersor/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <utility>

#include "tersor/base/progress.h"

namespace tersor {
namespace {

struct Row {
  LogLevel level;
  std::string_view name;
  spdlog::level::level_enum library_level;
};
constexpr std::array<Row, 5> kRows = {{
    {LogLevel::kDebug, "debug", spdlog::level::debug},
    {LogLevel::kInfo, "info", spdlog::level::info},
    {LogLevel::kWarning, "warning", spdlog::level::warn},
    {LogLevel::kError, "error", spdlog::level::err},
    {LogLevel::kOff, "off", spdlog::level::off},
}};

std::atomic<LogLevel> limit{LogLevel::kInfo};

spdlog::logger& Logger() {
  static spdlog::logger& logger = *[] {
    auto* made =
        new spdlog::logger("tersor", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%n: %^%l%$: %v");
    made->set_level(spdlog::level::trace);  // the limit is ours
    return made;
  }();
  return logger;
}

}  // namespace

std::string_view LogLevelName(LogLevel level) { return kRows[static_cast<size_t>(level)].name; }

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.level;
  }
  return std::nullopt;
}

void SetLogLevel(LogLevel level) { limit = level; }
LogLevel GetLogLevel() { return limit; }

void Log(LogLevel level, std::string_view message) {
  if (level < GetLogLevel() || level == LogLevel::kOff) return;
  std::pair<LogLevel, std::string_view> line(level, message);
  WriteBesideProgress(
      [](void* context) {
        const auto& [level, message] =
            *static_cast<std::pair<LogLevel, std::string_view>*>(context);
        Logger().log(kRows[static_cast<size_t>(level)].library_level,
                     spdlog::string_view_t(message.data(), message.size()));
      },
      &line);
}

}  // namespace tersor
