#include "tersor/formats/native/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/base/file.h"
#include "tersor/formats/formats_testing.h"
#include "tersor/formats/native/wire.h"
#include "tersor/ir/random_graph.h"
#include "tersor/ir/text.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::native {
namespace {

using ::testing::HasSubstr;

// A training step with everything the structure can say: mutated variables, several results, an
// absent operand before a present one, every type, variables without data, explicit padding, names
// that need care.
ir::Graph TrainingSample() {
  ir::GraphBuilder b("a step");
  const ir::ValueId x = b.Input("image one", {kBatch, 9, 9, 2});
  const ir::ValueId filter =
      b.Variable("filter", SampleTensor({DType::kF32, {64, 3, 3, 2}, {}}, 1));
  const ir::ValueId border = b.Constant("border", {2}, std::vector<float>{0.5f, -0.0f});
  const ir::ValueId conv = b.Conv2d(x, filter, ir::kNoValue,
                                    {.strides = {1, 2},
                                     .dilations = {2, 1},
                                     .padding = {Padding::Kind::kExplicit, 1, 2, 0, 3},
                                     .padding_value = border});
  const ir::Node* moments =
      b.AddNode(ir::OpKind::kBatchNormStatistics, {b.Op(ir::OpKind::kBatchNormMoments, {conv})});
  b.Name(moments->result(1), "variance \"of\" it");
  const ir::ValueId velocity =
      b.Variable("velocity", TensorType{DType::kF32, {64, 3, 3, 2}, {}}, false);
  const ir::ValueId rate = b.Scalar("rate", 1e-3f);
  b.Op(ir::OpKind::kSgdUpdate, {filter, filter, velocity, rate},
       Attributes().Set(Attr::momentum, 0.1).Set(Attr::nesterov, true));
  ir::Graph graph = b.Build({conv, moments->result(2), conv}).value();
  for (DType dtype : {DType::kF16, DType::kBF16, DType::kI4, DType::kI8, DType::kU8, DType::kI16,
                      DType::kI64, DType::kBool}) {
    graph.AddVariable(StrCat("kept.", DTypeName(dtype)),
                      SampleTensor({dtype, {3, 5}, {}}, static_cast<uint64_t>(dtype)), false);
  }
  graph.AddVariable("four bits", SampleTensor({DType::kI4, {3, 5}, PerChannel(3, 0, 0.5f)}, 8),
                    true);
  graph.AddVariable("half", SampleTensor({DType::kF16, {100, 100}, {}}, 9), true);
  graph.AddVariable("nothing in it", Tensor::Create({DType::kF32, {200, 100}, {}}).value(), true);
  graph.mutable_metadata()["labels"] = "cat\ndog";
  graph.mutable_metadata()["empty"] = "";
  return graph;
}

std::vector<ir::Graph> Samples() {
  std::vector<ir::Graph> graphs;
  graphs.push_back(FloatSample());
  graphs.push_back(Int8Sample());
  graphs.push_back(TrainingSample());
  graphs.push_back(ir::GraphBuilder("empty").Build({}).value());
  return graphs;
}

std::string Written(const ir::Graph& graph, bool compress = true) {
  auto bytes = Export(graph, {.compress = compress});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *bytes : "";
}

// The same file with its checksum made right, so that what is wrong in it reaches the reader.
std::string Sealed(std::string bytes) {
  if (bytes.size() < kHeaderBytes) return bytes;
  const uint32_t sum = Checksum(AsBytes(bytes).subspan(kChecksummedFrom));
  for (int i = 0; i < 4; ++i)
    bytes[16 + static_cast<size_t>(i)] = static_cast<char>(sum >> (8 * i));
  return bytes;
}

TEST(Native, RoundTripKeepsEverything) {
  for (const ir::Graph& graph : Samples()) {
    for (bool compress : {true, false}) {
      SCOPED_TRACE(StrCat(graph.name(), compress ? " compressed" : " plain"));
      const std::string bytes = Written(graph, compress);
      EXPECT_TRUE(Recognize(AsBytes(bytes)));
      auto back = Import(ToBuffer(bytes));
      ASSERT_TRUE(back.ok()) << back.status().message();
      ExpectSameGraph(graph, *back);
      EXPECT_EQ(Written(*back, compress), bytes) << "equal graphs, equal bytes";
    }
  }
}

TEST(Native, RandomGraphsComeBack) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    for (DType dtype : {DType::kF32, DType::kI8, DType::kU8}) {
      const ir::Graph graph = ir::RandomGraph(seed, {.dtype = dtype});
      auto back = Import(ToBuffer(Written(graph)));
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(ir::Print(*back, {.data = true}), ir::Print(graph, {.data = true}));
    }
  }
}

