#include "tersor/formats/native/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tersor/base/file.h"
#include "tersor/coding/coding.h"
#include "tersor/formats/formats_testing.h"
#include "tersor/ir/random_graph.h"
#include "tersor/ir/text.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::native {
namespace {

using coding::AsBytes;
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
  graphs.push_back(EncodedSample());
  graphs.push_back(ir::GraphBuilder("empty").Build({}).value());
  return graphs;
}

std::vector<ir::Graph> DamageSamples() {
  std::vector<ir::Graph> graphs;
  graphs.push_back(Int8Sample());
  graphs.push_back(EncodedSample());
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
  const std::string variable("\0\1\3f32\1g\0\0\1\1w\0\0\0\1\1c\0\0\0\0", 23);
  EXPECT_THAT(with(variable + std::string("\0\0", 2)).message(),
              HasSubstr("variable 'w': its encoding is 99, which this build does not know"));
  EXPECT_TRUE(with(std::string("\0\0\1g\0\0\0\0\0\1\4note\2hi", 18)).ok()) << "an extension";

  std::string later = bytes;
  later[6] = 2;
  EXPECT_EQ(Import(ToBuffer(later)).status().message(), "version 2, this build reads 1");
  EXPECT_EQ(Import(ToBuffer(later)).status().code(), StatusCode::kUnsupported);
}

