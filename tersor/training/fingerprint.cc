#include "tersor/training/fingerprint.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/hash.h"
#include "tersor/ir/text.h"

namespace tersor::training {
namespace {

using Lines = std::map<std::string, std::string>;

std::string HashText(uint64_t hash) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "hash %016" PRIx64, hash);
  return digits;
}

Result<std::string> DataText(const data::Dataset& set) {
  if (set.size() == 0) return std::string("none");
  TERSOR_ASSIGN_OR_RETURN(const uint64_t hash, data::ContentHash(set));
  return StrCat(set.name, ", ", set.size(), " examples, ", HashText(hash));
}

// Of what the graph is, or of its variables' data as well.
std::string GraphText(const ir::Graph& graph, bool with_data) {
  ir::Graph copy = graph.Clone();
  if (!with_data) {
    for (ir::ValueId id : copy.variables()) copy.value(id).set_data(Tensor());
  }
  const std::string text = ir::Print(copy, {.data = with_data});
  return HashText(HashBytes(text.data(), text.size()));
}

std::string LossText(const TrainerOptions& options) {
  std::string text;
  for (const LossTerm& term : options.losses) {
    const std::string_view loss = term.loss.empty() ? OptionName(options.step.loss) : term.loss;
    text += StrCat(text.empty() ? "" : " + ", OptionText(term.weight), " ", loss, "(",
                   term.prediction, ", ", term.target, ")");
  }
  return text;
}

std::string GraphsText(const std::vector<ExtraGraph>& graphs) {
  std::string text;
  for (const ExtraGraph& extra : graphs) {
    text += StrCat(text.empty() ? "" : ", ", extra.name, " ", GraphText(*extra.graph, true));
  }
  return text;
}

std::string HooksText(const std::vector<StepHook*>& hooks) {
  std::string text;
  for (const StepHook* hook : hooks) {
    text += StrCat(text.empty() ? "" : ", ", hook->name(), "(", hook->options(), ")");
  }
  return text;
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

// How the first version wrote what is now `text`: reals with six digits, truth as 1 and 0.
std::string FirstVersionText(const std::string& text) {
  if (text == "true") return "1";
  if (text == "false") return "0";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? StrCat(number) : text;
}

// The fingerprint of the first version, "data NAME COUNT; epochs 10; batch 128; ...", as lines of
// today. It held fewer names: where it is silent, it is taken to be as `now`.
Lines ReadFirstVersion(std::string_view text, const Lines& now) {
  struct Field {
    std::string_view key;
    std::vector<std::string> names;  ///< of the values behind the key
  };
  static const Field kFields[] = {
      {"; epochs ", {"epochs"}},
      {"; batch ", {"batch_size"}},
      {"; threads ", {"threads"}},
      {"; seed ", {"seed"}},
      {"; optimizer ",
       {"optimizer", "momentum", "nesterov", "beta1", "beta2", "epsilon", "weight_decay"}},
      {"; label smoothing ", {"label_smoothing"}},
      {"; schedule ", {"schedule", "learning_rate", "warmup_steps", "factor", "floor", "patience"}},
      {"; normalize ", {"normalize"}},
      {"; flip ", {"flip"}},
      {"; shift ", {"shift_pixels"}}};
  Lines lines = now;
  auto note = [&](const std::string& name, std::string_view value) {
    const auto found = lines.find(name);
    if (found != lines.end() && FirstVersionText(found->second) != value) found->second = value;
  };
  for (const Field& field : kFields) {
    const size_t key = text.rfind(field.key);
    if (key == std::string_view::npos) continue;
    size_t at = key + field.key.size();
    for (const std::string& name : field.names) {
      const size_t end = std::min(text.find_first_of(" ;", at), text.size());
      note(name, text.substr(at, end - at));
      at = std::min(end + 1, text.size());
    }
  }
  constexpr std::string_view kData = "data ";
  const std::string_view set = text.substr(0, std::min(text.rfind("; epochs "), text.size()));
  const size_t space = set.rfind(' ');
  if (set.starts_with(kData) && space > kData.size() && space != std::string_view::npos) {
    const std::string counted = StrCat(set.substr(kData.size(), space - kData.size()), ", ",
                                       set.substr(space + 1), " examples");
    if (!lines["data"].starts_with(counted)) lines["data"] = counted;
  }
  return lines;
}

}  // namespace

Result<std::string> RunFingerprint(const TrainerOptions& options, const ir::Graph& step_graph,
                                   const data::Dataset& train, const data::Dataset& validation) {
  Lines lines = BitsOf(TrainerOptions::Table(), ValuesOf(options));
  lines["losses"] = LossText(options);
  lines["graphs"] = GraphsText(options.graphs);
  lines["hooks"] = HooksText(options.hooks);
  lines["step"] = GraphText(step_graph, false);
  lines["threads"] = std::to_string(options.threads);
  lines["cpu"] = CpuLevelName(CpuFeatures::Detect().best());
  lines["normalize"] = data::NormalizeName(options.normalize);
  TERSOR_ASSIGN_OR_RETURN(lines["data"], DataText(train));
  TERSOR_ASSIGN_OR_RETURN(lines["validation"], DataText(validation));
  std::string text;
  for (auto& [name, value] : lines) {
    std::replace(value.begin(), value.end(), '\n', ' ');
    text += StrCat(name, " ", value, "\n");
  }
  return text;
}

Status CompareFingerprints(std::string_view saved, std::string_view now) {
  if (saved == now) return OkStatus();
  const Lines after = ReadLines(now);
  const bool first_version = saved.find('\n') == std::string_view::npos;
  const Lines before = first_version ? ReadFirstVersion(saved, after) : ReadLines(saved);
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
  if (differences.empty()) return OkStatus();
  return FailedPrecondition("written by a run with other options: ", differences);
}

}  // namespace tersor::training
