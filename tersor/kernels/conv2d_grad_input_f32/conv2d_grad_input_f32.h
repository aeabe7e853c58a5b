// Gradient of an f32 convolution for its input.
//
//   input_gradient[n,y,x,i] = sum over o, kh, kw, and the output cells (oy, ox) with
//       oy * stride_h + kh * dilation_h - pad_top = y and
//       ox * stride_w + kw * dilation_w - pad_left = x,
//   of gradient[n,oy,ox,o] * filter[o,kh,kw,i]                   (per group)
//
// Operands: filter [O,KH,KW,I/groups], gradient [N,OH,OW,O]; result [N,H,W,I]. Padded cells have no
// gradient, so a padding value plays no part. No epilogues. Nothing may alias.
//
// Rows: a convolution of stride 1 is carried back by another one, with the filter turned by 180
// degrees and its channels exchanged, so `winograd`, `direct` and `depthwise` are the forward
// kernels (conv2d_f32.h: threads, error and floor as there). Other strides go to oneDNN.
// Tolerance: the reference accumulates in double; the rows stay within 1e-5 of the largest element
// on normal values.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_grad_input_f32 {

std::span<const KernelRow> Rows();

}  // namespace tersor::kernels::conv2d_grad_input_f32
