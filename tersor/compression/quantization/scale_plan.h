// Which operators of a prepared graph become integer, and the scale of each value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tersor/compression/quantization/quantization.h"

namespace tersor::compression {

/// The setting of a node: by its operator, its first result's name, its filter's name.
const QuantizationSetting& SettingFor(const ir::Graph& graph, const ir::Node& node,
                                      const QuantizationOptions& options);

/// Decides before anything is rewritten, because values that share a scale (what is only moved, or
/// concatenated) lie on both sides of the place that is rewritten.
class ScalePlan {
 public:
  static Result<ScalePlan> Make(const ir::Graph& prepared, const QuantizationOptions& options,
                                const CalibrationStatistics& statistics);

  /// Why the node at this place of the graph stays f32; nothing when it becomes integer.
  const std::optional<std::string>& reason(size_t position) const { return reasons_[position]; }
  /// i8 parameters of an f32 value.
  const Quantization& of(ir::ValueId id) const { return parameters_[Root(id)]; }

 private:
  size_t Root(ir::ValueId id) const;
  void Join(ir::ValueId a, ir::ValueId b);
  void JoinGroups(const ir::Graph& graph);
  void ShareScaleOfShifts(const ir::Graph& graph, std::vector<Range>& ranges);
  Status ChooseParameters(const ir::Graph& graph, const QuantizationOptions& options,
                          const CalibrationStatistics& statistics);

  std::vector<std::optional<std::string>> reasons_;  // by position
  std::vector<ir::ValueId> parent_;                  // by value: groups of one scale
  std::vector<std::optional<Quantization>> fixed_;   // by root
  std::vector<Quantization> parameters_;             // by root
};

}  // namespace tersor::compression