// The number of `size` bytes at `at`, little endian.
uint64_t NumberAt(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void PutNumber(std::string& bytes, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

// The same file with structure and pool as plain bytes, so that a change is not caught by zstd.
std::string Uncoded(const std::string& bytes) {
  std::string parts[2];
  size_t at = kHeaderBytes;
  for (size_t part = 0; part < 2; ++part) {
    const size_t stored = NumberAt(bytes, 20 + part * 8, 4);
    parts[part] = bytes.substr(at, stored);
    at += stored;
    const size_t size = NumberAt(bytes, 24 + part * 8, 4);
    if (stored == size) continue;
    const std::string coded = parts[part];
    parts[part].assign(size, '\0');
    EXPECT_TRUE(coding::Decode(coding::Coding::kZstd, AsBytes(coded),
                               std::as_writable_bytes(std::span(parts[part])))
                    .ok());
  }
  const size_t old_weights =
      std::min((at + kAlignment - 1) / kAlignment * kAlignment, bytes.size());
  std::string plain = bytes.substr(0, kHeaderBytes) + parts[0] + parts[1];
  if (old_weights < bytes.size()) {
    plain.append((kAlignment - plain.size() % kAlignment) % kAlignment, '\0');
    plain += bytes.substr(old_weights);
  }
  PutNumber(plain, 8, plain.size(), 8);
  for (size_t part = 0; part < 2; ++part) {
    PutNumber(plain, 20 + part * 8, parts[part].size(), 4);
    PutNumber(plain, 24 + part * 8, parts[part].size(), 4);
  }
  return Sealed(plain);
}

// The file as a mapping gives it: on a border of 64 bytes.
std::shared_ptr<Buffer> Aligned(const std::string& bytes) {
  auto buffer = Buffer::Allocate(bytes.size()).value();
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return buffer;
}

TEST(Native, ChecksumIsTheCrcOfZlibGzipAndPng) {
  EXPECT_EQ(Checksum(AsBytes("123456789")), 0xCBF43926u) << "the check value of CRC-32";
  EXPECT_EQ(Checksum({}), 0u);
}

// A weight that does not lie as kernels need it is copied; the same one that does, is used there.
TEST(Native, WeightsThatLieUnalignedOrAtTheEndAreCopied) {
  ir::GraphBuilder b("g");
  b.Variable("w", SampleTensor({DType::kF32, {32, 32}, {}}, 1));
  const ir::Graph graph = b.Build({}).value();
  const std::string plain = Uncoded(Written(graph, false));
  const size_t weights = plain.size() - 4096 - kAlignment;
  ASSERT_EQ(weights % kAlignment, 0u);
  // The last bytes of the variable: placement 2, encoding 0, flags 0, offset; then no nodes, no
  // outputs and no extensions.
  const size_t structure_end = kHeaderBytes + NumberAt(plain, 20, 4);
  ASSERT_EQ(plain.substr(structure_end - 7, 7), std::string("\2\0\0\0\0\0\0", 7));

  const auto lies_in_file = [&](const std::string& bytes) {
    const auto file = Aligned(Sealed(bytes));
    const auto read = Import(file);
    EXPECT_TRUE(read.ok()) << read.status().message();
    const auto& data = read->value(read->variables()[0]).data();
    const auto* begin = static_cast<const std::byte*>(file->data());
    const auto* at = static_cast<const std::byte*>(data.buffer()->data());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % kAlignment, 0u);
    const bool inside = at >= begin && at < begin + file->size_bytes();
    EXPECT_EQ(data.buffer()->writable(), !inside);
    return inside;
  };
  EXPECT_TRUE(lies_in_file(plain));

  std::string moved = plain;
  moved.insert(weights, 4, '\x55');
  moved.append(kAlignment, '\0');
  moved[structure_end - 4] = 4;  // the offset
  PutNumber(moved, 8, moved.size(), 8);
  EXPECT_FALSE(lies_in_file(moved)) << "four bytes off the border, with room after it";
  const auto read = Import(Aligned(Sealed(moved)));
  EXPECT_EQ(std::memcmp(read->value(read->variables()[0]).data().buffer()->data(),
                        graph.value(graph.variables()[0]).data().buffer()->data(), 4096),
            0);

  std::string cut = plain.substr(0, plain.size() - 1);
  PutNumber(cut, 8, cut.size(), 8);
  EXPECT_FALSE(lies_in_file(cut)) << "only 63 bytes follow it";
}

TEST(Native, EncodedWeightsKeepTheirBytes) {
  const ir::Graph graph = EncodedSample();
  ir::Graph dense = graph.Clone();
  for (ir::ValueId id : dense.variables()) dense.value(id).set_data(dense.value(id).data());
  for (bool compress : {true, false}) {
    const std::string bytes = Written(graph, compress);
    EXPECT_LT(bytes.size(), Written(dense, compress).size() * (compress ? 11 : 6) / 10);
    const auto read = Import(Aligned(bytes));
    ASSERT_TRUE(read.ok()) << read.status().message();
    ExpectSameGraph(graph, *read);
    const auto& large = read->value(read->FindVariable("large.grouped_i4")).encoded();
    EXPECT_EQ(large->buffer()->writable(), compress) << "uncoded, it is used where it lies";
  }
}

// What a reader would have to decode is bounded by the size of the file, so an encoding of next to
// nothing is not written.
TEST(Native, EncodingsThatAReaderWouldRefuseAreWrittenDense) {
  ir::Graph graph("zeros");
  const Shape shape{1 << 12, 1 << 10};  // 32 MiB
  const Tensor zeros = Tensor::Create({DType::kI64, shape, {}}).value();
  const auto one_block = Encode(Encoding::kBlock, zeros, shape.dims()).value();
  for (int i = 0; i < 3; ++i) graph.AddVariable("w", one_block, false);
  const std::string bytes = Written(graph);
  const auto read = Import(ToBuffer(bytes));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_NE(read->value(read->variables()[0]).encoded(), nullptr);
  EXPECT_EQ(read->value(read->variables()[2]).encoded(), nullptr);
  EXPECT_EQ(read->value(read->variables()[2]).data().type().shape, shape);
}

TEST(Native, AWeightThatWouldDecodeToTooMuchIsRefused) {
  ir::Graph graph("g");
  const Tensor zeros = Tensor::Create({DType::kI64, {64, 64}, {}}).value();
  const int64_t block[] = {64, 64};
  graph.AddVariable("w", Encode(Encoding::kBlock, zeros, block).value(), false);
  std::string bytes = Uncoded(Written(graph));
  int changed = 0;  // 64 to 8191, in the shape and in the block: one byte for 512 MiB
  for (size_t at; (at = bytes.find("\x80\x01", kHeaderBytes)) != std::string::npos; ++changed) {
    bytes.replace(at, 2, "\xfe\x7f");
  }
  ASSERT_EQ(changed, 4);
  const auto read = Import(ToBuffer(Sealed(bytes)));
  EXPECT_THAT(read.status().message(), HasSubstr("variable 'w': its parts need more than"));
}

TEST(Native, GroupsOfAQuantizationAreAFeature) {
  ir::Graph graph("g");
  graph.AddVariable("w", GroupedI4Tensor({2, 6}, 3, true, 1), false);
  const std::string bytes = Uncoded(Written(graph));
  EXPECT_EQ(bytes.substr(kHeaderBytes, 21), "\x01\x13quantization-groups");
  const auto read = Import(ToBuffer(bytes));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ExpectSameGraph(graph, *read);
  EXPECT_EQ(read->value(read->variables()[0]).type().quantization->group_size, 3);
  EXPECT_EQ(Uncoded(Written(FloatSample()))[kHeaderBytes], '\0') << "no feature without groups";
}

TEST(Native, EveryTruncationIsFound) {
  for (const ir::Graph& graph : DamageSamples()) {
    const std::string bytes = Written(graph);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(Import(ToBuffer(bytes.substr(0, size))).status().code(), StatusCode::kDataLoss);
      const auto sealed = Import(ToBuffer(Sealed(bytes.substr(0, size))));
      EXPECT_FALSE(sealed.ok()) << size;
    }
  }
}

