// Techniques: ways to make a model smaller or faster, each a row of techniques.inc.
//
// A technique has up to three functions:
//   prepare   rewrites the graph before training: adds masks, fake quantization, factors
//   schedule  acts between the steps of a training: sets masks, lowers a temperature
//   finish    rewrites the graph for good: folds what prepare added, narrows, encodes
// and options, which are declared once (base/options.h). A technique without `prepare` acts at once
// on a finished graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/base/options.h"
#include "tersor/base/status.h"
#include "tersor/compression/levels.h"
#include "tersor/compression/quantization/calibration.h"
#include "tersor/compression/report.h"
#include "tersor/data/dataset.h"
#include "tersor/data/normalize.h"
#include "tersor/ir/graph.h"
#include "tersor/training/step_hook.h"

namespace tersor::compression {

/// The option that leaves a place as it is, where a technique has it. `exclude` in recipes and
/// --exclude set it.
inline constexpr char kSkipOption[] = "skip";

/// The options of one use of a technique, before they are put into its struct.
struct TechniqueSettings {
  OptionValues values;  ///< of all rows
  /// What differs at some layers, of the rows that are PerLayer(). A name pattern is stronger than
  /// an operator, a later entry stronger than an earlier one.
  std::vector<std::pair<ir::OpKind, OptionValues>> by_operator;
  std::vector<std::pair<std::string, OptionValues>> by_name;  ///< MatchesGlob patterns

  /// The struct of options: those of `values` that its list has.
  template <typename Options>
  Options As() const {
    Options options;
    PutInto(Options::Table(), values, &options);
    return options;
  }
  /// The struct at each level.
  template <typename Options>
  Levels<Options> LevelsOf() const {
    Levels<Options> levels{As<Options>(), {}, {}};
    for (const auto& [op, given] : by_operator) {
      levels.by_operator.emplace_back(op, levels.standard);
      PutInto(Options::Table(), given, &levels.by_operator.back().second);
    }
    for (const auto& [pattern, given] : by_name) {
      levels.by_name.emplace_back(pattern, levels.standard);
      PutInto(Options::Table(), given, &levels.by_name.back().second);
    }
    return levels;
  }

 private:
  static void PutInto(OptionTable table, const OptionValues& given, void* options);
};

/// What a technique may use besides the graph and its options.
struct TechniqueContext {
  /// So many examples of the train split, evenly spaced; 0: all. Fails where no data was named.
  std::function<Result<const data::Dataset*>(int64_t count)> training_examples;
  data::Normalize normalize = data::Normalize::kSigned;
  int threads = 1;
  /// Statistics of the graph that `finish` is given, by the number of examples: made by the first
  /// use that needs them. The caller clears it when the graph changes.
  std::map<int64_t, CalibrationStatistics>* calibrations = nullptr;
};

/// The functions of a technique. `finish` is always there, the others may be null.
struct TechniqueFunctions {
  OptionTable options;
  Status (*prepare)(ir::Graph& graph, const TechniqueSettings& settings, TechniqueReport& report);
  /// What acts during one training of `graph`, which `prepare` has rewritten.
  Result<std::unique_ptr<training::StepHook>> (*schedule)(const ir::Graph& graph,
                                                          const TechniqueSettings& settings);
  Status (*finish)(ir::Graph& graph, const TechniqueSettings& settings,
                   const TechniqueContext& context, TechniqueReport& report);
  /// A short name of this use, for tables. Null: the technique's name and every option that has a
  /// meaning and is not its default.
  std::string (*label)(const TechniqueSettings& settings);
};

struct Technique {
  std::string_view name, doc;
  TechniqueFunctions functions;

  /// Whether layers may differ: whether any row is PerLayer().
  bool has_levels() const;
  std::string Label(const TechniqueSettings& settings) const;
};

/// The rows of techniques.inc.
std::span<const Technique> AllTechniques();

/// Fails where a name pattern or an operator of the settings stands for nothing in the graph: no
/// node has a result or a variable of such a name, or no node is such an operator.
Status CheckPlaces(const ir::Graph& graph, const TechniqueSettings& settings);

/// " without conv1" for each place that skips: how labels end.
std::string SkippedText(const TechniqueSettings& settings);
/// "name option=value": of all options that have a meaning and are not their default.
std::string OptionsLabel(std::string_view name, OptionTable table, const OptionValues& values);

}  // namespace tersor::compression
