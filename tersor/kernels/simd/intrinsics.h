// The one door to x86 intrinsics, instead of <immintrin.h>: for the vectors of vector.h, and for
// the few x86_*.cc that need what vector.h has no word for.
//
// With TERSOR_EMULATE_AVX512 (CMake preset `emulate`) the AVX-512 names come from SIMDe, built on
// AVX2, so that the tests of the AVX-512 kernels run on any x86-64-v3 machine. What SIMDe lacks is
// defined in emulated_avx512.h. docs/testing-avx512.md tells how to use it.
//
// TERSOR_AVX512VNNI is defined where the including file may use that level, emulated or not: ask
// it, never the compiler's own __AVX512VNNI__.
#pragma once

#include <immintrin.h>

#if defined(TERSOR_EMULATE_AVX512)
#include "tersor/kernels/simd/emulated_avx512.h"
#endif

#if defined(__AVX512VNNI__) || defined(TERSOR_EMULATE_AVX512VNNI)
#define TERSOR_AVX512VNNI 1
#endif
