// What `shrink` is to do: each recipe, on each model, in each format.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tersor/automation/study/study.h"
#include "tersor/base/status.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/guide/recipe.h"
#include "tersor/guide/shrink.h"
#include "tersor/ir/graph.h"

namespace tersor::guide {

/// A model that is to be made smaller.
struct Source {
  std::string path, name, hash;
  ir::Graph graph;
  data::Normalize normalize = data::Normalize::kSigned;
};

/// One point of a study that is to be there at the end.
struct Candidate {
  const Source* source = nullptr;
  Recipe recipe;
  std::string format;  ///< of its file: "tersor", "tflite"
  std::string json;    ///< of the recipe, as the study keeps it
  std::string name;    ///< for people

  /// What the study keeps with the point (guide/summary.h).
  std::map<std::string, std::string> Attributes() const;
};

/// Reads the models of `options`. Names tell them apart: "a", and "a-2" for another file of that
/// name. The same bytes given twice are one model.
Result<std::vector<std::unique_ptr<Source>>> LoadSources(const ShrinkOptions& options);

/// Whether these examples can be fed to the model: to be said once, not by each candidate.
Status CheckFit(const Source& source, const data::Dataset& examples);

/// Every recipe of `options`, and the original, on every model in every format. Recipes that mean
/// the same make one candidate.
Result<std::vector<Candidate>> MakeCandidates(const ShrinkOptions& options,
                                              const std::vector<std::unique_ptr<Source>>& sources);

/// A point that an earlier version of the program began keeps its recipe as that version wrote it:
/// its candidate takes that text, so that nothing is measured twice.
Status AdoptOlderPoints(const automation::Study& study, std::vector<Candidate>& candidates);

}  // namespace tersor::guide
