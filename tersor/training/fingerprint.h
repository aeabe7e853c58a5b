// The fingerprint of a training run: all that decides the bits of its result.
#pragma once

#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"
#include "tersor/training/trainer.h"

namespace tersor::training {

/// One line "name value" for each option that decides bits, for the losses, extra graphs and hooks,
/// for the structure of the step's graph, for the number of threads, the CPU level (TERSOR_CPU
/// lowers it), the normalization, and for both data sets: name, number of examples and a hash of
/// every example and label. Reals have all their digits.
Result<std::string> RunFingerprint(const TrainerOptions& options, const ir::Graph& step_graph,
                                   const data::Dataset& train, const data::Dataset& validation);

/// Whether a run with the fingerprint `now` may go on where one with `saved` stopped. The failure
/// names each line that differs: "seed was 1 and is 5". Of a checkpoint of the first version, which
/// held fewer options and rounded reals to six digits, what it holds is compared.
Status CompareFingerprints(std::string_view saved, std::string_view now);

}  // namespace tersor::training
