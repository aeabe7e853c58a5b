#include "tersor/base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>

namespace tersor {
namespace {

constexpr std::string_view kNames[] = {
#define CPU_LEVEL(enumerator, name, doc) #name,
#include "tersor/base/cpu_features.inc"
#undef CPU_LEVEL
};
constexpr int kLevels = std::size(kNames);

#if defined(__x86_64__)
/// F16C by the CPU's own word: clang 14 has no name for it.
bool HasF16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}
#endif

bool MachineHas(CpuLevel level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2") && HasF16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
#if defined(TERSOR_EMULATE_AVX512)
  if (level == CpuLevel::kAvx512 || level == CpuLevel::kAvx512Vnni) return avx2;
#endif
  switch (level) {
    case CpuLevel::kAvx2:
      return avx2;
    case CpuLevel::kAvx512:
      return avx512;
    case CpuLevel::kAvx512Vnni:
      return avx512 && __builtin_cpu_supports("avx512vnni");
    default:
      return level == CpuLevel::kAny;
  }
#elif defined(__aarch64__)
  return level == CpuLevel::kAny || level == CpuLevel::kNeon;
#else
  return level == CpuLevel::kAny;
#endif
}

}  // namespace

std::string_view CpuLevelName(CpuLevel level) { return kNames[static_cast<int>(level)]; }

std::optional<CpuLevel> ParseCpuLevel(std::string_view name) {
  for (int i = 0; i < kLevels; ++i) {
    if (kNames[i] == name) return static_cast<CpuLevel>(i);
  }
  return std::nullopt;
}

CpuFeatures CpuFeatures::Machine() {
  static const CpuFeatures features = [] {
    CpuFeatures result;
    for (int i = 0; i < kLevels; ++i) {
      if (MachineHas(static_cast<CpuLevel>(i))) result.bits_ |= 1u << i;
    }
    return result;
  }();
  return features;
}

CpuFeatures CpuFeatures::Detect() {
  const char* cap = std::getenv("TERSOR_CPU");
  if (cap == nullptr || *cap == '\0') return Machine();
  return Machine().CappedAt(ParseCpuLevel(cap).value_or(CpuLevel::kAny));
}

CpuFeatures CpuFeatures::CappedAt(CpuLevel level) const {
  CpuFeatures result = *this;
  result.bits_ &= (2u << static_cast<int>(level)) - 1;
  return result;
}

CpuLevel CpuFeatures::best() const { return static_cast<CpuLevel>(31 - __builtin_clz(bits_)); }

}  // namespace tersor
