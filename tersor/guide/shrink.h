// Shrink: makes every candidate of every model, measures each finished file, keeps each point at
// once, and leaves the front with its report.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/data/normalize.h"
#include "tersor/guide/front.h"
#include "tersor/guide/recipe.h"
#include "tersor/guide/summary.h"

namespace tersor::guide {

/// A point that has just been dealt with.
struct ShrinkEvent {
  int64_t number = 0, total = 0;  ///< counted from 1 over all candidates
  size_t longest_name = 0;        ///< of all candidates, to set a table
  bool kept_before = false;       ///< an earlier run or another process has made it
  automation::Point point;        ///< complete or failed
  bool on_front = false;          ///< of all points so far
  size_t front_size = 0;
  int64_t pushed_out = 0;  ///< points that it took off the front
};

struct ShrinkOptions {
  std::vector<std::string> models;  ///< files; f32, the more accurate original is the reference
  std::string data;                 ///< SPEC (data/dataset.h)
  std::string folder;               ///< of the study; made if it is not there
  Limits limits;
  std::vector<Recipe> candidates;                   ///< empty: DefaultRecipe()
  std::vector<std::string> formats = {kOwnFormat};  ///< of the files, each makes points of its own
  std::optional<data::Normalize> normalize;         ///< none: what a model's file says, else signed
  int threads = 1;                                  ///< that calibrate and measure accuracy
  int latency_threads = 1;                          ///< that one model runs on when it is timed
  double latency_time_s = 0.3;                      ///< that timing takes at least
  int64_t limit = 0;                                ///< examples of each split; 0: all
  int64_t seed = 1;                                 ///< of steps that draw, where a recipe has none
  std::string command;                              ///< that was given, for the report
  std::function<void(const ShrinkEvent&)> on_point;
};

/// For each model, format and candidate whose recipe the study does not hold complete:
///  1. makes the model, keeping its validation top-1 after each epoch of training as an
///  intermediate
///     value, and writes its file by write-then-rename;
///  2. reads that file again, and measures on what it read: top-1 on the validation split, p50
///     latency at batch 1 (the least of three rounds), arena; counts bytes, MACs, parameters;
///  3. commits the point.
/// The original of each model and format is always a candidate: it is the reference of
/// max_accuracy_drop. Calibration sees the train split only. At the end the points of the front,
/// and the best one, are evaluated on the test split, for the report alone. Then front.json,
/// front.csv and report.html are written (guide/report.h).
///
/// Several processes may work on one folder at the same time: each candidate is made by one of
/// them, and all return when all candidates are done. The candidate of a process that ends before
/// is made by another one (automation/study/study.h).
///
/// Killed at any time, the next call with the same folder goes on. A candidate that cannot be made
/// is a failed point, with the reason, and the others go on; a full disk or a study that cannot be
/// written ends it. No model inside the limits is no failure here: `best` is empty. Errors: a model
/// or data set that cannot be read, all candidates failed, a study made with other data, on
/// another machine, or with another number of latency threads.
Result<Summary> Shrink(const ShrinkOptions& options);

}  // namespace tersor::guide
