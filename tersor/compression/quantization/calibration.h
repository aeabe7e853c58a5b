// What the activations of a model are on real examples.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "tersor/base/status.h"
#include "tersor/compression/quantization/histogram.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/ir/graph.h"

namespace tersor::compression {

struct CalibrationOptions {
  data::Normalize normalize = data::Normalize::kSigned;
  int threads = 1;    ///< each runs its own part of the examples on its own program
  int64_t batch = 8;  ///< examples of one run (a model without symbolic batch: its own)
  /// Called now and then with the share of examples that are done, from one of the threads.
  std::function<void(double)> progress;
};

/// What was observed, with the graph that was observed.
struct CalibrationStatistics {
  std::map<ir::ValueId, Histogram> values;  ///< of each f32 input and f32 result of `prepared`
  ir::Graph prepared;                       ///< PrepareForQuantization(model)
  uint64_t model_hash = 0;                  ///< HashOf(model)
  int64_t examples = 0;
};

/// Runs PrepareForQuantization(model) over the examples and observes every f32 value. The examples
/// are those that the model was trained on, or like them, and never those that its accuracy is
/// measured on. The model has one input. Memory: a histogram (32 KB) for each value and thread, and
/// the activations of one batch for each thread. The result does not depend on the number of
/// threads. Errors: no examples, a value that is not finite (named), a model whose input does not
/// fit the examples.
Result<CalibrationStatistics> Calibrate(const ir::Graph& model, const data::Dataset& examples,
                                        const CalibrationOptions& options = {});

/// A hash of the model's operators, names, types and weights: by it statistics know their model.
uint64_t HashOf(const ir::Graph& model);

}  // namespace tersor::compression
