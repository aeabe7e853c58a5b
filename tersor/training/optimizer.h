// Optimizers: which update nodes a training step gets.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tersor/base/options.h"

namespace tersor::training {

enum class OptimizerKind : uint8_t { kSgd, kAdam, kAdamW };

inline constexpr std::string_view kOptimizerNames[] = {"sgd", "adam", "adamw"};
constexpr std::span<const std::string_view> OptionNames(OptimizerKind) { return kOptimizerNames; }

/// The rows say what each option means, and name the papers.
struct OptimizerOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/optimizer_options.inc"
#undef OPTION
};

}  // namespace tersor::training
