#include <vector>

#include "tersor/kernels/elementwise/elementwise.h"
#include "tersor/kernels/elementwise/makers.h"

namespace tersor::kernels::elementwise {
namespace {

template <Unary kOp>
std::unique_ptr<Kernel> Reference(const KernelSpec& spec) {
  return MakeReferenceUnary(kOp, spec);
}
template <Binary kOp>
std::unique_ptr<Kernel> Reference(const KernelSpec& spec) {
  return MakeReferenceBinary(kOp, spec);
}
template <Unary kOp, const Loops& kLoops>
std::unique_ptr<Kernel> Vector(const KernelSpec& spec) {
  return MakeVectorUnary(kOp, kLoops, spec);
}
template <Binary kOp, const Loops& kLoops>
std::unique_ptr<Kernel> Vector(const KernelSpec& spec) {
  return MakeVectorBinary(kOp, kLoops, spec);
}

template <auto kOp>
std::span<const KernelRow> Rows() {
  static const std::vector<KernelRow> rows = [] {
    std::vector<KernelRow> list;
#define LOOPS(name, cpu_level, loops)                                                \
  if (HasLoop(loops, kOp)) {                                                         \
    list.push_back({"elementwise", #name, CpuLevel::cpu_level, Vector<kOp, loops>}); \
  }
#include "tersor/kernels/elementwise/kernels.inc"
#undef LOOPS
    list.push_back({"elementwise", "reference", CpuLevel::kAny, Reference<kOp>});
    return list;
  }();
  return rows;
}

}  // namespace

#define UNARY(Name, formula) \
  std::span<const KernelRow> Name##Rows() { return Rows<Unary::k##Name>(); }
#define BINARY(Name, formula, domain) \
  std::span<const KernelRow> Name##Rows() { return Rows<Binary::k##Name>(); }
#include "tersor/kernels/elementwise/operators.inc"

}  // namespace tersor::kernels::elementwise
