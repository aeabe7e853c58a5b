// A plan as bytes: for a program that carries the plans of its models instead of the code that
// makes plans.
#pragma once

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"
#include "tersor/base/wire.h"
#include "tersor/runtime/plan.h"

namespace tersor::runtime {

/// Everything but the kernels (a step has the name of its kernel), the variables' data and the
/// extents that were bound. The numbers of operators, attributes and element types are those of
/// this build, so the bytes are for a program that is built from the same sources.
void WritePlan(const Plan& plan, WireWriter& out);

/// What WritePlan wrote, without kernels and with as many empty variables as the plan had. The
/// bytes are trusted: a plan says where in memory a kernel writes, so it must never come from a
/// file that somebody else may have made. Fails only where the bytes end too soon.
Result<Plan> ReadPlan(WireReader& in);

/// Makes the kernels that the steps name, which packs the constants: the variables have their data
/// now. Fails when the CPU lacks a level that a kernel needs, and when a kernel is not in this
/// build or is not what it was when the plan was made.
Status MakeKernels(Plan& plan, CpuFeatures cpu);

}  // namespace tersor::runtime
