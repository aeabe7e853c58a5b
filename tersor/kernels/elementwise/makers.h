// Makers of the family: the reference for every operator, and kernels around a set of vector loops.
#pragma once

#include <memory>

#include "tersor/kernels/elementwise/loops.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::elementwise {

std::unique_ptr<Kernel> MakeReferenceUnary(Unary op, const KernelSpec& spec);
std::unique_ptr<Kernel> MakeReferenceBinary(Binary op, const KernelSpec& spec);

/// Whether `loops` serve an operator for any case; then the maker may still decline one.
bool HasLoop(const Loops& loops, Unary op);
bool HasLoop(const Loops& loops, Binary op);
std::unique_ptr<Kernel> MakeVectorUnary(Unary op, const Loops& loops, const KernelSpec& spec);
std::unique_ptr<Kernel> MakeVectorBinary(Binary op, const Loops& loops, const KernelSpec& spec);

/// True for operands and a result of this family: one element type, shapes that fit, no epilogue;
/// for integers, quantization of the whole tensor on all of them or on none.
bool IsElementwise(const KernelSpec& spec, size_t operands);
/// The fused activation; none without attributes.
Activation ActivationOf(const KernelSpec& spec);

}  // namespace tersor::kernels::elementwise
