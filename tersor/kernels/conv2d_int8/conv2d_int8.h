// Conv2d on 8-bit integers, bit-exact on every path.
//
//   acc[n,y,x,o] = bias[o] + sum over i, j, c of
//                  (input[n, y*stride + i*dilation - pad, ..., c] - input_zero) *
//                  (filter[o,i,j,c] - filter_zero[o])
//   result = clamp(rne(float(acc) * multiplier[o]) + result_zero, lo, hi)
//
// Input [N,H,W,I], filter [O,KH,KW,I/groups], bias i32 [O] or absent, padding_value [I] of the
// input's type, or f32 (then quantized with the input's parameters), or absent (padded cells hold
// it; else the zero point),
// result [N,OH,OW,O]. Arithmetic: docs/integer-arithmetic.md. Tolerance: none. Nothing aliases.
//
// Rows. The reference takes i8 and u8, any groups, filters that are not constant, and no epilogue.
// The others take i8, one group, a constant filter, bias and padding value, and the chains of
// simd/integer_chain.h; they pack the filter once. Each chooses between two ways:
//   winograd  3x3 at stride and dilation 1, filter zero point 0: F(4x4,3x3) (Lavin & Gray 2016)
//             in exact integers (winograd.h): a quarter of the multiplications
//   direct    the rest: an implicit matrix product over the taps (direct.h)
// by the estimate in plan.cc. Threads: rows of tiles or pixels are split over the pool where the
// work pays the hand-over; results do not depend on the number of threads.
//
// Floor at batch 1: N*OH*OW*O*KH*KW*I products (over 4 with winograd), 16 a vpmaddwd with AVX2,
// 32 with AVX-512, 64 a vpdpbusd.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_int8 {

std::span<const KernelRow> Rows();

/// The last row: the definition.
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::conv2d_int8
