// The two algorithms of loops.h, over the vector of the including file.
#pragma once

#include "tersor/kernels/conv2d_int8/direct-inl.h"
#include "tersor/kernels/conv2d_int8/winograd-inl.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

constexpr double kCost = kLanes == 16 ? 1.1 : 0.55;

constexpr Loops kLoops = {.lanes = kLanes,
                          .direct_group = 4 / sizeof(Element),
                          .pairs_cost = kCost,
                          .direct_cost = kCost,
                          .winograd = RunWinograd,
                          .direct = RunDirect};

}  // namespace
}  // namespace tersor::kernels::conv2d_int8
