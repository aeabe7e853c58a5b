// Graphs to files and back; what the format cannot say; damaged files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/formats/formats_testing.h"
#include "tersor/formats/tflite/model.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/random_graph.h"
#include "tersor/ir/text_testing.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::tflite {
namespace {

using ::testing::HasSubstr;

// What the format carries of a graph: of the metadata what an application needs, trainable floats.
ir::Graph Carried(const ir::Graph& graph) {
  ir::Graph copy = graph.Clone();
  std::erase_if(copy.mutable_metadata(), [](const auto& item) {
    return item.first != "description" && item.first != "normalize" && item.first != "classes";
  });
  for (ir::ValueId id : copy.variables()) {
    copy.value(id).set_trainable(IsFloat(copy.value(id).type().dtype));
  }
  return copy;
}

std::string Written(const ir::Graph& graph) {
  auto bytes = Export(graph, {});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *bytes : "";
}

std::string Refusal(const ir::Graph& graph) { return Export(graph, {}).status().message(); }

// The text of the graph that comes back.
std::string Through(const ir::Graph& graph) {
  auto back = Import(ToBuffer(Written(graph)));
  return back.ok() ? ir::Print(*back, {.data = true}) : back.status().message();
}

using ir::Parsed;

#define EXPECT_ROUND_TRIP(text) EXPECT_EQ(Through(Parsed(text)), text)

TEST(Export, RoundTripOfSamples) {
  for (const ir::Graph& graph : {FloatSample(), Int8Sample()}) {
    SCOPED_TRACE(graph.name());
    const std::string bytes = Written(graph);
    EXPECT_TRUE(Recognize(std::as_bytes(std::span(bytes))));
    auto back = Import(ToBuffer(bytes));
    ASSERT_TRUE(back.ok()) << back.status().message();
    ExpectSameGraph(Carried(graph), *back);
    EXPECT_EQ(Written(*back), bytes);
  }
}

TEST(Export, EncodedWeightsAreWrittenDense) {
  ir::Graph graph = ir::Graph("g");
  const ir::ValueId x = graph.AddInput("x", {DType::kF32, {kBatch, 64}, {}});
  ir::Graph sample = EncodedSample();
  const ir::Value& filter = sample.value(sample.FindVariable("first.filter"));
  const ir::ValueId weight = graph.AddVariable("w", filter.encoded(), true);
  graph.AddOutput(graph.AddNode(ir::OpKind::kFullyConnected, {x, weight}).value()->result());
  ir::Graph dense = graph.Clone();
  dense.value(weight).set_data(filter.data());
  EXPECT_EQ(Written(graph), Written(dense));
}

TEST(Export, ScalesForGroupsAreRefused) {
  EXPECT_EQ(
      Refusal(Parsed("graph @g(%x: f32[N,4]) -> (%0: f32[N,4]) {\n"
                     "  %1 = dequantize(@w)\n"
                     "  %0 = add(%x, %1)\n"
                     "}\n"
                     "variable @w: i8[4] q([1, 2], [0, 0], axis=0, group=2) = [1, 2, 3, 4]\n")),
      "'w' has a scale for each group, which is not written");
}

TEST(Export, RoundTripOfOperators) {
  EXPECT_ROUND_TRIP(
      "graph @g(%x: f32[N,6,6,4]) -> (%y: f32[N,2]) {\n"
      "  %0 = clamp(%x) {max=1, min=-1}\n"
      "  %1 = pad(%0) {pads=[0,0,1,0,0,1,0,0]}\n"
      "  %2 = pad(%1) {pads=[0,0,0,1,1,0,0,0], value=0.5}\n"
      "  %3 = transpose(%2) {permutation=[0,2,1,3]}\n"
      "  %4 = avg_pool2d(%3) {activation=relu, padding=same, strides=[2,1], window=[3,2]}\n"
      "  %5 = max_pool2d(%4) {strides=[2,2], window=[2,2]}\n"
      "  %6 = concat(%5, %5, %5) {axis=3}\n"
      "  %7 = reduce_mean(%6) {axes=[1,2]}\n"
      "  %8 = sigmoid(%7)\n"
      "  %9 = tanh(%8)\n"
      "  %10 = exp(%9)\n"
      "  %11 = log(%10)\n"
      "  %12 = sqrt(%10)\n"
      "  %13 = rsqrt(%12)\n"
      "  %14 = negate(%13)\n"
      "  %15 = relu(%14)\n"
      "  %16 = relu6(%15)\n"
      "  %17 = subtract(%16, %11)\n"
      "  %18 = divide(%17, %10)\n"
      "  %19 = maximum(%18, @c)\n"
      "  %20 = minimum(@c, %19)\n"
      "  %21 = multiply(%20, @c) {activation=relu6}\n"
      "  %22 = reduce_sum(%21) {axes=[1], keep_dims=true}\n"
      "  %23 = reduce_max(%21) {axes=[1], keep_dims=true}\n"
      "  %24 = concat(%22, %23) {axis=1}\n"
      "  %y = log_softmax(%24)\n"
      "}\n"
      "variable @c: f32[1] trainable = [0.5]\n");
}

TEST(Export, RoundTripOfKindsOfWeights) {
  EXPECT_ROUND_TRIP(
      "graph @g(%x: f32[N,4,4,2]) -> (%y: f32[N,4,4,2]) {\n"
      "  %0 = cast(@half) {dtype=f32}\n"
      "  %1 = conv2d(%x, %0) {dilations=[1,2], groups=2, padding=same}\n"
      "  %2 = conv2d(%1, @byte, @bias) {activation=relu}\n"
      "  %3 = dequantize(@byte2)\n"
      "  %y = conv2d(%2, %3)\n"
      "}\n"
      "variable @half: f16[2,1,3,1] trainable = base64 \"AAAAPAAAAAAAPAAA\"\n"
      "variable @byte: i8[2,1,1,2] q([0.5, 0.25], [0, 0], axis=0) = [1, 2, 3, 4]\n"
      "variable @bias: f32[2] trainable = [0.5, -0.5]\n"
      "variable @byte2: i8[2,1,1,2] q(0.5, 3) = [5, 6, 7, 8]\n");
}

TEST(Export, RoundTripOfIntegerEnds) {
  EXPECT_ROUND_TRIP(
      "graph @g(%x: u8[N,3] q(0.5, 128)) -> (%y: u8[N,3] q(0.25, 0)) {\n"
      "  %0: i8[N,3] q(0.5, 0) = quantize(%x)\n"
      "  %1 = dequantize(%0)\n"
      "  %2: i8[N,3] q(0.25, -5) = quantize(%1)\n"
      "  %3: i8[N,3] q(0.00390625, -128) = sigmoid(%2)\n"
      "  %4: i8[N,3] q(0.0078125, 0) = tanh(%3)\n"
      "  %y: u8[N,3] q(0.25, 0) = quantize(%4)\n"
      "}\n");
}

TEST(Export, ExplicitPaddingBecomesAPadBefore) {
  auto conv = [](std::string padding, std::string size) {
    return Through(Parsed("graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N," + size +
                          ",1]) {\n  %y = conv2d(%x, @w) {padding=" + padding +
                          ", strides=[2,2]}\n}\nvariable @w: f32[1,3,3,1] trainable = "
                          "[1, 2, 3, 4, 5, 6, 7, 8, 9]\n"));
  };
  EXPECT_THAT(conv("[1,1,2,0]", "3,3"), HasSubstr("  %0 = pad(%x) {pads=[0,0,1,1,2,0,0,0]}\n"
                                                  "  %y = conv2d(%0, @w) {strides=[2,2]}\n"));
  EXPECT_THAT(conv("[0,1,0,1]", "3,3"),
              HasSubstr("%y = conv2d(%x, @w) {padding=same, strides=[2,2]}"));
  EXPECT_THAT(conv("[0,0,0,0]", "2,2"), HasSubstr("%y = conv2d(%x, @w) {strides=[2,2]}"));
  const std::string pool =
      "graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N,6,6,1]) {\n  %y = OP(%x) {padding=[1,1,1,1], "
      "window=[3,3]}\n}\n";
  auto with = [&](std::string op) {
    return Parsed(std::string(pool).replace(pool.find("OP"), 2, op));
  };
  EXPECT_THAT(Through(with("max_pool2d")), HasSubstr("{padding=same, window=[3,3]}"));
  EXPECT_THAT(
      Through(Parsed("graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N,5,5,1]) {\n  %y = avg_pool2d(%x) "
                     "{count_padding=true, padding=[1,0,1,0], window=[3,3]}\n}\n")),
      HasSubstr("  %0 = pad(%x) {pads=[0,0,1,0,1,0,0,0]}\n"
                "  %y = avg_pool2d(%0) {window=[3,3]}\n"));
}

TEST(Export, ZerosThatCountInAMeanArePaddedBefore) {
  EXPECT_THAT(
      Through(Parsed("graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N,3,6,1]) {\n  %y = avg_pool2d(%x) "
                     "{count_padding=true, padding=same, strides=[2,1], window=[3,3]}\n}\n")),
      HasSubstr("  %0 = pad(%x) {pads=[0,0,0,1,1,1,0,0]}\n"
                "  %y = avg_pool2d(%0) {strides=[2,1], window=[3,3]}\n"));
}

TEST(Export, ScalesThatTheFormatTiesAreChangedByAQuantize) {
  EXPECT_THAT(
      Through(Parsed("graph @g(%x: i8[N,6,6,1] q(0.5, 0)) -> (%y: i8[N,3,3,1] q(0.25, 1)) {\n"
                     "  %y: i8[N,3,3,1] q(0.25, 1) = avg_pool2d(%x) "
                     "{strides=[2,2], window=[2,2]}\n}\n")),
      HasSubstr("  %0: i8[N,3,3,1] q(0.5, 0) = avg_pool2d(%x) {strides=[2,2], window=[2,2]}\n"
                "  %y: i8[N,3,3,1] q(0.25, 1) = quantize(%0)\n"));
  EXPECT_THAT(Through(Parsed("graph @g(%x: i8[N,2] q(0.5, 0), %z: i8[N,2] q(1, 0)) -> "
                             "(%y: i8[N,2] q(1, 0)) {\n"
                             "  %y: i8[N,2] q(1, 0) = maximum(%x, %z)\n}\n")),
              HasSubstr("  %0: i8[N,2] q(1, 0) = quantize(%x)\n"
                        "  %y: i8[N,2] q(1, 0) = maximum(%0, %z)\n"));
}

TEST(Export, ConvolutionsWithoutABiasComeBackWithoutOne) {
  EXPECT_ROUND_TRIP(
      "graph @g(%x: i8[N,3,3,2] q(0.5, 1)) -> (%y: i8[N,3,3,2] q(1, 0)) {\n"
      "  %y: i8[N,3,3,2] q(1, 0) = conv2d(%x, @w)\n"
      "}\n"
      "variable @w: i8[2,1,1,2] q([0.5, 0.25], [0, 0], axis=0) = [1, 2, 3, 4]\n");
}

TEST(Export, StatesTheScaleOfABias) {
  EXPECT_THAT(Through(Parsed("graph @g(%x: i8[N,2] q(0.5, 3)) -> (%y: i8[N,2] q(1, 0)) {\n"
                             "  %y: i8[N,2] q(1, 0) = fully_connected(%x, @w, @b)\n}\n"
                             "variable @w: i8[2,2] q([0.5, 0.25], [0, 0], axis=0) = [1, 2, 3, 4]\n"
                             "variable @b: i32[2] = [100, -100]\n")),
              HasSubstr("variable @b: i32[2] q([0.25, 0.125], [0, 0], axis=0) = [100, -100]"));
}

TEST(Export, SmallestBatchStaysFixed) {
  EXPECT_ROUND_TRIP(
      "graph @g(%x: f32[1,3]) -> (%y: f32[1,3]) {\n"
      "  %y = relu(%x)\n"
      "}\n");
}

TEST(Export, SymbolicExtentsAreFreeInTheSignature) {
  constexpr std::string_view kText =
      "graph @g(%x: f32[N,D1,8]) -> (%y: f32[N,D1,8]) {\n"
      "  %0 = relu(%x)\n"
      "  %y = softmax(%0)\n"
      "}\n";
  EXPECT_ROUND_TRIP(std::string(kText));
  EXPECT_EQ(Through(Parsed("graph @g(%x: f32[N,S,8]) -> (%y: f32[N,S,8]) {\n  %0 = relu(%x)\n"
                           "  %y = softmax(%0)\n}\n")),
            kText);
  EXPECT_EQ(Refusal(Parsed("graph @g(%x: f32[N,S,8]) -> (%y: f32[N,S,4,2]) {\n"
                           "  %y = reshape(%x) {shape=[-1,S,4,2]}\n}\n")),
            "node 0 (reshape): a reshape to [N,S,4,2], the format leaves one extent open");
  EXPECT_EQ(Refusal(Parsed("graph @g(%x: bf16[N,8]) -> (%y: bf16[N,8]) {\n  %y = relu(%x)\n}\n")),
            "node 0 (relu): arithmetic in bf16, only f32 and int8 models are written");
}

TEST(Export, RefusesWhatTheFormatCannotSay) {
  EXPECT_EQ(
      Refusal(Parsed("graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N,6,6,1]) {\n"
                     "  %y = conv2d(%x, @w, _, @p) {padding=same}\n}\n"
                     "variable @w: f32[1,1,2,1] = [1, 2]\nvariable @p: f32[1] = [0.5]\n")),
      "node 0 (conv2d): padded cells hold padding_value 'p', the format has only zeros there: "
      "keep the affine in front of it");
  EXPECT_EQ(Refusal(Parsed("graph @g(%x: i8[N,6] q(1, 0)) -> (%y: i8[N,6] q(0.5, 0)) {\n"
                           "  %y: i8[N,6] q(0.5, 0) = softmax(%x)\n}\n")),
            "node 0 (softmax): its result has scale 0.5 and zero point 0, the format asks for "
            "0.00390625 and -128");
  EXPECT_EQ(Refusal(Parsed("graph @g(%x: f32[N,2]) -> (%y: f32[N,1]) {\n  %y = mat_mul(%x, @w)\n}\n"
                           "variable @w: f32[2,1] = [1, 2]\n")),
            "node 0 (mat_mul): the format has no such operator");
  EXPECT_EQ(Refusal(Parsed("graph @g(%x: f32[N,6]) -> (%y: f32[N,6]) {\n  %y = add(%x, @c)\n}\n"
                           "variable @c: f32[6]\n")),
            "node 0 (add): variable 'c' has no data");
  EXPECT_THAT(
      Refusal(Parsed("graph @g(%x: f32[N,6,6,1]) -> (%y: f32[N,5,5,1]) {\n  %y = avg_pool2d(%x) "
                     "{padding=[1,0,1,0], window=[3,3]}\n}\n")),
      HasSubstr("node 0 (avg_pool2d): a mean that does not count the cells of padding [1,0,1,0]"));
}

TEST(Export, RandomGraphsComeBack) {
  int written = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    for (DType dtype : {DType::kF32, DType::kI8}) {
      SCOPED_TRACE(StrCat(DTypeName(dtype), " ", seed));
      const ir::Graph graph = ir::RandomGraph(seed, {.dtype = dtype});
      auto bytes = Export(graph, {});
      if (!bytes.ok()) {
        EXPECT_EQ(bytes.status().code(), StatusCode::kUnsupported) << bytes.status().message();
        continue;
      }
      ++written;
      auto back = Import(ToBuffer(*bytes));
      ASSERT_TRUE(back.ok()) << back.status().message();
      // Once in the format's own words, a graph goes through it unchanged.
      auto again = Import(ToBuffer(Written(*back)));
      ASSERT_TRUE(again.ok()) << again.status().message();
      EXPECT_EQ(ir::Print(*again, {.data = true}), ir::Print(*back, {.data = true}));
    }
  }
  EXPECT_GE(written, 60);
}

