// The gradient of every row of gradients.inc against finite differences of the forward graph.
#include "tersor/transforms/differentiate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/testing.h"

namespace tersor::transforms {
namespace {

struct GradientCase {
  const char* op;    // the row of gradients.inc that it is for
  const char* text;  // one output %y; every f32 variable is differentiated
};

// Inputs are drawn from a normal distribution; "positive" ones from [0.5, 1.5].
constexpr GradientCase kCases[] = {
    {"Add",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = add(@a, @b)\n}\nvariable @a: f32[2,3]\nvariable @b: "
     "f32[3]\n"},
    {"Add",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = add(@a, @b) {activation=relu}\n}\nvariable @a: "
     "f32[2,3]\nvariable @b: f32[2,1]\n"},
    {"Add",  // below, between and above the bounds of the activation
     "graph @g() -> (%y: f32[6]) {\n  %y = add(@a, @b) {activation=relu6}\n}\nvariable @a: f32[6] "
     "= [-3, 1, 5, 7, 9, 2]\nvariable @b: f32[1] = [0.25]\n"},
    {"AllReduceSum",
     "graph @g() -> (%y: f32[3]) {\n  %y = all_reduce_sum(@a)\n}\nvariable @a: f32[3]\n"},
    {"AvgPool2d",
     "graph @g() -> (%y: f32[1,3,3,2]) {\n  %y = avg_pool2d(@a) {window=[3,2], strides=[2,2], "
     "padding=same}\n}\nvariable @a: f32[1,5,5,2]\n"},
    {"AvgPool2d",
     "graph @g() -> (%y: f32[1,3,3,2]) {\n  %y = avg_pool2d(@a) {window=[2,2], strides=[2,2], "
     "padding=same, count_padding=true}\n}\nvariable @a: f32[1,5,5,2]\n"},
    {"BatchNorm",
     "graph @g() -> (%y: f32[4,3]) {\n  %0 = batch_norm_moments(@a)\n  %1 = all_reduce_sum(%0)\n  "
     "%2, %3, %4 = batch_norm_statistics(%1)\n  %y = batch_norm(@a, @s, @o, %2, %3)\n}\nvariable "
     "@a: f32[4,3]\nvariable @s: f32[3]\nvariable @o: f32[3]\n"},
    {"BatchNorm",
     "graph @g(%m: f32[3], %v.positive: f32[3]) -> (%y: f32[2,2,2,3]) {\n  %y = batch_norm(@a, @s, "
     "@o, %m, %v.positive)\n}\nvariable @a: f32[2,2,2,3]\nvariable @s: f32[3]\nvariable @o: "
     "f32[3]\n"},
    {"BroadcastTo",
     "graph @g() -> (%y: f32[2,3,4]) {\n  %y = broadcast_to(@a) {shape=[2,3,4]}\n}\nvariable @a: "
     "f32[3,1]\n"},
    {"Cast",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = cast(@a) {dtype=f32}\n}\nvariable @a: f32[2,3]\n"},
    {"Concat",
     "graph @g() -> (%y: f32[2,5]) {\n  %y = concat(@a, @b) {axis=1}\n}\nvariable @a: "
     "f32[2,3]\nvariable @b: f32[2,2]\n"},
    {"Conv2d",
     "graph @g() -> (%y: f32[2,5,6,4]) {\n  %y = conv2d(@a, @f, @b) {padding=same}\n}\nvariable "
     "@a: f32[2,5,6,3]\nvariable @f: f32[4,3,3,3]\nvariable @b: f32[4]\n"},
    {"Conv2d",
     "graph @g(%p: f32[2]) -> (%y: f32[1,3,3,4]) {\n  %y = conv2d(@a, @f, @b, %p) {padding=same, "
     "strides=[2,2], activation=relu}\n}\nvariable @a: f32[1,6,5,2]\nvariable @f: "
     "f32[4,3,3,2]\nvariable @b: f32[4]\n"},
    {"Conv2d",
     "graph @g() -> (%y: f32[1,4,4,4]) {\n  %y = conv2d(@a, @f) {padding=[1,2,2,1], "
     "dilations=[2,1], groups=2}\n}\nvariable @a: f32[1,5,3,4]\nvariable @f: f32[4,3,3,2]\n"},
    {"Conv2d",
     "graph @g() -> (%y: f32[2,5,5,3]) {\n  %y = conv2d(@a, @f) {padding=same, "
     "groups=3}\n}\nvariable @a: f32[2,5,5,3]\nvariable @f: f32[3,3,3,1]\n"},
    {"CrossEntropy",
     "graph @g(%l: i32[4]) -> (%y: f32[4]) {\n  %y = cross_entropy(@a, %l) "
     "{label_smoothing=0.1}\n}\nvariable @a: f32[4,5]\n"},
    {"Divide",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = divide(@a, @b.positive)\n}\nvariable @a: "
     "f32[2,3]\nvariable @b.positive: f32[3]\n"},
    {"Dropout",
     "graph @g(%n: i64[]) -> (%y: f32[4,6]) {\n  %y = dropout(@a, %n) {rate=0.4, "
     "seed=3}\n}\nvariable @a: f32[4,6]\n"},
    {"CrossEntropy",
     "graph @g() -> (%y: f32[4]) {\n  %y = cross_entropy(@a, @l) {label_smoothing=0.1}\n}\n"
     "variable @a: f32[4,5]\nvariable @l: f32[4,5]\n"},
    {"CrossEntropy",
     "graph @g(%l.positive: f32[4,5]) -> (%y: f32[4]) {\n  %y = cross_entropy(@a, %l.positive) "
     "{label_smoothing=0.1}\n}\nvariable @a: f32[4,5]\n"},
    {"Embedding",
     "graph @g(%l: i32[3,2]) -> (%y: f32[3,2,4]) {\n  %y = embedding(@a, %l)\n}\nvariable @a: "
     "f32[5,4]\n"},
    {"Exp", "graph @g() -> (%y: f32[2,3]) {\n  %y = exp(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"FullyConnected",
     "graph @g() -> (%y: f32[3,4]) {\n  %y = fully_connected(@a, @f, @b) "
     "{activation=relu}\n}\nvariable @a: f32[3,5]\nvariable @f: f32[4,5]\nvariable @b: f32[4]\n"},
    {"LeakyRelu",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = leaky_relu(@a) {slope=0.3}\n}\nvariable @a: "
     "f32[2,3]\n"},
    {"Log",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = log(@a.positive)\n}\nvariable @a.positive: "
     "f32[2,3]\n"},
    {"LogSoftmax",
     "graph @g() -> (%y: f32[2,5]) {\n  %y = log_softmax(@a)\n}\nvariable @a: f32[2,5]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[3,4]) {\n  %y = mat_mul(@a, @b)\n}\nvariable @a: f32[3,5]\nvariable "
     "@b: f32[5,4]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[3,4]) {\n  %y = mat_mul(@a, @b) {transpose_lhs=true}\n}\nvariable @a: "
     "f32[5,3]\nvariable @b: f32[5,4]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[3,4]) {\n  %y = mat_mul(@a, @b) {transpose_rhs=true}\n}\nvariable @a: "
     "f32[3,5]\nvariable @b: f32[4,5]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[3,4]) {\n  %y = mat_mul(@a, @b) {transpose_lhs=true, "
     "transpose_rhs=true}\n}\nvariable @a: f32[5,3]\nvariable @b: f32[4,5]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[2,3,2,4]) {\n  %y = mat_mul(@a, @b)\n}\nvariable @a: "
     "f32[2,1,2,5]\nvariable @b: f32[3,5,4]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[2,3,4]) {\n  %y = mat_mul(@a, @b) {transpose_rhs=true}\n}\nvariable "
     "@a: f32[2,3,5]\nvariable @b: f32[4,5]\n"},
    {"MatMul",
     "graph @g() -> (%y: f32[2,3,4]) {\n  %y = mat_mul(@a, @b) {transpose_lhs=true}\n}\nvariable "
     "@a: f32[5,3]\nvariable @b: f32[2,5,4]\n"},
    {"MaxPool2d",
     "graph @g() -> (%y: f32[1,3,3,2]) {\n  %y = max_pool2d(@a) {window=[2,2], strides=[2,2], "
     "padding=same}\n}\nvariable @a: f32[1,5,5,2]\n"},
    {"MaxPool2d",
     "graph @g() -> (%y: f32[2,2,2,3]) {\n  %y = max_pool2d(@a) {window=[2,2], "
     "strides=[2,2]}\n}\nvariable @a: f32[2,4,4,3]\n"},
    {"Multiply",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = multiply(@a, @b)\n}\nvariable @a: f32[2,3]\nvariable "
     "@b: f32[3]\n"},
    {"Multiply",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = multiply(@a, @a) {activation=relu6}\n}\nvariable @a: "
     "f32[2,3]\n"},
    {"Negate", "graph @g() -> (%y: f32[2,3]) {\n  %y = negate(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"Pad",
     "graph @g() -> (%y: f32[4,6]) {\n  %y = pad(@a) {pads=[1,1,2,1]}\n}\nvariable @a: f32[2,3]\n"},
    {"ReduceMean",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = reduce_mean(@a) {axes=[1,2]}\n}\nvariable @a: "
     "f32[2,4,2,3]\n"},
    {"ReduceSum",
     "graph @g() -> (%y: f32[1,3]) {\n  %y = reduce_sum(@a) {axes=[0], "
     "keep_dims=true}\n}\nvariable @a: f32[4,3]\n"},
    {"Relu", "graph @g() -> (%y: f32[2,3]) {\n  %y = relu(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"Relu6",
     "graph @g() -> (%y: f32[4]) {\n  %y = relu6(@a)\n}\nvariable @a: f32[4] = [-1, 2, 5, 7]\n"},
    {"Relu6", "graph @g() -> (%y: f32[2,3]) {\n  %y = relu6(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"Reshape",
     "graph @g() -> (%y: f32[3,2]) {\n  %y = reshape(@a) {shape=[3,2]}\n}\nvariable @a: "
     "f32[2,3]\n"},
    {"Rsqrt",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = rsqrt(@a.positive)\n}\nvariable @a.positive: "
     "f32[2,3]\n"},
    {"Sigmoid", "graph @g() -> (%y: f32[2,3]) {\n  %y = sigmoid(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"Slice",
     "graph @g() -> (%y: f32[2,2]) {\n  %y = slice(@a) {begin=[1,1], shape=[2,2]}\n}\nvariable @a: "
     "f32[3,4]\n"},
    {"Softmax", "graph @g() -> (%y: f32[2,5]) {\n  %y = softmax(@a)\n}\nvariable @a: f32[2,5]\n"},
    {"Sqrt",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = sqrt(@a.positive)\n}\nvariable @a.positive: "
     "f32[2,3]\n"},
    {"Subtract",
     "graph @g() -> (%y: f32[2,3]) {\n  %y = subtract(@a, @b)\n}\nvariable @a: f32[2,3]\nvariable "
     "@b: f32[2,1]\n"},
    {"Tanh", "graph @g() -> (%y: f32[2,3]) {\n  %y = tanh(@a)\n}\nvariable @a: f32[2,3]\n"},
    {"Transpose",
     "graph @g() -> (%y: f32[3,2,4]) {\n  %y = transpose(@a) {permutation=[1,0,2]}\n}\nvariable "
     "@a: f32[2,3,4]\n"},
};

