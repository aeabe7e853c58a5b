// FullyConnected in f32.
//
//   output[n,o] = activation(bias[o] + sum over i of input[n,i] * filter[o,i])
//
// input [N,I], filter [O,I], bias [O] or absent, output [N,O]. Nothing aliases. A constant filter
// is packed once, when the kernel is made, and then read in the order of memory; one that training
// changes is packed panel by panel during the run. Tolerance against the reference, which sums in
// double: 2e-6 * I * max|input| * max|filter|. Floor: for one example the bytes of the filter, for
// many N*O*I multiply-adds. Results do not depend on the number of threads.
// Epilogues: see simd/stages.h; the reference takes none.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::fully_connected_f32 {

std::span<const KernelRow> Rows();

struct Extents {
  int64_t examples, inputs, outputs;
  Activation activation;
};
/// The operand that may be absent.
inline constexpr size_t kBias = 2;
/// False when the case is not all f32 with operands of the shapes above.
bool ReadExtents(const KernelSpec& spec, Extents& extents);

/// The last row: the definition.
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::fully_connected_f32
