#include "tersor/runtime/plan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "tersor/ir/random_graph.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {
namespace {

using Place = PlannedValue::Place;

// The parsed graph; a variable whose data the text leaves out is filled with zeros.
ir::Graph Parse(std::string_view text) {
  ir::Graph graph = ir::Parse(text).value();
  for (ir::ValueId id : graph.variables()) {
    ir::Value& variable = graph.value(id);
    if (!variable.has_data()) variable.set_data(Tensor::Create(variable.type()).value());
  }
  return graph;
}

CompileOptions Options(int64_t batch = 1) {
  CompileOptions options;
  options.batch = batch;
  options.cpu = CpuFeatures::Machine().CappedAt(CpuLevel::kAny);
  return options;
}

std::string PlanOf(const ir::Graph& graph, int64_t batch = 1) {
  const auto plan = MakePlan(graph, Options(batch));
  return plan.ok() ? PlanText(*plan) : plan.status().message();
}
std::string PlanOf(std::string_view text, int64_t batch = 1) { return PlanOf(Parse(text), batch); }

TEST(Plan, ListsPlacesKernelsAndSteps) {
  EXPECT_EQ(PlanOf(R"(graph @net(%x: f32[N,4]) -> (%y: f32[N,2]) {
  %0 = fully_connected(%x, @w, @b) {activation=relu}
  %1 = softmax(%0)
  %y = fully_connected(%1, @v)
}
variable @w: f32[3,4]
variable @b: f32[3] = [1, 2, 3]
variable @v: f32[2,3] = [1, 2, 3, 4, 5, 6]
variable @unread: f32[2] = [1, 2]
)",
                   8),
            R"(plan @net {batch=8, threads=1, cpu=reference, arena=128} {
  %x: f32[8,4] in input 0
  @w: f32[3,4] in constant 0
  @b: f32[3] in constant 1
  @v: f32[2,3] in constant 2
  %0: f32[8,3] in arena 0..96 = fully_connected [fully_connected_f32/reference](%x, @w, @b)
  %1: f32[8,3] in arena 0..96 = softmax [softmax/reference](%0) in place
  %y: f32[8,2] in output 0 = fully_connected [fully_connected_f32/reference](%1, @v, _)
}
)");
}

TEST(Plan, ValuesWhoseLivesDoNotMeetShareTheirPlace) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[64]) -> (%y: f32[64]) {
  %a = transpose(%x) {permutation=[0]}
  %b = transpose(%a) {permutation=[0]}
  %c = transpose(%b) {permutation=[0]}
  %y = transpose(%c) {permutation=[0]}
}
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=512} {
  %x: f32[64] in input 0
  %a: f32[64] in arena 0..256 = transpose [layout/reference](%x)
  %b: f32[64] in arena 256..512 = transpose [layout/reference](%a)
  %c: f32[64] in arena 0..256 = transpose [layout/reference](%b)
  %y: f32[64] in output 0 = transpose [layout/reference](%c)
}
)");
}

TEST(Plan, AnOperatorThatMayWritesOverItsFirstOperand) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[16]) -> (%y: f32[16]) {
  %a = exp(%x)
  %b = relu(%a)
  %c = add(%b, %x)
  %y = exp(%c)
}
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=64} {
  %x: f32[16] in input 0
  %a: f32[16] in arena 0..64 = exp [elementwise/reference](%x)
  %b: f32[16] in arena 0..64 = relu [elementwise/reference](%a) in place
  %c: f32[16] in arena 0..64 = add [elementwise/reference](%b, %x) in place
  %y: f32[16] in output 0 = exp [elementwise/reference](%c)
}
)");
}

TEST(Plan, AnOperandThatIsReadAgainIsNotOverwritten) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[16]) -> (%y: f32[16]) {
  %a = exp(%x)
  %b = relu(%a)
  %c = multiply(%b, %b)
  %d = subtract(%c, %a)
  %y = exp(%d)
}
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=192} {
  %x: f32[16] in input 0
  %a: f32[16] in arena 0..64 = exp [elementwise/reference](%x)
  %b: f32[16] in arena 64..128 = relu [elementwise/reference](%a)
  %c: f32[16] in arena 128..192 = multiply [elementwise/reference](%b, %b)
  %d: f32[16] in arena 128..192 = subtract [elementwise/reference](%c, %a) in place
  %y: f32[16] in output 0 = exp [elementwise/reference](%d)
}
)");
}

