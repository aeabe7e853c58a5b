// Rows of a table, and their gradient, f32.
//
//   Embedding      output[i, :] = table[indices[i], :]
//   EmbeddingGrad  table_gradient[v, :] = sum over i with indices[i] = v of gradient[i, :]
//
// table [V,D], indices i32 of any shape, gradient and output [indices...,D]. An index outside of
// [0, V) reads no memory: its row of the output is NaN, so that wrong data does not pass for right
// data, and it adds nothing to the gradient. The sums are in f32, in the order of the indices, so
// that they are the same bits on every CPU. Nothing may alias. Floor: one read and one write of the
// output (for the gradient: one write of the table's gradient, and one read of the gradient). Both
// use one thread and copy or add whole rows, which is bound by memory.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::embedding {

std::span<const KernelRow> EmbeddingRows();
std::span<const KernelRow> EmbeddingGradRows();

}  // namespace tersor::kernels::embedding
