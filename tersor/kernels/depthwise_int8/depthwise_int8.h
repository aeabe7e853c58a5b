// Depthwise Conv2d (groups == input channels, more than one) on 8-bit integers, bit-exact on every
// path.
//
//   acc[n,y,x,o] = bias[o] + sum over i, j of
//                  (input[n, y*stride + i*dilation - pad, ..., o / multiplier] - input_zero) *
//                  (filter[o,i,j,0] - filter_zero[o])
//
// Input [N,H,W,I], filter [O,KH,KW,1] with O = multiplier * I, result [N,OH,OW,O]; operands,
// arithmetic and tolerance as in conv2d_int8.h, whose reference is the definition and takes what
// these rows refuse. They take i8, a constant filter, bias and padding value, any window, and the
// chains of simd/integer_chain.h without a pool. Rows of the result are split over the pool where
// the work pays the hand-over.
//
// How: the rows of the input that some result rows need are widened once into a padded image of
// i16 pairs, each cell beside its right neighbour (at the distance of the dilation), so that one
// pair product does two taps of kLanes channels and nothing has to be shuffled.
//
// Floor: N*OH*OW*O*KH*ceil(KW/2) pair products, 8 a vpmaddwd with AVX2, 16 with AVX-512.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::depthwise_int8 {

/// Empty on machines without rows.
std::span<const KernelRow> Rows();

}  // namespace tersor::kernels::depthwise_int8
