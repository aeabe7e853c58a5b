// What this CPU can do, and how fast it is at it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tersor {

enum class CpuLevel : uint8_t {
#define CPU_LEVEL(enumerator, name, doc) enumerator,
#include "tersor/base/cpu_features.inc"
#undef CPU_LEVEL
};

std::string_view CpuLevelName(CpuLevel level);
std::optional<CpuLevel> ParseCpuLevel(std::string_view name);

/// A set of levels. kAny is always in it.
class CpuFeatures {
 public:
  /// What the machine has, capped by the environment variable TERSOR_CPU, read anew at each call.
  /// An unknown name in it caps to `reference` (the CLI refuses it before).
  static CpuFeatures Detect();
  /// What the machine has, no cap.
  static CpuFeatures Machine();

  bool Has(CpuLevel level) const { return (bits_ >> static_cast<int>(level)) & 1; }
  /// This set without the levels after `level`.
  CpuFeatures CappedAt(CpuLevel level) const;
  /// The best level in the set.
  CpuLevel best() const;

 private:
  uint32_t bits_ = 1;
};

}  // namespace tersor
