// Gradient of an f32 convolution for its filter.
//
//   filter_gradient[o,kh,kw,i] = sum over n, oy, ox of gradient[n,oy,ox,o] *
//       in(n, oy * stride_h + kh * dilation_h - pad_top,
//          ox * stride_w + kw * dilation_w - pad_left, i)
// per group, where in() is input[n,y,x,i], or padding_value[i] (0 where absent) outside.
//
// Operands: input [N,H,W,I], gradient [N,OH,OW,O], opt_padding_value [I]; result
// [O,KH,KW,I/groups]. No epilogues. Nothing may alias.
//
// Rows: `winograd` for 3x3 filters of stride 1 where its estimated time is the lower
// (conv2d_f32/cost.h): it sums in the transformed domain (winograd_f32.h) and transforms the sum.
// `direct` sums outer products in registers over each whole example, and takes everything.
// Threads: one, whatever the pool (a training step is cut into a shard a thread). The order of
// summation is fixed: the same bits in each run.
// Tolerance: the reference accumulates in double. The rows sum N * OH * OW products in f32, so
// their error grows with that number: within 2e-5 of the largest element for 100,000 of them on
// normal values.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {

std::span<const KernelRow> Rows();

}  // namespace tersor::kernels::conv2d_grad_filter_f32