TEST(Native, NamedExtentsAreAFeature) {
  auto bytes_of = [](std::string_view text) {
    auto graph = ir::Parse(text);
    EXPECT_TRUE(graph.ok()) << graph.status().message();
    return Written(*graph, false);
  };
  constexpr std::string_view kNamed = R"(graph @g(%x: f32[N,S,8]) -> (%0: f32[S,N,4,2]) {
  %1 = reshape(%x) {shape=[-1,S,4,2]}
  %0 = transpose(%1) {permutation=[1,0,2,3]}
}
)";
  auto graph = Import(ToBuffer(bytes_of(kNamed)));
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(ir::Print(*graph), ir::Print(*ir::Parse(kNamed)));
  // So small that the structure is not coded.
  auto has_feature = [&](std::string_view text) {
    return bytes_of(text).find(kNamedExtents) != std::string::npos;
  };
  EXPECT_FALSE(has_feature("graph @g(%x: f32[N,8]) -> (%x: f32[N,8]) {}"));
  EXPECT_TRUE(has_feature("graph @g(%x: f32[S]) -> (%x: f32[S]) {}"));
  EXPECT_TRUE(has_feature("graph @g(%x: f32[8,N]) -> (%x: f32[8,N]) {}"));
}

TEST(Native, StructureIsSmall) {
  const ir::Graph graph = Int8Sample();
  int64_t weight_bytes = 0;
  for (ir::ValueId id : graph.variables()) weight_bytes += graph.value(id).type().size_bytes();
  EXPECT_LT(static_cast<int64_t>(Written(graph).size()), weight_bytes + 1500);
}

TEST(Native, LargeWeightsAreUsedWhereTheyLie) {
  const std::string path = testing::TempDir() + "in_place.tersor";
  ASSERT_TRUE(WriteFileAtomically(path, Written(TrainingSample(), false)).ok());
  auto file = MapFile(path);
  ASSERT_TRUE(file.ok());
  auto graph = Import(*file);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const auto* begin = static_cast<const std::byte*>((*file)->data());
  const auto& filter = graph->value(graph->FindVariable("filter")).data();
  const auto& kept = graph->value(graph->FindVariable("half")).data();
  for (const Tensor* tensor : {&filter, &kept}) {
    const auto* data = static_cast<const std::byte*>(tensor->buffer()->data());
    EXPECT_GE(data, begin);
    EXPECT_LE(data + tensor->buffer()->size_bytes() + 64, begin + (*file)->size_bytes());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
    EXPECT_FALSE(tensor->buffer()->writable());
  }
  std::remove(path.c_str());
}

TEST(Native, CompressionPays) {
  const ir::Graph graph = FloatSample();
  EXPECT_LT(Written(graph).size(), Written(graph, false).size());
}

