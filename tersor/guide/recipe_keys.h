// The words of recipes that are names neither of steps nor of options. Files and studies hold them,
// so that they keep their meaning for ever.
#pragma once

namespace tersor::guide {

inline constexpr char kSteps[] = "steps";
/// Of a step: places whose options differ, by name and by operator.
inline constexpr char kByName[] = "by_name", kByOperator[] = "by_operator";

/// Short ways to write places whose option kSkipOption is true, by name and by operator.
inline constexpr char kExclude[] = "exclude", kExcludeOperators[] = "exclude_operators";

/// The recipe without a step: a candidate in YAML, and what people are told.
inline constexpr char kOriginal[] = "original";

// Version 0.1 knew no steps. It named a "technique", which was the original or a kind of
// quantization, and is read as no step or as the one step "quantize".
inline constexpr char kTechnique[] = "technique", kQuantize[] = "quantize";

}  // namespace tersor::guide
