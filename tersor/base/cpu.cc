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
// What the instruction CPUID says, read here: the compiler's __builtin_cpu_supports() knows every
// CPU by name and takes 5 KB of the deployable library.
struct Cpuid {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  explicit Cpuid(unsigned leaf) { __get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx); }
};

bool HasAll(unsigned found, unsigned bits) { return (found & bits) == bits; }

// Whether the operating system keeps these registers (bits of XCR0) when it switches threads.
bool SystemKeeps(unsigned registers) {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return HasAll(low, registers);
}

bool MachineHas(CpuLevel level) {
  constexpr unsigned kYmm = 0x6, kZmm = 0xe6;
  const Cpuid first(1), extended(7);
  const bool avx2 = HasAll(first.ecx, bit_FMA | bit_F16C | bit_OSXSAVE) && SystemKeeps(kYmm) &&
                    HasAll(extended.ebx, bit_AVX2 | bit_BMI2);
  const bool avx512 =
      avx2 && SystemKeeps(kZmm) &&
      HasAll(extended.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
#if defined(TERSOR_EMULATE_AVX512)
  if (level == CpuLevel::kAvx512 || level == CpuLevel::kAvx512Vnni) return avx2;
#endif
  switch (level) {
    case CpuLevel::kAvx2:
      return avx2;
    case CpuLevel::kAvx512:
      return avx512;
    case CpuLevel::kAvx512Vnni:
      return avx512 && HasAll(extended.ecx, bit_AVX512VNNI);
    default:
      return level == CpuLevel::kAny;
  }
}
#else
bool MachineHas(CpuLevel level) {
#if defined(__aarch64__)
  return level == CpuLevel::kAny || level == CpuLevel::kNeon;
#else
  return level == CpuLevel::kAny;
#endif
}
#endif

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
