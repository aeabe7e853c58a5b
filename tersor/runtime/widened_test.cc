// Arithmetic on f16 and bf16: the bits of cast to f32, the operator, cast back.
#include "tersor/runtime/widened.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tersor/base/float16.h"
#include "tersor/base/random.h"
#include "tersor/ir/text_testing.h"
#include "tersor/runtime/executable.h"

namespace tersor::runtime {
namespace {

using ir::Parsed;

std::string With(std::string text, const std::string& dtype) {
  for (size_t at; (at = text.find('T')) != std::string::npos;) text.replace(at, 1, dtype);
  return text;
}

Tensor RandomHalves(const TensorType& type, uint64_t seed) {
  Tensor tensor = Tensor::Create(type).value();
  Random random(seed, 0);
  for (uint16_t& x : tensor.mutable_values<uint16_t>()) {
    const float value = std::abs(random.NextNormal()) + 0.1f;
    x = type.dtype == DType::kF16 ? FloatToF16(value) : FloatToBF16(value);
  }
  return tensor;
}

// One operator on values a, b, c of a type T, and the same between casts.
struct Case {
  const char* operands;  // types of a, b, c
  const char* op;        // reads %a, %b, %c
  const char* result;    // type
};

constexpr Case kCases[] = {
    {"T[2,7,7,3] T[5,3,3,3] T[5]", "conv2d(%a, %b, %c) {padding=same, activation=relu6}",
     "T[2,7,7,5]"},
    {"T[2,7,7,4] T[4,3,3,1]", "conv2d(%a, %b) {groups=4}", "T[2,5,5,4]"},
    {"T[3,20] T[9,20] T[9]", "fully_connected(%a, %b, %c)", "T[3,9]"},
    {"T[2,3,5,20] T[3,20,7]", "mat_mul(%a, %b)", "T[2,3,5,7]"},
    {"T[2,6,6,5]", "avg_pool2d(%a) {window=[2,2], strides=[2,2]}", "T[2,3,3,5]"},
    {"T[2,6,6,5]", "max_pool2d(%a) {window=[3,3]}", "T[2,4,4,5]"},
    {"T[4,19]", "softmax(%a)", "T[4,19]"},
    {"T[4,19]", "log_softmax(%a)", "T[4,19]"},
    {"T[4,19]", "reduce_mean(%a) {axes=[1]}", "T[4]"},
    {"T[4,19]", "reduce_max(%a) {axes=[0]}", "T[19]"},
    {"T[4,19] T[19]", "add(%a, %b) {activation=relu}", "T[4,19]"},
    {"T[4,19] T[4,1]", "divide(%a, %b)", "T[4,19]"},
    {"T[4,19]", "exp(%a)", "T[4,19]"},
    {"T[4,19]", "sigmoid(%a)", "T[4,19]"},
    {"T[4,19]", "rsqrt(%a)", "T[4,19]"},
    {"T[4,19]", "clamp(%a) {max=1, min=0.5}", "T[4,19]"},
    {"T[4,19] T[4,19]", "tanh_grad(%a, %b)", "T[4,19]"},
    {"T[2,3]", "pad(%a) {pads=[1,0,0,2], value=0.5}", "T[3,5]"},
};

// The graph of a case, with the operator on T itself or between casts.
ir::Graph GraphOf(const Case& c, const std::string& dtype, bool between_casts) {
  std::string inputs, casts, op = c.op, types = c.operands;
  char name = 'a';
  for (size_t at = 0; at < types.size(); ++name) {
    const size_t end = std::min(types.find(' ', at), types.size());
    const std::string letter(1, name);
    inputs += (name == 'a' ? "%" : ", %") + letter + ": " + types.substr(at, end - at);
    casts += "  %w" + letter + " = cast(%" + letter + ") {dtype=f32}\n";
    at = end + 1;
  }
  if (!between_casts) {
    return Parsed(With("graph @g(" + inputs + ") -> (%y: " + c.result + ") {\n  %y = ", dtype) +
                  op + "\n}\n");
  }
  for (size_t at = 0; (at = op.find('%', at)) != std::string::npos; ++at) op.insert(at + 1, "w");
  return Parsed(With("graph @g(" + inputs + ") -> (%y: " + c.result + ") {\n", dtype) + casts +
                "  %r = " + op + "\n  %y = cast(%r) {dtype=" + dtype + "}\n}\n");
}

TEST(Widened, GivesTheBitsOfTheOperatorBetweenCasts) {
  for (const std::string dtype : {"f16", "bf16"}) {
    for (const Case& c : kCases) {
      const ir::Graph direct = GraphOf(c, dtype, false), casts = GraphOf(c, dtype, true);
      std::vector<Tensor> inputs;
      for (ir::ValueId id : direct.inputs()) {
        inputs.push_back(RandomHalves(direct.value(id).type(), inputs.size() + 1));
      }
      const auto found = RunOnce(direct, inputs), expected = RunOnce(casts, inputs);
      ASSERT_TRUE(found.ok()) << found.status().message();
      ASSERT_TRUE(expected.ok()) << expected.status().message();
      ASSERT_EQ((*found)[0].type(), (*expected)[0].type());
      EXPECT_EQ(std::memcmp((*found)[0].view().data, (*expected)[0].view().data,
                            static_cast<size_t>((*found)[0].type().size_bytes())),
                0)
          << dtype << ' ' << c.op;
    }
  }
}

TEST(Widened, SixteenBitFloatsRoundOnce) {
  for (const std::string dtype : {"f16", "bf16"}) {
    const auto to = dtype == "f16" ? FloatToF16 : FloatToBF16;
    const ir::Graph graph = Parsed(
        With("graph @g(%a: T[1], %b: T[1]) -> (%y: T[1]) {\n  %y = add(%a, %b)\n}\n", dtype));
    const TensorType type = graph.value(graph.inputs()[0]).type();
    const uint16_t a[] = {to(1.0f)}, b[] = {to(0.375f)};
    const Tensor inputs[] = {Tensor::FromValues<uint16_t>(type, a).value(),
                             Tensor::FromValues<uint16_t>(type, b).value()};
    const auto outputs = RunOnce(graph, inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.status().message();
    EXPECT_EQ((*outputs)[0].values<uint16_t>()[0], to(1.375f)) << dtype;
  }
}

TEST(Widened, ConstantsAreWidenedWhenTheKernelIsMade) {
  ir::Graph graph = Parsed(R"(graph @g(%x: bf16[N,20]) -> (%y: bf16[N,9]) {
  %y = fully_connected(%x, @filter)
}
variable @filter: bf16[9,20]
)");
  ir::Value& filter = graph.value(graph.FindVariable("filter"));
  filter.set_data(RandomHalves(filter.type(), 7));
  auto compiled = Compile(graph, {.batch = 3});
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  EXPECT_TRUE(compiled->plan().steps[0].info.kernel.ends_with(" widened"))
      << compiled->plan().steps[0].info.kernel;
  EXPECT_GE(compiled->packed_bytes(), 9 * 20 * 4);
}

TEST(Widened, LeavesCasesWithoutHalvesAndLongChainsAlone) {
  const auto never = [](const kernels::KernelSpec&) -> ChosenKernel {
    ADD_FAILURE() << "asked for a kernel";
    return {};
  };
  const TensorType f32{DType::kF32, {4}, {}}, f16{DType::kF16, {4}, {}};
  const ConstTensorView full[] = {{&f32, nullptr}}, half[] = {{&f16, nullptr}};
  kernels::KernelSpec spec;
  spec.operands = full;
  spec.results = {&f32, 1};
  EXPECT_EQ(Widen(spec, never).kernel, nullptr);
  const kernels::Epilogue link{};
  spec.operands = half;
  spec.results = {&f16, 1};
  spec.epilogue = {&link, 1};
  EXPECT_EQ(Widen(spec, never).kernel, nullptr);
}

}  // namespace
}  // namespace tersor::runtime
