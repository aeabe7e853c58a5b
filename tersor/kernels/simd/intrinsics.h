// The one door to x86 intrinsics: every file named x86_* includes this instead of <immintrin.h>.
//
// With TERSOR_EMULATE_AVX512 (CMake preset `emulate`) the AVX-512 names come from SIMDe, built on
// AVX2, so that the tests of the AVX-512 kernels run on any x86-64-v3 machine. What SIMDe lacks is
// defined below. docs/testing-avx512.md tells how to use it.
#pragma once

#include <immintrin.h>
