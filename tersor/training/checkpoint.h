// The state of a training run in one file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::training {

struct CheckpointState {
  int64_t epoch = 0;                         ///< epochs that have ended
  int64_t step = 0;                          ///< steps that have been done, over all epochs
  double loss_sum = 0;                       ///< over the examples of the epoch that is under way
  int64_t correct = 0;                       ///< right predictions in that epoch
  int64_t seen = 0;                          ///< examples in that epoch
  std::map<std::string, std::string> hooks;  ///< StepHook::Save() by the hook's name
  std::string fingerprint;                   ///< of the run (fingerprint.h)
};

/// Writes all variables of the training step's graph and the state to a .tersor file, whose
/// metadata holds the state. The file is written under another name first and then renamed.
Status SaveCheckpoint(const std::string& path, const ir::Graph& step_graph,
                      const CheckpointState& state);

/// Reads a checkpoint into the variables of `step_graph`. Fails if it is damaged, of another graph,
/// or of other options than `fingerprint`.
Result<CheckpointState> LoadCheckpoint(const std::string& path, const std::string& fingerprint,
                                       ir::Graph& step_graph);

}  // namespace tersor::training