// How pixels become the input, and what the outputs mean: an application needs both.
TEST(Export, CarriesNormalizationAndClassNames) {
  ir::Graph graph = FloatSample();
  graph.mutable_metadata() = {
      {"normalize", "raw"}, {"classes", "cat\ndog\n"}, {"recipe", "long"}, {"description", "d"}};
  const ir::Graph back = Import(ToBuffer(Written(graph))).value();
  EXPECT_EQ(back.metadata(),
            (std::map<std::string, std::string>{
                {"normalize", "raw"}, {"classes", "cat\ndog\n"}, {"description", "d"}}));
  graph.mutable_metadata() = {{"normalize", ""}};
  EXPECT_EQ(Import(ToBuffer(Written(graph)))->metadata(), graph.metadata());
}

TEST(Export, TruncatedFilesGiveAnErrorOrAGraph) {
  const std::string bytes = Written(Int8Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto graph = Import(ToBuffer(bytes.substr(0, size)));
    if (graph.ok()) {
      EXPECT_TRUE(ir::Verify(*graph).ok());
    } else {
      EXPECT_FALSE(graph.status().message().empty());
    }
  }
}

TEST(Export, ChangedFilesGiveAnErrorOrAGraph) {
  for (const ir::Graph& sample : {FloatSample(), Int8Sample()}) {
    const std::string bytes = Written(sample);
    Random random(/*seed=*/3, /*stream=*/0);
    for (int i = 0; i < 2000; ++i) {
      std::string changed = bytes;
      // The tables stand behind the weights' bytes or in front of them: half of the changes go to
      // either end.
      const uint64_t reach = i % 2 == 0 ? bytes.size() : std::min<uint64_t>(bytes.size(), 2500);
      changed[random.NextBelow(reach)] = static_cast<char>(random.NextU32());
      auto graph = Import(ToBuffer(std::move(changed)));
      if (graph.ok()) {
        EXPECT_TRUE(ir::Verify(*graph).ok());
      } else {
        EXPECT_FALSE(graph.status().message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace tersor::formats::tflite
