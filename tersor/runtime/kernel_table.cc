#include "tersor/runtime/kernel_table.h"

#include <algorithm>
#include <cstring>
#include <iterator>

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

// The rows of the list in two columns; those of an operator stand together.
constexpr ir::OpKind kOperators[] = {
#define OPERATOR_FAMILY(op, family, rows) ir::OpKind::k##op,
#if !defined(TERSOR_WORKBENCH)
#define TRAINING_FAMILY(op, family, rows)
#endif
#include "tersor/runtime/operator_kernels.inc"
#undef OPERATOR_FAMILY
};
constexpr kernels::KernelRows kFamilies[] = {
#define OPERATOR_FAMILY(op, family, rows) &kernels::family::rows,
#if !defined(TERSOR_WORKBENCH)
#define TRAINING_FAMILY(op, family, rows)
#endif
#include "tersor/runtime/operator_kernels.inc"
#undef OPERATOR_FAMILY
};

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

std::unique_ptr<kernels::Kernel> MakeRow(ir::OpKind op, std::string_view name,
                                         const kernels::KernelSpec& spec, CpuFeatures cpu) {
  for (kernels::KernelRows rows : FamiliesOf(op)) {
    for (const kernels::KernelRow& row : rows()) {
      const size_t family = row.family.size();
      if (name.size() == family + 1 + row.name.size() && name.starts_with(row.family) &&
          name[family] == '/' && name.ends_with(row.name) && cpu.Has(row.level)) {
        return row.make(spec);
      }
    }
  }
  return nullptr;
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
  const auto* first = std::ranges::find(kOperators, op);
  const auto* last =
      std::find_if(first, std::end(kOperators), [op](ir::OpKind other) { return other != op; });
  return std::span(kFamilies).subspan(static_cast<size_t>(first - std::begin(kOperators)),
                                      static_cast<size_t>(last - first));
}

ChosenKernel ChooseKernel(ir::OpKind op, const kernels::KernelSpec& spec, CpuFeatures cpu) {
  ChosenKernel own = ChooseRow(op, spec, cpu);
  if (own.kernel != nullptr) return own;
  return Widen(spec, [&](const kernels::KernelSpec& wide) { return ChooseRow(op, wide, cpu); });
}

std::unique_ptr<kernels::Kernel> MakeNamedKernel(ir::OpKind op, std::string_view name,
                                                 const kernels::KernelSpec& spec, CpuFeatures cpu) {
  if (name == kCopyKernel) {
    return MakeCopyKernel(static_cast<size_t>(spec.results[0].size_bytes()));
  }
  if (!name.ends_with(kWidened)) return MakeRow(op, name, spec, cpu);
  name.remove_suffix(kWidened.size());
  return Widen(spec,
               [&](const kernels::KernelSpec& wide) {
                 return ChosenKernel{MakeRow(op, name, wide, cpu), std::string(name)};
               })
      .kernel;
}

}  // namespace tersor::runtime
