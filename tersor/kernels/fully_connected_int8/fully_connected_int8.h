// FullyConnected on 8-bit integers, bit-exact on every path.
//
//   acc[n,o] = bias[o] + sum over i of (input[n,i] - input_zero) * (filter[o,i] - filter_zero[o])
//   result = clamp(rne(float(acc) * multiplier[o]) + result_zero, lo, hi)
//
// Input [N,I], filter [O,I] (scales per tensor or along axis 0), bias i32 [O] or absent, result
// [N,O]. Arithmetic: docs/integer-arithmetic.md. Tolerance: none. Nothing aliases.
//
// Rows. The reference takes i8 and u8 and filters that are not constant, and no epilogue. The
// others take i8, a constant filter with zero point 0, and the chains of simd/integer_chain.h
// without a pool; they pack the filter once, a byte a weight. Blocks of result channels are split
// over the pool where the work pays the hand-over.
//
// Floor at batch 1: I * O bytes of filter from the cache that holds them.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::fully_connected_int8 {

std::span<const KernelRow> Rows();

/// The last row: the definition.
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::fully_connected_int8
