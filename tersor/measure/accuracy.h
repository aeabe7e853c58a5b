// Quality of a classifier on labelled examples.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/ir/graph.h"

namespace tersor::measure {

struct AccuracyOptions {
  data::Normalize normalize = data::Normalize::kSigned;
  int threads = 1;  ///< each runs its own part of the examples on its own executable
  int64_t batch =
      16;  ///< examples of one run of the executable (a model without symbolic batch: its own)
  CpuFeatures cpu = CpuFeatures::Detect();
  bool prepare = true;  ///< run transforms::PrepareForInference first
  /// Called now and then with the share of examples that are done, from one of the threads.
  std::function<void(double)> progress;
};

struct Accuracy {
  int64_t count = 0;
  int64_t correct = 0;   ///< the largest output is the label's; the first of equal ones counts
  int64_t correct5 = 0;  ///< the label is among the five largest
  std::vector<int64_t> class_count, class_correct;  ///< by label
  std::vector<int32_t> predictions;                 ///< one an example, in the set's order

  double top1() const {
    return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count);
  }
  double top5() const {
    return count == 0 ? 0 : static_cast<double>(correct5) / static_cast<double>(count);
  }
};

/// Runs the model over the set. The model has one input, that fits the examples, and one output [N,
/// classes] of f32, i8 or u8. The result does not depend on the number of threads.
Result<Accuracy> MeasureAccuracy(const ir::Graph& model, const data::Dataset& dataset,
                                 const AccuracyOptions& options = {});

}  // namespace tersor::measure