TEST(Plan, InputsAndVariablesAreNotOverwritten) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[2]) -> (%y: f32[2]) {
  %a = relu(%x)
  %b = add(@v, %a)
  %y = exp(%b)
}
variable @v: f32[2] = [1, 2]
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=128} {
  %x: f32[2] in input 0
  @v: f32[2] in constant 0
  %a: f32[2] in arena 0..8 = relu [elementwise/reference](%x)
  %b: f32[2] in arena 64..72 = add [elementwise/reference](@v, %a)
  %y: f32[2] in output 0 = exp [elementwise/reference](%b)
}
)");
}

// The operand is smaller than the result: it has no room for it.
TEST(Plan, ABroadcastOperandIsNotOverwritten) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[2], %z: f32[4,2]) -> (%y: f32[4,2]) {
  %a = exp(%x)
  %b = add(%a, %z)
  %y = exp(%b)
}
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=128} {
  %x: f32[2] in input 0
  %z: f32[4,2] in input 1
  %a: f32[2] in arena 64..72 = exp [elementwise/reference](%x)
  %b: f32[4,2] in arena 0..32 = add [elementwise/reference](%a, %z)
  %y: f32[4,2] in output 0 = exp [elementwise/reference](%b)
}
)");
}

constexpr std::string_view kResidual = R"(graph @g(%x: f32[N,2,2,1]) -> (%y: f32[N,2,2,1]) {
  %a = conv2d(%x, @f)
  %b = conv2d(%x, @f)
  %c = add(%a, %b) {activation=relu}
  %y = multiply(%c, @s)
}
variable @f: f32[1,1,1,1] = [2]
variable @s: f32[1] = [3]
)";

TEST(Plan, TheLaterConvolutionTakesWhatIsBehindIt) {
  EXPECT_EQ(PlanOf(kResidual), R"(plan @g {batch=1, threads=1, cpu=reference, arena=64} {
  %x: f32[1,2,2,1] in input 0
  @f: f32[1,1,1,1] in constant 0
  @s: f32[1] in constant 1
  %a: f32[1,2,2,1] in arena 0..16 = conv2d [conv2d_f32/reference](%x, @f, _, _)
  %y: f32[1,2,2,1] in output 0 = conv2d+add+multiply [conv2d_f32/reference](%x, @f, _, _, %a)
}
)");
}

TEST(Plan, WithoutFusionEveryNodeIsAStep) {
  CompileOptions options = Options();
  options.fuse_epilogues = false;
  EXPECT_EQ(MakePlan(Parse(kResidual), options)->steps.size(), 4u);
}

// A residual that is made after the convolution is not there yet when the convolution runs.
TEST(Plan, AResidualThatComesLaterIsNotFused) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[N,2,2,1]) -> (%y: f32[N,2,2,1]) {
  %a = conv2d(%x, @f)
  %b = exp(%x)
  %y = add(%a, %b)
}
variable @f: f32[1,1,1,1] = [2]
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=128} {
  %x: f32[1,2,2,1] in input 0
  @f: f32[1,1,1,1] in constant 0
  %a: f32[1,2,2,1] in arena 0..16 = conv2d [conv2d_f32/reference](%x, @f, _, _)
  %b: f32[1,2,2,1] in arena 64..80 = exp [elementwise/reference](%x)
  %y: f32[1,2,2,1] in output 0 = add [elementwise/reference](%a, %b)
}
)");
}

