// The full-integer kind of Quantize().
#pragma once

#include "tersor/compression/quantization/quantization.h"

namespace tersor::compression {

/// `prepared` is PrepareForQuantization of the model that `statistics` are of.
Result<ir::Graph> QuantizeFullInteger(const ir::Graph& prepared, const QuantizationOptions& options,
                                      const CalibrationStatistics& statistics,
                                      TechniqueReport& report);

}  // namespace tersor::compression
