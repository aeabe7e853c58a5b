#include "tersor/guide/shrink.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tersor/base/progress.h"
#include "tersor/base/threads.h"
#include "tersor/cli/command.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/report.h"

namespace tersor::cli {
namespace {

struct ShrinkFlags {
  guide::ShrinkOptions options;
  std::string recipe, max_bytes, max_arena_bytes;
  std::optional<double> max_latency_us, max_accuracy_drop, min_accuracy;
  std::vector<std::string> exports;
  NormalizeFlag normalize;
};

// Lines on standard output while a progress line may be on the terminal.
void SayBeside(const CommonFlags& flags, const std::string& line) {
  if (flags.json) return;
  auto write = [](void* text) {
    std::printf("%s\n", static_cast<const char*>(text));
    std::fflush(stdout);
  };
  std::string copy = Printable(line);
  WriteBesideProgress(write, copy.data());
}

constexpr size_t kWidestName = 80;
constexpr int kNumberWidth = 8;  // of "  3/14  "
int NameWidth(size_t longest) { return static_cast<int>(std::min(longest, kWidestName)); }

double Value(const automation::Point& point, const char* metric) {
  return point.metric(metric).value_or(0);
}
std::string GroupedValue(const automation::Point& point, const char* metric) {
  return Grouped(std::llround(Value(point, metric)));
}

std::string EventLine(const guide::ShrinkEvent& event) {
  const auto& point = event.point;
  const int width = NameWidth(event.longest_name);
  char line[500];
  if (point.state != automation::PointState::kComplete) {
    std::snprintf(line, sizeof(line), "%3lld/%-3lld %-*.80s  failed: %.280s",
                  static_cast<long long>(event.number), static_cast<long long>(event.total), width,
                  point.name.c_str(), point.reason.c_str());
    return line;
  }
  std::string front = event.on_front ? StrCat("on the front of ", event.front_size) : "beaten";
  if (event.pushed_out > 0) front += StrCat(", ", event.pushed_out, " pushed out");
  if (event.kept_before) front += "  (from before)";
  std::snprintf(line, sizeof(line), "%3lld/%-3lld %-*.80s %8.2f %10s %9.1f %10s  %s",
                static_cast<long long>(event.number), static_cast<long long>(event.total), width,
                point.name.c_str(), 100 * Value(point, guide::kValidationTop1),
                GroupedValue(point, guide::kFileBytes).c_str(), Value(point, guide::kLatencyUs),
                GroupedValue(point, guide::kArenaBytes).c_str(), front.c_str());
  return line;
}

void SayFront(const guide::Summary& summary, const CommonFlags& flags) {
  size_t longest = 0;
  for (size_t index : summary.front) {
    longest = std::max(longest, summary.points[index].point.name.size());
  }
  const int width = NameWidth(longest);
  char line[300];
  std::snprintf(line, sizeof(line), "\n%-*s %8s %8s %10s %9s %10s", width, "front", "test %",
                "valid. %", "bytes", "us", "arena");
  Say(flags, line);
  for (size_t index : summary.front) {
    const auto& point = summary.points[index].point;
    std::snprintf(line, sizeof(line), "%-*.80s %8.2f %8.2f %10s %9.1f %10s  %s", width,
                  point.name.c_str(), 100 * Value(point, guide::kTestTop1),
                  100 * Value(point, guide::kValidationTop1),
                  GroupedValue(point, guide::kFileBytes).c_str(), Value(point, guide::kLatencyUs),
                  GroupedValue(point, guide::kArenaBytes).c_str(),
                  summary.best == index                  ? "<- best"
                  : summary.points[index].broken.empty() ? ""
                                                         : "outside");
    Say(flags, line);
  }
}

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const formats::FormatInfo& format : formats::AllFormats()) {
    names.emplace_back(format.extension.substr(1));  // without its dot
  }
  return names;
}

Status ReadLimits(const ShrinkFlags& own, guide::Limits& limits) {
  using Kind = guide::Limit::Kind;
  auto size = [&](const std::string& text, const char* flag, const char* metric) -> Status {
    if (text.empty()) return OkStatus();
    const auto bytes = guide::ParseSize(text);
    if (!bytes.ok()) return bytes.status().WithContext(flag);
    limits.push_back({metric, Kind::kAtMost, static_cast<double>(*bytes)});
    return OkStatus();
  };
  auto number = [&](const std::optional<double>& bound, const char* metric, Kind kind,
                    double unit) {
    if (bound) limits.push_back({metric, kind, *bound * unit});
  };
  constexpr double kPercent = 0.01;
  TERSOR_RETURN_IF_ERROR(size(own.max_bytes, "--max-bytes", guide::kFileBytes));
  number(own.max_latency_us, guide::kLatencyUs, Kind::kAtMost, 1);
  if (own.min_accuracy && *own.min_accuracy > 0 && *own.min_accuracy < 1) {
    return InvalidArgument("--min-accuracy is in percent: ", *own.min_accuracy, " means ",
                           *own.min_accuracy, " %, was ", 100 * *own.min_accuracy, " meant?");
  }
  TERSOR_RETURN_IF_ERROR(size(own.max_arena_bytes, "--max-arena-bytes", guide::kArenaBytes));
  number(own.max_accuracy_drop, guide::kValidationTop1, Kind::kMaxDrop, kPercent);
  number(own.min_accuracy, guide::kValidationTop1, Kind::kAtLeast, kPercent);
  return OkStatus();
}