// Sums are in double; one step of the differences moves an f32 element, so the error of a
// difference is about 1e-7 / kStep plus kStep squared.
constexpr float kStep = 4e-3f;
constexpr double kTolerance = 3e-3;  // of 1 + the largest gradient

Result<std::vector<Tensor>> InputsOf(const ir::Graph& graph) {
  std::vector<Tensor> inputs;
  for (ir::ValueId id : graph.inputs()) {
    TensorType type = graph.value(id).type();
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, RandomTensor(type, graph.value(id).name(), 11));
    if (type.dtype == DType::kI32) {  // labels
      for (int32_t& label : tensor.mutable_values<int32_t>()) label = (label % 5 + 5) % 5;
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

void CheckCase(const GradientCase& test) {
  auto graph = ir::Parse(test.text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_TRUE(FillVariables(*graph, 5).ok());
  auto inputs = InputsOf(*graph);
  ASSERT_TRUE(inputs.ok());
  const ir::ValueId y = graph->outputs()[0];
  auto weights = RandomTensor(graph->value(y).type(), "weights", 3);
  ASSERT_TRUE(weights.ok());

  std::vector<ir::ValueId> targets = graph->variables();
  ir::Graph forward = graph->Clone();
  const ir::ValueId seed = graph->AddVariable("seed", *weights, false);
  auto gradients = Differentiate(*graph, y, seed, targets);
  ASSERT_TRUE(gradients.ok()) << gradients.status().message();
  graph->SetOutputs(*gradients);
  auto found = runtime::RunOnce(*graph, *inputs);
  ASSERT_TRUE(found.ok()) << found.status().message();

  auto loss = [&]() -> double {
    auto outputs = runtime::RunOnce(forward, *inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.status().message();
    const auto values = (*outputs)[0].values<float>(), w = weights->values<float>();
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += double{values[i]} * w[i];
    return sum;
  };
  for (size_t t = 0; t < targets.size(); ++t) {
    SCOPED_TRACE(forward.value(targets[t]).name());
    ASSERT_EQ((*found)[t].type().shape, forward.value(targets[t]).type().shape);
    Tensor target = forward.value(targets[t]).data();  // shares its storage with the graph
    auto values = target.mutable_values<float>();
    const auto gradient = (*found)[t].values<float>();
    double largest = 0;
    for (float g : gradient) largest = std::max(largest, std::fabs(double{g}));
    for (size_t i = 0; i < values.size(); ++i) {
      const float center = values[i];
      values[i] = center + kStep;
      const double above = loss(), up = values[i];
      values[i] = center - kStep;
      const double below = loss(), down = values[i];
      values[i] = center;
      EXPECT_NEAR(gradient[i], (above - below) / (up - down), kTolerance * (1 + largest)) << i;
    }
  }
}

TEST(Differentiate, EveryGradientMatchesFiniteDifferences) {
  for (const GradientCase& test : kCases) {
    SCOPED_TRACE(test.text);
    CheckCase(test);
  }
}

TEST(Differentiate, EveryRowHasACase) {
  std::set<std::string> rows, covered;
#define GRADIENT(op) rows.insert(#op);
#include "tersor/transforms/gradients.inc"
#undef GRADIENT
  for (const GradientCase& test : kCases) covered.insert(test.op);
  EXPECT_EQ(rows, covered);
}

TEST(Differentiate, SumsOverTwoUses) {
  CheckCase({"Add", R"(graph @g() -> (%y: f32[2,3]) {
  %0 = multiply(@a, @b)
  %1 = exp(@a)
  %y = add(%0, %1)
}
variable @a: f32[2,3]
variable @b: f32[3]
)"});
}

TEST(Differentiate, NamesAnOperatorWithoutGradient) {
  auto graph = ir::Parse(R"(graph @g(%s: f32[2]) -> (%y: f32[2]) {
  %y = clamp(@a) {min=0, max=1}
}
variable @a: f32[2]
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<ir::ValueId> targets = graph->variables();
  auto result = Differentiate(*graph, graph->outputs()[0], graph->inputs()[0], targets);
  EXPECT_EQ(result.status().message(), "differentiate: clamp has no gradient");
}

TEST(Differentiate, ATargetThatDoesNotMatterGetsNone) {
  auto graph = ir::Parse(R"(graph @g(%s: f32[2]) -> (%y: f32[2]) {
  %y = exp(@a)
  %0 = exp(@b)
}
variable @a: f32[2]
variable @b: f32[2]
)");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<ir::ValueId> targets = graph->variables();
  auto result = Differentiate(*graph, graph->outputs()[0], graph->inputs()[0], targets);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_NE((*result)[0], ir::kNoValue);
  EXPECT_EQ((*result)[1], ir::kNoValue);
}

}  // namespace
}  // namespace tersor::transforms