TEST(Native, RefusesByName) {
  const std::string bytes = Written(ir::GraphBuilder("g").Build({}).value());
  // Plain structure from offset 40: features, names, graph name, metadata, inputs, variables,
  // nodes, outputs, extensions.
  ASSERT_EQ(bytes.substr(kHeaderBytes), std::string("\0\0\1g\0\0\0\0\0\0", 10));
  auto with = [&](std::string structure) {
    std::string changed = bytes.substr(0, kHeaderBytes) + structure;
    changed[8] = static_cast<char>(changed.size());
    changed[20] = changed[24] = static_cast<char>(structure.size());
    return Import(ToBuffer(Sealed(changed))).status();
  };
  EXPECT_EQ(with(std::string("\1\5codec\0\1g\0\0\0\0\0\0", 16)).message(),
            "it needs the feature 'codec', which this build does not know");
  EXPECT_EQ(with(std::string("\0\1\6conv9d\1g\0\0\0\1\0\0\0\0\0\0", 21)).message(),
            "node 0: operator 'conv9d' is not known to this build");
  const std::string variable("\0\1\3f32\1g\0\0\1\1w\0\0\0\1\1\1\0\0\0\0", 23);
  EXPECT_THAT(with(variable + std::string("\0\0", 2)).message(),
              HasSubstr("its encoding is 1 (sparse), this build reads dense"));
  EXPECT_TRUE(with(std::string("\0\0\1g\0\0\0\0\0\1\4note\2hi", 18)).ok()) << "an extension";

  std::string later = bytes;
  later[6] = 2;
  EXPECT_EQ(Import(ToBuffer(later)).status().message(), "version 2, this build reads 1");
  EXPECT_EQ(Import(ToBuffer(later)).status().code(), StatusCode::kUnsupported);
}

TEST(Native, EveryTruncationIsFound) {
  const std::string bytes = Written(Int8Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Import(ToBuffer(bytes.substr(0, size))).status().code(), StatusCode::kDataLoss);
    const auto sealed = Import(ToBuffer(Sealed(bytes.substr(0, size))));
    EXPECT_FALSE(sealed.ok()) << size;
  }
}

TEST(Native, EveryChangedByteIsFound) {
  const std::string bytes = Written(Int8Sample());
  Random random(/*seed=*/1, /*stream=*/0);
  for (int i = 0; i < 2000; ++i) {
    std::string changed = bytes;
    changed[random.NextBelow(bytes.size())] ^= static_cast<char>(1 + random.NextBelow(255));
    EXPECT_FALSE(Import(ToBuffer(changed)).ok());
  }
}

// Past the checksum: the structure itself is taken for hostile. Plain structures, so that a change
// is not caught by zstd.
TEST(Native, ChangedStructuresGiveAnErrorOrAGraph) {
  for (const ir::Graph& graph : Samples()) {
    std::string bytes = Written(graph, false);
    // Undo the coding of structure and pool.
    auto number = [&](size_t at) {
      uint32_t value = 0;
      for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
      return value;
    };
    const size_t stored = number(20), decoded = number(24);
    std::string structure(decoded, '\0');
    if (stored == decoded) {
      structure = bytes.substr(kHeaderBytes, stored);
    } else {
      ASSERT_TRUE(Decompress(AsBytes(bytes).subspan(kHeaderBytes, stored),
                             std::as_writable_bytes(std::span(structure)))
                      .ok());
    }
    bytes.replace(kHeaderBytes, stored, structure);
    auto put = [&](size_t at, uint64_t value, size_t size) {
      for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
    };
    put(8, bytes.size(), 8);
    put(20, decoded, 4);
    int graphs = 0;
    Random random(/*seed=*/2, /*stream=*/0);
    for (int i = 0; i < 2000; ++i) {
      std::string changed = bytes;
      const uint64_t changes = 1 + random.NextBelow(3);
      for (uint64_t k = 0; k < changes; ++k) {
        changed[20 + random.NextBelow(kHeaderBytes - 20 + decoded)] =
            static_cast<char>(random.NextU32());
      }
      auto read = Import(ToBuffer(Sealed(changed)));
      if (!read.ok()) {
        EXPECT_FALSE(read.status().message().empty());
        continue;
      }
      ++graphs;
      EXPECT_TRUE(ir::Verify(*read).ok());
      EXPECT_TRUE(Export(*read, {}).ok());
    }
    EXPECT_GT(graphs, 0);
  }
}

}  // namespace
}  // namespace tersor::formats::native
