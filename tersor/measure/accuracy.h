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
#include "tersor/measure/evaluator.h"

namespace tersor::measure {

struct AccuracyOptions {
  data::Normalize normalize = data::Normalize::kSigned;
  int threads = 1;     ///< each runs its own part of the examples on its own program
  int64_t batch = 16;  ///< examples of one run (a model without symbolic batch: its own)
  CpuFeatures cpu = CpuFeatures::Detect();
  const runtime::Backend* backend = &runtime::CpuBackend();
  bool prepare = true;  ///< run transforms::PrepareForInference first
  /// Called now and then with the share of examples that are done, from one of the threads.
  std::function<void(double)> progress;
};

/// Whether `correct` of `count` is what guessing one of `classes` classes may give: the 95 %
/// interval of Wilson (Probable inference, the law of succession, and statistical inference, 1927)
/// holds 1 / classes.
bool IsNearChance(int64_t correct, int64_t count, int64_t classes);

/// The 95 % interval of Wilson for a share of which `correct` of `count` were seen; [0, 1] for a
/// count of 0.
struct ShareInterval {
  double low = 0, high = 1;
};
ShareInterval WilsonInterval(int64_t correct, int64_t count);

struct Accuracy {
  int64_t count = 0;
  int64_t correct = 0;   ///< the largest output is the label's; the first of equal ones counts
  int64_t correct5 = 0;  ///< the label is among the five largest; of equal ones the first go ahead
  /// Mean cross-entropy: the mean of -ln of the label's probability. The outputs are taken as
  /// probabilities if the model ends with a softmax (values below 1e-7 then count as 1e-7), and as
  /// logits otherwise.
  double loss = 0;
  std::vector<int64_t> class_count, class_correct;  ///< by label
  std::vector<int32_t> predictions;                 ///< one an example, in the set's order

  double top1() const {
    return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count);
  }
  double top5() const {
    return count == 0 ? 0 : static_cast<double>(correct5) / static_cast<double>(count);
  }
};

/// Runs the model over the set. The model has one output [N,classes] of f32, i8 or u8, and inputs
/// that the set's fields fit (data::BindInputs); the set's labels are class numbers. The result
/// does not depend on the number of threads.
Result<Accuracy> MeasureAccuracy(const ir::Graph& model, const data::Dataset& dataset,
                                 const AccuracyOptions& options = {});

/// The same with a model that is compiled already. For many measurements of one model, as after
/// each epoch of a training.
Result<Accuracy> MeasureAccuracy(Evaluator& evaluator, const data::Dataset& dataset,
                                 const std::function<void(double)>& progress = {});

}  // namespace tersor::measure
