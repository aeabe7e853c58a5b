#include "tersor/training/fingerprint.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>

#include "tersor/base/cpu.h"
#include "tersor/base/hash.h"

namespace tersor::training {
namespace {

using Lines = std::map<std::string, std::string>;

std::string DataText(const data::Dataset& set) {
  if (set.size() == 0) return "none";
  const ConstTensorView examples = set.examples.view();
  uint64_t hash = HashBytes(examples.data, static_cast<size_t>(set.examples.type().size_bytes()));
  hash = HashBytes(set.labels.data(), set.labels.size() * sizeof(set.labels[0]), hash);
  char digits[20];
  std::snprintf(digits, sizeof(digits), "%016" PRIx64, hash);
  return StrCat(set.name, ", ", set.size(), " examples, hash ", digits);
}

Lines ReadLines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t space = std::min(line.find(' '), line.size());
    lines.emplace(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string RunFingerprint(const TrainerOptions& options, const data::Dataset& train,
                           const data::Dataset& validation) {
  Lines lines = BitsOf(TrainerOptions::Table(), ValuesOf(options));
  lines["threads"] = std::to_string(options.threads);
  lines["cpu"] = CpuLevelName(CpuFeatures::Detect().best());
  lines["normalize"] = data::NormalizeName(options.normalize);
  lines["data"] = DataText(train);
  lines["validation"] = DataText(validation);
  std::string text;
  for (auto& [name, value] : lines) {
    std::replace(value.begin(), value.end(), '\n', ' ');
    text += StrCat(name, " ", value, "\n");
  }
  return text;
}

Status CompareFingerprints(std::string_view saved, std::string_view now) {
  if (saved == now) return OkStatus();
  if (saved.find('\n') == std::string_view::npos) {
    return FailedPrecondition(
        "written by an older version, which did not keep all that decides the result; remove the "
        "file to train from the beginning, or finish the run with that version");
  }
  const Lines before = ReadLines(saved), after = ReadLines(now);
  std::string differences;
  auto note = [&](const std::string& difference) {
    differences += (differences.empty() ? "" : ", ") + difference;
  };
  for (const auto& [name, value] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      note(StrCat(name, " was ", value, " and has no meaning now"));
    } else if (found->second != value) {
      note(StrCat(name, " was ", value, " and is ", found->second));
    }
  }
  for (const auto& [name, value] : after) {
    if (!before.contains(name)) note(StrCat(name, " had no meaning and is ", value));
  }
  return FailedPrecondition("written by a run with other options: ", differences);
}

}  // namespace tersor::training