TEST(Native, EveryChangedByteIsFound) {
  for (const ir::Graph& graph : DamageSamples()) {
    const std::string bytes = Written(graph);
    Random random(/*seed=*/1, /*stream=*/0);
    for (int i = 0; i < 2000; ++i) {
      std::string changed = bytes;
      changed[random.NextBelow(bytes.size())] ^= static_cast<char>(1 + random.NextBelow(255));
      EXPECT_FALSE(Import(ToBuffer(changed)).ok());
    }
  }
}

// Past the checksum: structure, pool and weights are taken for hostile. What is read as a graph is
// valid to its last weight, and can be decoded and written.
TEST(Native, ChangedBytesGiveAnErrorOrAGraph) {
  for (const ir::Graph& graph : Samples()) {
    const std::string bytes = Uncoded(Written(graph, false));
    int graphs = 0;
    Random random(/*seed=*/2, /*stream=*/0);
    const size_t parts_end = kHeaderBytes + NumberAt(bytes, 20, 4) + NumberAt(bytes, 28, 4);
    for (int i = 0; i < 2000; ++i) {
      std::string changed = bytes;
      // Two thirds of the changes hit the header and the structure.
      const size_t end = i % 3 < 2 ? kHeaderBytes + NumberAt(bytes, 20, 4) : parts_end;
      const uint64_t changes = 1 + random.NextBelow(3);
      for (uint64_t k = 0; k < changes; ++k) {
        changed[20 + random.NextBelow(end - 20)] = static_cast<char>(random.NextU32());
      }
      auto read = Import(ToBuffer(Sealed(changed)));
      if (!read.ok()) {
        EXPECT_FALSE(read.status().message().empty());
        continue;
      }
      ++graphs;
      EXPECT_TRUE(ir::Verify(*read).ok());
      for (ir::ValueId id : read->variables()) (void)read->value(id).data();
      EXPECT_TRUE(Export(*read, {}).ok());
    }
    EXPECT_GT(graphs, 0);
  }
}

}  // namespace
}  // namespace tersor::formats::native