Status ReadFlags(const ShrinkFlags& own, const CommonFlags& flags, guide::ShrinkOptions& options) {
  options = own.options;
  options.threads = flags.threads;
  options.seed = static_cast<int64_t>(flags.seed);
  options.command = flags.command_line;
  if (!own.recipe.empty()) {
    TERSOR_ASSIGN_OR_RETURN(options.candidates, guide::LoadRecipes(own.recipe, options.seed));
  }
  if (!own.normalize.name.empty()) options.normalize = data::ParseNormalize(own.normalize.name);
  for (const std::string& format : own.exports) {
    if (format != guide::kOwnFormat) options.formats.push_back(format);
  }
  return ReadLimits(own, options.limits);
}

Status Shrink(const ShrinkFlags& own, const CommonFlags& flags) {
  guide::ShrinkOptions options;
  TERSOR_RETURN_IF_ERROR(ReadFlags(own, flags, options));
  bool began = false;
  options.on_point = [&](const guide::ShrinkEvent& event) {
    if (!began) {
      char line[160];
      std::snprintf(line, sizeof(line), "%*s %8s %10s %9s %10s",
                    NameWidth(event.longest_name) + kNumberWidth, "", "valid. %", "bytes", "us",
                    "arena");
      SayBeside(flags, line);
    }
    began = true;
    SayBeside(flags, EventLine(event));
  };
  TERSOR_ASSIGN_OR_RETURN(const guide::Summary summary, guide::Shrink(options));
  if (flags.json) {
    std::fputs(guide::FrontJson(summary, options.folder).c_str(), stdout);
  } else {
    SayFront(summary, flags);
    Say(flags, StrCat("\nreport  ", options.folder, "/report.html"));
    if (summary.best) {
      Say(flags,
          StrCat("best    ", options.folder, "/models/", summary.points[*summary.best].point.file));
    }
  }
  if (!summary.best) return FailedPrecondition(guide::NearestMissText(summary));
  return OkStatus();
}

}  // namespace

Action RegisterShrink(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<ShrinkFlags>();
  auto& options = own->options;
  app.add_option("MODEL", options.models, "model files (.tflite, .tersor), one or more widths")
      ->required();
  app.add_option("--data", options.data, "a name (fashion-mnist) or a path")->required();
  app.add_option(
         "--out", options.folder,
         "folder of the study: points, model files, report. A run that was cut off goes on there,\n"
         "and several processes may work on one folder")
      ->required();
  app.add_option("--max-bytes", own->max_bytes, "of the file: 100KB (1 KB = 1,024 bytes), 1.5MB");
  app.add_option("--max-latency-us", own->max_latency_us, "median at batch 1, in microseconds")
      ->check(IsNumber())
      ->check(CLI::PositiveNumber);
  app.add_option("--max-arena-bytes", own->max_arena_bytes, "of working memory: 64KB");
  app.add_option("--max-accuracy-drop", own->max_accuracy_drop,
                 "percentage points below the most accurate MODEL, on the validation split")
      ->check(IsNumber())
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--min-accuracy", own->min_accuracy, "percent, on the validation split")
      ->check(IsNumber())
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--recipe", own->recipe, "YAML file of the candidates (docs/guide.md)");
  app.add_option("--export", own->exports, "also write and measure each model in this format")
      ->check(CLI::IsMember(FormatNames()));
  own->normalize.AddTo(app);
  app.add_option("--latency-threads", options.latency_threads, "threads of a model that is timed")
      ->check(CLI::Range(1, kMaxThreads))
      ->capture_default_str();
  app.add_option("--limit", options.limit, "use only this many examples of each split (0: all)")
      ->check(CLI::NonNegativeNumber);
  app.footer(
      "Models are chosen by their accuracy on the validation split; the test split is reported "
      "and\n"
      "never chosen by. Kill it at any time: the same command goes on. Exit code 1 when no model "
      "is inside the limits.\n"
      "example: tersor shrink small.tersor large.tersor --data fashion-mnist --out study\n"
      "           --max-bytes 100KB --max-accuracy-drop 1 --threads 2");
  return [own, &flags] { return Shrink(*own, flags); };
}

}  // namespace tersor::cli
