// Variables whose data is encoded: in the graph, its copies, the verifier and the text form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tersor/base/encodings_testing.h"
#include "tersor/ir/graph.h"
#include "tersor/ir/text.h"
#include "tersor/ir/verifier.h"

namespace tersor::ir {
namespace {

using ::testing::HasSubstr;

EncodedTensor::Ptr Sample(Encoding encoding) {
  for (const EncodingSample& sample : EncodingSamples(DType::kF32)) {
    if (sample.encoding == encoding) {
      return Encode(encoding, sample.content, sample.parameters).value();
    }
  }
  return nullptr;
}

TEST(EncodedVariable, CopiesShareTheBytesAndOneDenseView) {
  Graph graph;
  const EncodedTensor::Ptr encoded = Sample(Encoding::kBitmap);
  const ValueId id = graph.AddVariable("w", encoded, true);
  const Graph copy = graph.Clone();
  EXPECT_TRUE(graph.value(id).has_data());
  EXPECT_TRUE(graph.value(id).trainable());
  EXPECT_TRUE(graph.value(id).type() == encoded->type());
  EXPECT_EQ(copy.value(id).encoded(), encoded);
  EXPECT_EQ(copy.value(id).data().buffer(), graph.value(id).data().buffer());
  EXPECT_EQ(DenseData(copy.value(id))->buffer(), graph.value(id).data().buffer());
}

TEST(EncodedVariable, WhoeverSetsTheDataReplacesTheEncoding) {
  Graph graph;
  const EncodedTensor::Ptr encoded = Sample(Encoding::kPalette);
  const ValueId id = graph.AddVariable("w", encoded, true);
  const Tensor dense = encoded->Decode().value();
  graph.value(id).set_data(dense);
  EXPECT_EQ(graph.value(id).encoded(), nullptr);
  EXPECT_EQ(graph.value(id).data().buffer(), dense.buffer());

  graph.value(id).set_encoded(encoded);
  EXPECT_EQ(graph.value(id).encoded(), encoded);
  EXPECT_NE(graph.value(id).data().buffer(), dense.buffer());
  graph.value(id).set_data(Tensor());
  EXPECT_FALSE(graph.value(id).has_data());
  EXPECT_EQ(DenseData(graph.value(id)).status().message(), "variable 'w' has no data");

  const EncodedTensor::Ptr plain = Encode(Encoding::kDense, dense, {}).value();
  graph.value(id).set_encoded(encoded);
  graph.value(id).set_encoded(plain);
  EXPECT_EQ(graph.value(id).encoded(), nullptr) << "dense is kept as dense data";
  EXPECT_EQ(graph.value(id).data().buffer(), dense.buffer());
}

TEST(EncodedVariable, VerifierChecksTheEncodingAgainstTheType) {
  Graph graph;
  const ValueId id = graph.AddVariable("w", Sample(Encoding::kNM), false);
  EXPECT_TRUE(Verify(graph).ok());
  graph.value(id).mutable_type().shape = {3, 6, 8};
  EXPECT_EQ(Verify(graph).message(), "variable 'w': its data is f32[6,3,8], its type f32[3,6,8]");
}

TEST(EncodedVariable, TextFormComesBackByteForByte) {
  for (DType dtype : {DType::kF32, DType::kI4, DType::kI8, DType::kI64}) {
    Graph graph("encoded");
    for (const EncodingSample& sample : EncodingSamples(dtype)) {
      graph.AddVariable("w", Encode(sample.encoding, sample.content, sample.parameters).value(),
                        true);
    }
    const std::string text = Print(graph, {.data = true});
    auto back = Parse(text);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(Print(*back, {.data = true}), text);
    for (size_t i = 0; i < graph.variables().size(); ++i) {
      const Value& before = graph.value(graph.variables()[i]);
      const Value& after = back->value(back->variables()[i]);
      ASSERT_EQ(after.encoded() == nullptr, before.encoded() == nullptr);
      if (before.encoded() == nullptr) continue;
      EXPECT_EQ(after.encoded()->encoding(), before.encoded()->encoding());
      EXPECT_EQ(after.encoded()->parameters(), before.encoded()->parameters());
      EXPECT_EQ(std::memcmp(after.data().buffer()->data(), before.data().buffer()->data(),
                            before.data().buffer()->size_bytes()),
                0);
    }
  }
}

TEST(EncodedVariable, TextFormByHand) {
  const std::string text = R"(graph @g() -> () {
}
variable @b: i8[1,4] = bitmap base64 "BQI="
variable @p: i8[2,2] trainable = palette [2, 0, 1] base64 "AQIDBAk="
variable @n: i8[1,4] = nm [1, 4] base64 "BQI="
variable @large: i8[3,4]
)";
  auto graph = Parse(text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(Print(*graph), text);
  const auto values = [&](const char* name) {
    const auto span = graph->value(graph->FindVariable(name)).data().values<int8_t>();
    return std::vector<int>(span.begin(), span.end());
  };
  EXPECT_EQ(values("b"), (std::vector<int>{0, 5, 0, 0}));
  EXPECT_EQ(values("p"), (std::vector<int>{2, 1, 3, 4}));
  EXPECT_EQ(values("n"), (std::vector<int>{0, 0, 5, 0}));
}

TEST(EncodedVariable, TextFormErrorsSayTheLine) {
  const auto error = [](const std::string& data) {
    auto graph = Parse("graph @g() -> () {\n}\nvariable @w: i8[1,4] = " + data);
    return graph.ok() ? "ok" : graph.status().message();
  };
  EXPECT_EQ(error("bitmap base64 \"BQI=\""), "ok");
  EXPECT_EQ(error("bitmap base64 \"Ag==\""), "3:31: bitmap: i8[1,4] has 1 bytes, expected 2");
  EXPECT_THAT(error("nm base64 \"BQI=\""), HasSubstr("3:27: nm: parameters are n and m"));
  EXPECT_THAT(error("bitmap [1, 2]"), HasSubstr("expected 'base64'"));
  EXPECT_THAT(error("bitmap base64 \"B\""), HasSubstr("this is not base64"));
  EXPECT_THAT(error("bitmaps base64 \"BQI=\""), HasSubstr("3:24: "));
}

TEST(GroupedQuantization, TextFormComesBack) {
  const std::string text = R"(graph @g() -> (%0: f32[2,3]) {
  %0 = dequantize(@w)
}
variable @w: i4[2,3] q([1, 2, 0.5, 4], [0, 1, -8, 7], axis=1, group=2) = base64 "IQNDBQ=="
)";
  auto graph = Parse(text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(Print(*graph), text);
  EXPECT_EQ(graph->value(graph->variables()[0]).type().quantization->group_size, 2);
  const auto error = [](const std::string& quantization) {
    const auto type = ParseType("i4[2,3] q(" + quantization + ")");
    return type.ok() ? "ok" : type.status().message();
  };
  EXPECT_EQ(error("[1, 2, 0.5, 4], [0, 1, 0, 1], axis=1, group=2"), "ok");
  EXPECT_EQ(error("[1, 2], [0, 1], axis=1, group=3"), "ok");
  EXPECT_EQ(error("[1, 2], [0, 1], axis=1, group=4"), "ok") << "one shorter group a row";
  EXPECT_EQ(error("[1, 2, 3], [0, 1, 0], axis=1, group=2"),
            "1:1: i4[2,3]: 3 scales and 3 zero points, expected 4");
  EXPECT_EQ(error("[1, 2, 3], [0, 1, 0], axis=0, group=1"),
            "1:1: i4[2,3]: quantization has groups of 1 along axis 0, expected 1 or more along the "
            "last of known extents");
  EXPECT_THAT(error("[1], [0], axis=1, group=0"), HasSubstr("a group has 1 element or more"));
  EXPECT_THAT(error("[1], [0], axis=1, rows=2"), HasSubstr("expected 'group'"));
}

}  // namespace
}  // namespace tersor::ir
