// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
#pragma once

#include <cstdint>

namespace tersor::kernels::activations_grad {

/// result[i] from gradient[i] and output[i], for `count` elements.
using Loop = void (*)(const float* gradient, const float* output, float* result, int64_t count);

struct Loops {
  Loop relu, relu6, sigmoid, tanh;
};

#define LOOPS(name, level, loops) extern const Loops loops;
#include "tersor/kernels/activations_grad/kernels.inc"
#undef LOOPS

}  // namespace tersor::kernels::activations_grad
