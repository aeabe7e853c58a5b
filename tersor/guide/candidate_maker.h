// Makes one candidate of `shrink`, and measures its finished file.
#pragma once

#include <optional>

#include "tersor/automation/study/study.h"
#include "tersor/base/status.h"
#include "tersor/guide/candidates.h"
#include "tersor/guide/run_recipe.h"
#include "tersor/guide/splits.h"
#include "tersor/guide/summary.h"

namespace tersor::guide {

/// Not for several threads at once. What it is given must outlive it.
class CandidateMaker {
 public:
  CandidateMaker(const ShrinkOptions& options, automation::Study& study, Splits& splits)
      : options_(options), study_(study), splits_(splits) {}
  CandidateMaker(const CandidateMaker&) = delete;
  CandidateMaker& operator=(const CandidateMaker&) = delete;

  /// Makes and measures one candidate, whose point has been begun. A candidate's own failure is a
  /// failed point. The top-1 of the validation split after each epoch of its training steps is kept
  /// as intermediate values of kValidationTop1, at once. Where another worker has taken the point
  /// over, it comes back as running.
  Result<automation::Point> Make(const Candidate& candidate, automation::Point point);

  /// Measures top-1 on the test split, on the finished file, and keeps it with the point.
  Status Test(const SummaryPoint& measured);

 private:
  Result<double> Top1(const ir::Graph& prepared, const data::Dataset& set,
                      data::Normalize normalize) const;
  Result<ir::Graph> Build(const Candidate& candidate);
  Status Report(const RecipeEpoch& epoch);
  Status Write(const Candidate& candidate, automation::Point& point);
  Status Measure(data::Normalize normalize, automation::Point& point);

  const ShrinkOptions& options_;
  automation::Study& study_;
  Splits& splits_;
  const automation::Point* making_ = nullptr;
  const Source* runner_source_ = nullptr;
  std::optional<RecipeRunner> runner_;  ///< of runner_source_
};

}  // namespace tersor::guide
