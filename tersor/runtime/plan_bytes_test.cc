#include "tersor/runtime/plan_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/ir/random_graph.h"
#include "tersor/ir/text_testing.h"

namespace tersor::runtime {
namespace {

using testing::HasSubstr;

std::string Bytes(const Plan& plan) {
  WireWriter out;
  WritePlan(plan, out);
  return out.bytes();
}

Result<Plan> Read(std::string_view bytes) {
  WireReader in(std::as_bytes(std::span(bytes)));
  TERSOR_ASSIGN_OR_RETURN(Plan plan, ReadPlan(in));
  EXPECT_EQ(in.left(), 0u);
  return plan;
}

TEST(PlanBytes, GiveThePlanBack) {
  for (DType dtype : {DType::kF32, DType::kI8}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      ir::RandomGraphOptions options;
      options.dtype = dtype;
      const ir::Graph graph = ir::RandomGraph(seed, options);
      const Plan plan = MakePlan(graph, {.threads = 2, .batch = 3}).value();
      const std::string bytes = Bytes(plan);
      Plan read = Read(bytes).value();
      EXPECT_EQ(PlanText(read), PlanText(plan));
      EXPECT_EQ(Bytes(read), bytes);
      ASSERT_EQ(read.variables.size(), plan.variables.size());
      EXPECT_EQ(read.packed_bytes, plan.packed_bytes);
      read.variables = plan.variables;
      ASSERT_TRUE(MakeKernels(read, CpuFeatures::Detect()).ok());
      for (size_t i = 0; i < plan.steps.size(); ++i) {
        const PlanStep &a = plan.steps[i], &b = read.steps[i];
        EXPECT_EQ(b.kernel->packed_bytes(), a.kernel->packed_bytes());
        EXPECT_EQ(b.info.name, a.info.name);
        EXPECT_EQ(b.info.macs, a.info.macs);
        EXPECT_EQ(b.info.bytes, a.info.bytes);
        EXPECT_EQ(b.info.integer, a.info.integer);
        EXPECT_EQ(b.info.result, a.info.result);
      }
    }
  }
}

TEST(PlanBytes, EndTooSoonIsAnError) {
  const ir::Graph graph = ir::RandomGraph(1);
  const std::string bytes = Bytes(MakePlan(graph).value());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Read(bytes.substr(0, size)).ok()) << size;
  }
}

// Copies and widened kernels have names that no row of a list has.
TEST(PlanBytes, KernelsOfTheRuntimeItselfAreMade) {
  const ir::Graph graph = ir::Parsed(R"(graph @net(%x: bf16[2]) -> (%y: bf16[2], %x: bf16[2]) {
  %y = relu(%x)
}
)");
  const Plan plan = MakePlan(graph).value();
  Plan read = Read(Bytes(plan)).value();
  EXPECT_THAT(read.steps[0].info.kernel, HasSubstr("widened"));
  EXPECT_EQ(read.steps[1].info.kernel, "copy/reference");
  EXPECT_TRUE(MakeKernels(read, CpuFeatures::Detect()).ok());
}

TEST(PlanBytes, AKernelThatIsNotThereIsNamed) {
  const ir::Graph graph = ir::Parsed(R"(graph @net(%x: f32[2]) -> (%y: f32[2]) {
  %y = relu(%x)
}
)");
  const Plan plan = MakePlan(graph).value();
  for (const char* name : {"elementwise/Relu/none", "elementwise/Relu", "relu/reference", "", "/",
                           "elementwise/Relu/reference widened"}) {
    Plan read = Read(Bytes(plan)).value();
    read.steps[0].info.kernel = name;
    EXPECT_THAT(MakeKernels(read, CpuFeatures::Detect()).message(), HasSubstr("step 'y'"));
  }
  Plan read = Read(Bytes(plan)).value();
  read.steps[0].scratch_bytes += 64;
  EXPECT_FALSE(MakeKernels(read, CpuFeatures::Detect()).ok());
}

// A level that the CPU lacks, or that is capped, gives no kernel.
TEST(PlanBytes, KernelsAboveTheCpuAreRefused) {
  const CpuFeatures machine = CpuFeatures::Machine();
  if (machine.best() == CpuLevel::kAny) GTEST_SKIP() << "this CPU has no level to take away";
  const ir::Graph graph = ir::RandomGraph(2);
  CompileOptions options;
  options.cpu = machine;
  const Plan plan = MakePlan(graph, options).value();
  Plan read = Read(Bytes(plan)).value();
  read.variables = plan.variables;
  EXPECT_TRUE(MakeKernels(read, machine).ok());
  EXPECT_FALSE(MakeKernels(read, machine.CappedAt(CpuLevel::kAny)).ok());
}

}  // namespace
}  // namespace tersor::runtime
