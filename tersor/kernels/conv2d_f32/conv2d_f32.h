// Convolution of f32 images.
//
//   output[n,y,x,o] = activation(bias[o] + sum over kh, kw, i of
//       in(n, y * stride_h + kh * dilation_h - pad_top, x * stride_w + kw * dilation_w - pad_left,
//          group(o) * I/groups + i) * filter[o,kh,kw,i])
// where in() is input[n,y,x,c], or padding_value[c] (0 where absent) outside of the image.
//
// Operands: input [N,H,W,I], filter [O,KH,KW,I/groups], opt_bias [O], opt_padding_value [I].
// Filter and bias may be constants (packed when the kernel is made) or change with each call
// (packed in Run() into scratch). Any strides, dilations, padding and groups.
//
// Epilogues: see simd/stages.h. Nothing may alias.
//
// Rows: `winograd` takes 3x3 filters of stride 1 where its estimated time is the lower (cost.h);
// `depthwise` one input channel a group; `direct` everything.
// Threads: output rows or tiles, or column blocks, are cut among the pool's threads; the result is
// the same bits for any number of threads.
//
// Tolerance: the reference accumulates in double. `direct` and `depthwise` sum in f32, in the order
// of the formula; `winograd` transforms (winograd_f32.h). Both stay within 1e-5 of the largest
// output on normal inputs and filters scaled to unit variance.
// Floor: products() multiply-adds; Winograd needs a quarter of them, about 17 additions and
// multiplications an input cell and channel, and 10 an output cell and channel.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_f32 {

std::span<const KernelRow> Rows();

}  // namespace tersor::kernels::conv2d_f32
