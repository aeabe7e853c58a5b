#include "tersor/training/checkpoint.h"

#include <cinttypes>
#include <cstdio>

#include "tersor/base/file.h"
#include "tersor/formats/formats.h"
#include "tersor/formats/native/native.h"
#include "tersor/training/fingerprint.h"
#include "tersor/training/training_step.h"

namespace tersor::training {
namespace {

constexpr char kKey[] = "training_state", kFingerprintKey[] = "training_fingerprint",
               kHookPrefix[] = "training_hook.";
// The first version knew the schedule alone.
constexpr char kFirstVersionScheduleKey[] = "training_schedule", kScheduleHook[] = "schedule";

}  // namespace

Status SaveCheckpoint(const std::string& path, const ir::Graph& step_graph,
                      const CheckpointState& state) {
  ir::Graph graph = step_graph.Clone();
  char numbers[160];
  std::snprintf(numbers, sizeof(numbers), "%" PRId64 " %" PRId64 " %a %" PRId64 " %" PRId64,
                state.epoch, state.step, state.loss_sum, state.correct, state.seen);
  graph.mutable_metadata()[kKey] = numbers;
  for (const auto& [name, text] : state.hooks) {
    graph.mutable_metadata()[StrCat(kHookPrefix, name)] = text;
  }
  graph.mutable_metadata()[kFingerprintKey] = state.fingerprint;
  formats::ExportOptions options;
  options.compress = false;
  TERSOR_ASSIGN_OR_RETURN(const std::string bytes, formats::native::Export(graph, options));
  return WriteFileAtomically(path, bytes);
}

Result<CheckpointState> LoadCheckpoint(const std::string& path, const std::string& fingerprint,
                                       ir::Graph& step_graph) {
  TERSOR_ASSIGN_OR_RETURN(ir::Graph saved, formats::ImportModel(path));
  auto field = [&](const char* key) -> std::string {
    auto found = saved.metadata().find(key);
    return found == saved.metadata().end() ? "" : found->second;
  };
  CheckpointState state;
  const std::string numbers = field(kKey);
  if (std::sscanf(numbers.c_str(), "%" SCNd64 " %" SCNd64 " %la %" SCNd64 " %" SCNd64, &state.epoch,
                  &state.step, &state.loss_sum, &state.correct, &state.seen) != 5) {
    return DataLoss(path, ": not a training checkpoint");
  }
  for (const auto& [key, text] : saved.metadata()) {
    if (key.starts_with(kHookPrefix)) state.hooks[key.substr(sizeof(kHookPrefix) - 1)] = text;
    if (key == kFirstVersionScheduleKey) state.hooks[kScheduleHook] = text;
  }
  state.fingerprint = field(kFingerprintKey);
  if (Status same = CompareFingerprints(state.fingerprint, fingerprint); !same.ok()) {
    return same.WithContext(path);
  }
  Status copied = CopyVariables(saved, step_graph);
  if (!copied.ok()) return copied.WithContext(path);
  return state;
}

}  // namespace tersor::training
