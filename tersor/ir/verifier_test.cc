#include "tersor/ir/verifier.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tersor/ir/text.h"

namespace tersor::ir {
namespace {

// What Verify says of a graph that `change` has damaged.
std::string VerifyAfter(const std::function<void(Graph&)>& change) {
  auto graph = Parse(R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %0 = add(%x, @w)
  %y = clamp(%0) {max=6, min=0}
  moving_average_update(@average, @w)
}
variable @w: f32[2] trainable = [1, 2]
variable @average: f32[2] = [0, 0]
)");
  TERSOR_CHECK(graph.ok());
  change(*graph);
  const Status status = Verify(*graph);
  return status.ok() ? "ok" : status.message();
}

Node* NodeAt(Graph& graph, size_t i) { return graph.nodes()[i].get(); }
Value& ResultOf(Graph& graph, size_t i) { return graph.value(NodeAt(graph, i)->result()); }

TEST(Verify, AcceptsAGraph) {
  EXPECT_EQ(VerifyAfter([](Graph&) {}), "ok");
}

TEST(Verify, TakesAnInputOrAVariableAsOutput) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              g.SetOutputs({g.inputs()[0], g.variables()[0], g.inputs()[0]});
            }),
            "ok");
}

TEST(Verify, FindsAnOutputThatDoesNotExist) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.AddOutput(77); }),
            "output 77 is not a value of the graph");
}

TEST(Verify, FindsAValueUsedBeforeItIsMade) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.SetOperand(NodeAt(g, 0), 0, NodeAt(g, 1)->result()); }),
            "node 0: add: operand 0 is used before it is made");
}

TEST(Verify, FindsAnOperandThatWasRemoved) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.SetOperand(NodeAt(g, 0), 1, 50); }),
            "node 0: add: operand 1 is no value");
}

TEST(Verify, FindsAMissingOperand) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.SetOperand(NodeAt(g, 0), 1, kNoValue); }),
            "node 0: add: operand rhs is missing");
}

TEST(Verify, FindsAnOperandTooMany) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.SetOperand(NodeAt(g, 1), 1, g.inputs()[0]); }),
            "node 1 (%y): clamp: 2 operands, expected at most 1");
}

TEST(Verify, FindsAttributes) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { NodeAt(g, 1)->mutable_attributes().Erase(Attr::max); }),
            "node 1 (%y): clamp: attribute max is missing");
  EXPECT_EQ(VerifyAfter([](Graph& g) { NodeAt(g, 0)->mutable_attributes().Set(Attr::rate, 0.5); }),
            "node 0: add: attribute rate does not belong to this operator");
}

TEST(Verify, FindsAResultOfAnotherType) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              ResultOf(g, 0).mutable_type().shape = Shape{kBatch, 3};
            }),
            "node 0: add: sum is f32[N,3], its operands give f32[N,2]");
  EXPECT_EQ(VerifyAfter([](Graph& g) { ResultOf(g, 0).mutable_type().dtype = DType::kF16; }),
            "node 0: add: result is f32[N,2], not f16");
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              ResultOf(g, 0).mutable_type().shape = Shape{kBatch, 0};
            }),
            "node 0: add: f32[N,0]: axis 1 has extent 0, expected 1 to 2147483647");
}

TEST(Verify, FindsAnInputOfAnotherShapeThanTheNodesWereMadeFor) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              g.value(g.inputs()[0]).mutable_type().shape = Shape{kBatch, 3};
            }),
            "node 0: add: cannot broadcast [N,3] with [2]");
}

TEST(Verify, FindsAWrittenOperandThatIsNoVariable) {
  EXPECT_EQ(VerifyAfter([](Graph& g) { g.SetOperand(NodeAt(g, 2), 0, g.inputs()[0]); }),
            "node 2: moving_average_update: variable is written, so it must be a variable");
}

TEST(Verify, FindsQuantizationThatDoesNotFit) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              g.value(g.variables()[0]).mutable_type().quantization = Quantization{{1}, {0}, -1};
            }),
            "variable 'w': f32[2] cannot have a scale");
}

TEST(Verify, FindsDataOfAnotherType) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              Value& w = g.value(g.variables()[0]);
              w.set_data(Tensor({DType::kF32, {1, 2}, {}}, w.data().buffer()));
            }),
            "variable 'w': its data is f32[1,2], its type f32[2]");
}

TEST(Verify, FindsDataOfAnotherSize) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              Value& w = g.value(g.variables()[0]);
              w.set_data(Tensor(w.type(), Buffer::Allocate(4).value()));
            }),
            "variable 'w': its data has 4 bytes, f32[2] needs 8");
}

TEST(Verify, FindsAVariableWithASymbolicBatch) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              g.AddVariable("v", TensorType{DType::kF32, {kBatch}, std::nullopt}, false);
            }),
            "variable 'v': f32[N] has a symbolic extent");
}

TEST(Verify, FindsAnInputWithoutName) {
  EXPECT_EQ(VerifyAfter([](Graph& g) {
              g.AddInput("", {DType::kF32, {2}, std::nullopt});
            }),
            "input '': it has no name");
}

}  // namespace
}  // namespace tersor::ir