TEST(Plan, ASecondReaderOrAnOutputEndsTheChain) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[N,2,2,1]) -> (%a: f32[N,2,2,1], %d: f32[N,2,2,1]) {
  %a = conv2d(%x, @f)
  %b = multiply(%a, @s)
  %c = conv2d(%b, @f)
  %d = add(%c, %c)
}
variable @f: f32[1,1,1,1] = [2]
variable @s: f32[1] = [3]
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=128} {
  %x: f32[1,2,2,1] in input 0
  @f: f32[1,1,1,1] in constant 0
  @s: f32[1] in constant 1
  %a: f32[1,2,2,1] in output 0 = conv2d [conv2d_f32/reference](%x, @f, _, _)
  %b: f32[1,2,2,1] in arena 0..16 = multiply [elementwise/reference](%a, @s)
  %c: f32[1,2,2,1] in arena 64..80 = conv2d [conv2d_f32/reference](%b, @f, _, _)
  %d: f32[1,2,2,1] in output 1 = add [elementwise/reference](%c, %c)
}
)");
}

TEST(Plan, WhatTheProgramWritesIsNoConstant) {
  ir::Graph graph = Parse(kResidual);
  graph.value(graph.FindVariable("s")).set_host_written(true);
  EXPECT_EQ(PlanOf(graph), R"(plan @g {batch=1, threads=1, cpu=reference, arena=128} {
  %x: f32[1,2,2,1] in input 0
  @f: f32[1,1,1,1] in constant 0
  @s: f32[1] in variable 1
  %a: f32[1,2,2,1] in arena 0..16 = conv2d [conv2d_f32/reference](%x, @f, _, _)
  %c: f32[1,2,2,1] in arena 64..80 = conv2d+add [conv2d_f32/reference](%x, @f, _, _, %a)
  %y: f32[1,2,2,1] in output 0 = multiply [elementwise/reference](%c, @s)
}
)");
}

TEST(Plan, WhatAnOperatorWritesIsNoConstant) {
  EXPECT_EQ(PlanOf(R"(graph @g(%gradient: f32[2], %rate: f32[]) -> (%y: f32[2]) {
  %y = relu(@v)
  sgd_update(@v, %gradient, _, %rate)
}
variable @v: f32[2] = [1, 2]
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=0} {
  %gradient: f32[2] in input 0
  %rate: f32[] in input 1
  @v: f32[2] in variable 0
  %y: f32[2] in output 0 = relu [elementwise/reference](@v)
  sgd_update [updates/reference](@v, %gradient, _, %rate)
}
)");
}

TEST(Plan, AReshapeOfAnIntermediateValueIsAView) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[N,4]) -> (%y: f32[N,2,2]) {
  %0 = exp(%x)
  %1 = reshape(%0) {shape=[-1,2,2]}
  %2 = relu(%1)
  %3 = reshape(%2) {shape=[-1,4]}
  %4 = exp(%3)
  %y = reshape(%4) {shape=[-1,2,2]}
}
)",
                   3),
            R"(plan @g {batch=3, threads=1, cpu=reference, arena=64} {
  %x: f32[3,4] in input 0
  %0: f32[3,4] in arena 0..48 = exp [elementwise/reference](%x)
  %1: f32[3,2,2] in arena 0..48 is %0
  %2: f32[3,2,2] in arena 0..48 = relu [elementwise/reference](%1) in place
  %3: f32[3,4] in arena 0..48 is %2
  %4: f32[3,4] in output 0 = exp [elementwise/reference](%3)
  %y: f32[3,2,2] in output 0 is %4
}
)");
}

TEST(Plan, AReshapeOfAnInputAndOneOfTwoOutputsAreCopies) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[4]) -> (%a: f32[2,2], %b: f32[4], %c: f32[2,2]) {
  %a = reshape(%x) {shape=[2,2]}
  %b = exp(%x)
  %c = reshape(%b) {shape=[2,2]}
}
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=0} {
  %x: f32[4] in input 0
  %a: f32[2,2] in output 0 = reshape [layout/reference](%x)
  %b: f32[4] in output 1 = exp [elementwise/reference](%x)
  %c: f32[2,2] in output 2 = reshape [layout/reference](%b)
}
)");
}

