// The `over_` operands of ops.inc are promises of the kernels: every kernel of such an operator
// gives the same bits when its result lies over that operand.
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/base/thread_pool.h"
#include "tersor/ir/shape_rules/rule_case_parser.h"
#include "tersor/runtime/kernel_table.h"

namespace tersor::runtime {
namespace {

using ir::OpInfo;
using ir::ParsedRuleCase;

// More than any vector, and no multiple of one.
constexpr int64_t kBatchSize = 67;

Tensor RandomTensor(const TensorType& type, uint64_t seed) {
  Tensor tensor = Tensor::Create(type).value();
  Random random(seed, 0);
  auto* bytes = static_cast<uint8_t*>(tensor.mutable_view().data);
  for (int64_t i = 0; i < type.size_bytes(); ++i) bytes[i] = static_cast<uint8_t>(random.NextU32());
  if (type.dtype == DType::kF32) {
    for (float& x : tensor.mutable_values<float>()) x = random.NextNormal();
  }
  if (type.dtype == DType::kI32) {  // class numbers
    for (int32_t& x : tensor.mutable_values<int32_t>())
      x = static_cast<int32_t>(random.NextBelow(2));
  }
  return tensor;
}

// The result of a kernel whose result lies over operand `over`, or beside the operands (-1).
Tensor Run(const kernels::Kernel& kernel, const std::vector<std::optional<TensorType>>& types,
           const TensorType& result_type, int over) {
  std::vector<Tensor> operands(types.size());
  std::vector<ConstTensorView> views(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i]) continue;
    operands[i] = RandomTensor(*types[i], i + 1);
    views[i] = operands[i].view();
  }
  Tensor result = over < 0 ? Tensor::Create(result_type).value()
                           : Tensor(result_type, operands[static_cast<size_t>(over)].buffer());
  const TensorView view = result.mutable_view();
  const auto scratch = Buffer::Allocate(kernel.scratch_bytes()).value();
  ThreadPool pool;
  kernel.Run({.operands = views, .results = {&view, 1}, .scratch = scratch->data(), .pool = &pool});
  return result;
}

// The batch is large, other symbolic extents are small.
TensorType Bound(TensorType type) {
  type.shape = type.shape.WithBatch(kBatchSize);
  for (int64_t extent : std::vector(type.shape.dims())) {
    if (IsSymbol(extent)) type.shape = type.shape.Bind(extent, 3);
  }
  return type;
}

// Which of the operator's kernels took the case; each is run beside and over its operands.
void CheckKernels(const OpInfo& info, const ParsedRuleCase& parsed, const TensorType& result,
                  std::set<std::string>& checked) {
  std::vector<ConstTensorView> specs(parsed.operands.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (parsed.operands[i]) specs[i].type = &*parsed.operands[i];
  }
  kernels::KernelSpec spec;
  spec.operands = specs;
  spec.results = {&result, 1};
  spec.attributes = &parsed.attributes;
  for (kernels::KernelRows rows : FamiliesOf(info.kind)) {
    for (const kernels::KernelRow& row : rows()) {
      if (!CpuFeatures::Machine().Has(row.level)) continue;
      const auto kernel = row.make(spec);
      if (kernel == nullptr) continue;
      const Tensor beside = Run(*kernel, parsed.operands, result, -1);
      for (size_t i = 0; i < info.operands.size(); ++i) {
        if (!info.operands[i].in_place) continue;
        if (parsed.operands[i]->size_bytes() != result.size_bytes()) continue;
        const Tensor over = Run(*kernel, parsed.operands, result, static_cast<int>(i));
        EXPECT_EQ(std::memcmp(beside.view().data, over.view().data,
                              static_cast<size_t>(result.size_bytes())),
                  0)
            << info.text_name << " over " << info.operands[i].name << ", " << row.family << '/'
            << row.name << ", " << result.ToString();
        checked.insert(std::string(info.text_name) + " " + std::string(info.operands[i].name));
      }
    }
  }
}

TEST(InPlace, EveryKernelKeepsThePromiseOfItsOperator) {
  std::set<std::string> checked;
  for (const ir::RuleCase& fact : ir::kRuleCases) {
    auto parsed = ir::ParseRuleCase(fact.line);
    if (!parsed.ok()) continue;
    for (auto& type : parsed->operands) {
      if (type) type = Bound(*type);
    }
    const OpInfo& info = ir::InfoOf(parsed->op);
    const auto results = parsed->Infer();
    if (!results.ok() || results->size() != 1 || (*results)[0].shape.IsSymbolic()) continue;
    CheckKernels(info, *parsed, (*results)[0], checked);
  }
  for (const OpInfo& info : ir::AllOps()) {
    for (const ir::OperandInfo& operand : info.operands) {
      if (!operand.in_place || FamiliesOf(info.kind).empty()) continue;
      EXPECT_TRUE(checked.contains(std::string(info.text_name) + " " + std::string(operand.name)))
          << info.text_name << ": no case of rule_cases.h has a result of the size of "
          << operand.name;
    }
  }
}

}  // namespace
}  // namespace tersor::runtime
