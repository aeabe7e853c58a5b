#include "tersor/runtime/kernel_table.h"

#include <cstring>

#include "tersor/runtime/widened.h"

// Declares `std::span<const KernelRow> tersor::kernels::<family>::<rows>()` for each row of the
// list.
#define OPERATOR_FAMILY(op, family, rows) \
  namespace tersor::kernels::family {     \
  std::span<const KernelRow> rows();      \
  }
#if !defined(TERSOR_WORKBENCH)
#define TRAINING_FAMILY(op, family, rows)
#endif
#include "tersor/runtime/operator_kernels.inc"
#undef OPERATOR_FAMILY

namespace tersor::runtime {
namespace {

using Table = std::vector<std::vector<kernels::KernelRows>>;

Table MakeTable() {
  Table table(ir::AllOps().size());
#define OPERATOR_FAMILY(op, family, rows) \
  table[static_cast<size_t>(ir::OpKind::k##op)].push_back(&kernels::family::rows);
#if !defined(TERSOR_WORKBENCH)
#define TRAINING_FAMILY(op, family, rows)
#endif
#include "tersor/runtime/operator_kernels.inc"
#undef OPERATOR_FAMILY
  return table;
}

ChosenKernel ChooseRow(ir::OpKind op, const kernels::KernelSpec& spec, CpuFeatures cpu) {
  for (kernels::KernelRows rows : FamiliesOf(op)) {
    for (const kernels::KernelRow& row : rows()) {
      if (!cpu.Has(row.level)) continue;
      if (auto kernel = row.make(spec)) {
        return {std::move(kernel), StrCat(row.family, '/', row.name)};
      }
    }
  }
  return {};
}

class CopyKernel : public kernels::Kernel {
 public:
  explicit CopyKernel(size_t size_bytes) : size_bytes_(size_bytes) {}
  void Run(const kernels::KernelCall& call) const override {
    std::memcpy(call.results[0].data, call.operands[0].data, size_bytes_);
  }

 private:
  size_t size_bytes_;
};

}  // namespace

std::unique_ptr<kernels::Kernel> MakeCopyKernel(size_t size_bytes) {
  return std::make_unique<CopyKernel>(size_bytes);
}

std::span<const kernels::KernelRows> FamiliesOf(ir::OpKind op) {
  static const auto* table = new Table(MakeTable());
  return (*table)[static_cast<size_t>(op)];
}

ChosenKernel ChooseKernel(ir::OpKind op, const kernels::KernelSpec& spec, CpuFeatures cpu) {
  ChosenKernel own = ChooseRow(op, spec, cpu);
  if (own.kernel != nullptr) return own;
  return Widen(spec, [&](const kernels::KernelSpec& wide) { return ChooseRow(op, wide, cpu); });
}

}  // namespace tersor::runtime