TEST(Plan, OutputsThatAreSomethingElseAsWellAreCopied) {
  EXPECT_EQ(PlanOf(R"(graph @g(%x: f32[2]) -> (%x: f32[2], %y: f32[2], @v: f32[2], %y: f32[2]) {
  %y = exp(%x)
}
variable @v: f32[2] = [1, 2]
)"),
            R"(plan @g {batch=1, threads=1, cpu=reference, arena=0} {
  %x: f32[2] in input 0
  @v: f32[2] in constant 0
  %y: f32[2] in output 1 = exp [elementwise/reference](%x)
  %output_0: f32[2] in output 0 = copy [copy/reference](%x)
  %output_2: f32[2] in output 2 = copy [copy/reference](@v)
  %output_3: f32[2] in output 3 = copy [copy/reference](%y)
}
)");
}

TEST(Plan, SaysWhatIsWrong) {
  constexpr std::string_view kText = R"(graph @g(%x: f32[N,4]) -> (%y: f32[N,2]) {
  %y = fully_connected(%x, @w)
}
variable @w: f32[2,4]
)";
  ir::Graph graph = ir::Parse(kText).value();
  EXPECT_EQ(PlanOf(graph), "variable 'w' has no data");
  EXPECT_EQ(PlanOf(kText, 0), "batch must be from 1 to 2147483647, found 0");
  CompileOptions options = Options();
  options.threads = 0;
  EXPECT_EQ(MakePlan(Parse(kText), options).status().message(),
            "threads must be 1 to 256, found 0");
  graph = Parse(kText);
  graph.value(graph.inputs()[0]).mutable_type().dtype = DType::kI64;
  EXPECT_EQ(
      PlanOf(graph),
      "fully_connected(i64[1,4], f32[2,4], none): no kernel takes these operands -> f32[1,2]");
}

TEST(Plan, AVariableOnReadOnlyPagesIsNotUpdated) {
  ir::Graph graph = Parse(R"(graph @g(%gradient: f32[2], %rate: f32[]) -> (%gradient: f32[2]) {
  sgd_update(@v, %gradient, _, %rate)
}
variable @v: f32[2] = [1, 2]
)");
  const float values[] = {1, 2};
  ir::Value& variable = graph.value(graph.FindVariable("v"));
  variable.set_data(
      Tensor(variable.type(), Buffer::Wrap(values, sizeof(values), std::make_shared<int>(0))));
  EXPECT_EQ(PlanOf(graph), "variable 'v' is updated, but its data is mapped read-only");
}

// Two blocks of the arena that are needed at the same step never overlap, but where a result takes
// over its operand's.
TEST(Plan, NothingThatLivesIsOverwrittenInRandomGraphs) {
  struct Block {
    int64_t begin, end;
    int first, last;
    ir::ValueId takes_over;
  };
  for (uint64_t seed = 0; seed < 60; ++seed) {
    ir::RandomGraphOptions random;
    random.dtype = seed % 3 == 0 ? DType::kF32 : seed % 3 == 1 ? DType::kI8 : DType::kU8;
    const auto plan = MakePlan(ir::RandomGraph(seed, random), Options(2));
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    std::vector<int> last(plan->values.size(), -1);
    for (size_t s = 0; s < plan->steps.size(); ++s) {
      for (ir::ValueId id : plan->steps[s].operands) {
        if (id >= 0) last[static_cast<size_t>(plan->value(id).storage)] = static_cast<int>(s);
      }
    }
    std::map<ir::ValueId, Block> blocks;  // scratch of step s is -1 - s
    for (size_t s = 0; s < plan->steps.size(); ++s) {
      const PlanStep& step = plan->steps[s];
      const int now = static_cast<int>(s);
      for (ir::ValueId id : step.results) {
        const PlannedValue& value = plan->value(id);
        if (value.place != Place::kArena) continue;
        blocks[id] = {value.at, value.at + value.type.size_bytes(), now,
                      std::max(now, last[static_cast<size_t>(id)]),
                      step.over != ir::kNoValue ? plan->value(step.over).storage : ir::kNoValue};
      }
      if (step.scratch_bytes > 0) {
        blocks[-2 - now] = {step.scratch_at, step.scratch_at + step.scratch_bytes, now, now,
                            ir::kNoValue};
      }
    }
    for (const auto& [a, left] : blocks) {
      EXPECT_LE(left.end, plan->arena_bytes);
      for (const auto& [b, right] : blocks) {
        if (a >= b || left.takes_over == b || right.takes_over == a) continue;
        const bool together = left.first <= right.last && right.first <= left.last;
        EXPECT_FALSE(together && left.begin < right.end && right.begin < left.end)
            << "seed " << seed << ": " << PlanText(*plan);
      }
    }
  }
}

