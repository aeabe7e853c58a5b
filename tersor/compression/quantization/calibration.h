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
  int threads = 1;    ///< each runs its own part of the examples on its own executable
  int64_t batch = 8;  ///< examples of one run (a model without symbolic batch: its own)
  /// Called now and then with the share of examples that are done, from one of the threads.
  std::function<void(double)> progress;
};

/// One histogram for each f32 input and f32 result of the prepared graph.
struct CalibrationStatistics {
  std::map<ir::ValueId, Histogram> values;  ///< by value of PrepareForQuantization(model)
  std::string graph_text;                   ///< of that graph, without data
  int64_t examples = 0;
};

/// Runs PrepareForQuantization(model) over the examples (of which the model was trained on, or
/// like them: never those that its accuracy is measured on) and observes every f32 value. The model
/// has one input. Memory: a histogram (32 KB) for each value and thread, and the activations of one
/// batch. The result does not depend on threads. Errors: no examples, a value that is not finite
/// (named), a model whose input does not fit the examples.
Result<CalibrationStatistics> Calibrate(const ir::Graph& model, const data::Dataset& examples,
                                        const CalibrationOptions& options = {});

/// The text by which statistics know their graph.
std::string TextWithoutData(const ir::Graph& graph);

}  // namespace tersor::compression