TEST(Bind, CopiesOfAPlanShareKernelsAndRunApart) {
  const ir::Graph graph = Parse(kResidual);
  const Plan plan = MakePlan(graph, Options()).value();
  Executable first = Bind(plan).value(), second = Bind(plan).value();
  EXPECT_EQ(first.plan().steps[0].kernel, second.plan().steps[0].kernel);
  const float x[] = {1, -2, 3, 4};
  float y[4] = {}, z[4] = {};
  const ConstTensorView input{&first.input_types()[0], x};
  const TensorView outputs[] = {{&first.output_types()[0], y}, {&first.output_types()[0], z}};
  ASSERT_TRUE(first.Run({&input, 1}, std::span(outputs).first(1)).ok());
  ASSERT_TRUE(second.Run({&input, 1}, std::span(outputs).last(1)).ok());
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{12, 0, 36, 48}));
  EXPECT_EQ(std::vector<float>(z, z + 4), std::vector<float>(y, y + 4));
}

TEST(Bind, AnOutputMayBeReadByALaterStep) {
  const ir::Graph graph = Parse(R"(graph @g(%x: f32[2]) -> (%a: f32[2], %b: f32[2]) {
  %a = add(%x, %x)
  %b = multiply(%a, %a)
}
)");
  const float x[] = {1, 3};
  const Tensor input = Tensor::FromValues<float>({DType::kF32, {2}, {}}, x).value();
  const auto outputs = RunOnce(graph, {&input, 1}, Options()).value();
  EXPECT_EQ(outputs[1].values<float>()[0], 4);
  EXPECT_EQ(outputs[1].values<float>()[1], 36);
}

// Kernels of this CPU work in scratch memory, those of the reference do not: the results of integer
// networks are the same bits.
TEST(Bind, ScratchIsNobodyElsesMemory) {
  ir::RandomGraphOptions random;
  random.dtype = DType::kI8;
  int compared = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const ir::Graph graph = ir::RandomGraph(seed, random);
    const auto inputs = ir::RandomInputs(graph, 2, seed).value();
    CompileOptions here = Options(2);
    here.cpu = CpuFeatures::Machine();
    const auto found = RunOnce(graph, inputs, here).value();
    const auto expected = RunOnce(graph, inputs, Options(2)).value();
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].type().dtype == DType::kF32) continue;  // it may end with a softmax of f32
      ++compared;
      EXPECT_EQ(std::memcmp(found[i].view().data, expected[i].view().data,
                            static_cast<size_t>(found[i].type().size_bytes())),
                0)
          << "seed " << seed << ", output " << i;
    }
  }
  EXPECT_GT(compared, 10);
}

TEST(Bind, RefusesAPoolOfAnotherSize) {
  ThreadPool pool;
  CompileOptions options = Options();
  options.threads = 2;
  Plan plan = MakePlan(Parse(kResidual), options).value();
  options.pool = &pool;
  EXPECT_EQ(Bind(std::move(plan), options).status().message(),
            "the pool has 1 threads, the plan needs 2");
}

TEST(Program, ProfileTimesEachStepOfThePlan) {
  const auto program = CpuBackend().Compile(Parse(kResidual), Options()).value();
  const float x[] = {1, 2, 3, 4};
  float y[4] = {};
  const ConstTensorView input{&program->input_types()[0], x};
  const TensorView output{&program->output_types()[0], y};
  const auto times = program->Profile({&input, 1}, {&output, 1}, 3).value();
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[1].info.op, "conv2d+add+multiply");
  EXPECT_EQ(times[1].runs, 3);
  EXPECT_GT(times[1].total_us, 0);
  EXPECT_EQ(y[0], 12);
  EXPECT_FALSE(program->Profile({}, {&output, 1}, 3).ok());
}

}  // namespace
}  // namespace tersor::runtime
