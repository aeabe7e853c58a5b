#include "tersor/kernels/fully_connected_int8/fully_connected_int8.h"

#include <gtest/gtest.h>

#include "tersor/kernels/conv2d_int8/int8_testing.h"

namespace tersor::kernels::fully_connected_int8 {
namespace {

using testing::Int8Layer;
using testing::PerTensor;
using testing::RandomIntegers;
using testing::Uniform;

struct Case {
  int64_t n, i, o;
  std::string links = "";
  bool per_channel = true;
  bool bias = true;
  Activation activation = Activation::kNone;
};

Int8Layer Make(const Case& c, uint64_t seed) {
  Random random(seed, 1);
  Int8Layer layer;
  const auto zero = [&] { return static_cast<int32_t>(Uniform(random, -128, 127)); };
  layer.operands.push_back(RandomIntegers<int8_t>(
      {DType::kI8, {c.n, c.i}, PerTensor(0.05f, zero())}, random, -128, 127));
  Quantization q = PerTensor(0.01f, 0);
  if (c.per_channel) {
    q = {{}, std::vector<int32_t>(static_cast<size_t>(c.o), 0), 0};
    for (int64_t o = 0; o < c.o; ++o) q.scales.push_back(0.002f + 0.01f * random.NextFloat());
  }
  layer.operands.push_back(RandomIntegers<int8_t>({DType::kI8, {c.o, c.i}, q}, random, -128, 127));
  layer.operands.emplace_back();
  if (c.bias) {
    layer.operands.back() =
        RandomIntegers<int32_t>({DType::kI32, {c.o}, {}}, random, -20000, 20000);
  }
  layer.attributes.Set(Attr::activation, c.activation);
  const float spread = 0.05f * 0.007f * 60 * std::sqrt(static_cast<float>(c.i));
  layer.result = {DType::kI8, {c.n, c.o}, PerTensor(spread, zero())};
  testing::AddLinks(layer, c.links, random);
  return layer;
}

const KernelRow& ReferenceRow() { return Rows().back(); }

void ExpectSameBits(const Case& c, uint64_t seed) {
  const Int8Layer layer = Make(c, seed);
  const std::vector<uint8_t> expected = layer.Expected(ReferenceRow());
  for (const KernelRow& row : Rows()) {
    if (!CpuFeatures::Machine().Has(row.level)) continue;
    for (int threads : {1, 3}) {
      const auto found = layer.Run(row, threads);
      if (row.level == CpuLevel::kAny && !c.links.empty()) continue;
      ASSERT_TRUE(found.has_value()) << row.name;
      EXPECT_EQ(*found, expected) << row.name << ", " << threads << " threads: " << c.n << 'x'
                                  << c.i << " o" << c.o << " links '" << c.links << '\'';
    }
  }
}

TEST(FullyConnectedInt8, EveryRowGivesTheBitsOfTheReference) {
  uint64_t seed = 1;
  for (const Case& c : {Case{1, 96, 26},
                        {1, 1024, 256},
                        {1, 256, 10},
                        {1, 1, 1},
                        {2, 3, 5},
                        {3, 17, 33},
                        {7, 64, 8},
                        {5, 30, 100},
                        {1, 5000, 300},
                        {4, 1200, 520},
                        {1, 33, 47, "", false},
                        {2, 40, 24, "", true, false},
                        {2, 40, 24, "", true, true, Activation::kRelu},
                        {1, 40, 24, "", true, true, Activation::kRelu6}}) {
    ExpectSameBits(c, seed++);
  }
}

TEST(FullyConnectedInt8, ChainsGiveTheBitsOfTheirOperatorsOneByOne) {
  uint64_t seed = 50;
  for (const char* links : {"m", "a", "ma", "r", "mar", "sama"}) {
    for (const Case& c : {Case{1, 96, 26, links}, {3, 31, 40, links}, {8, 64, 9, links}}) {
      ExpectSameBits(c, seed++);
    }
  }
}

TEST(FullyConnectedInt8, RandomCases) {
  Random random(7, 7);
  const char* const links[] = {"", "", "ma", "r"};
  for (uint64_t i = 0; i < 200; ++i) {
    const Case c{Uniform(random, 1, 9), Uniform(random, 1, 200), Uniform(random, 1, 150),
                 links[random.NextBelow(std::size(links))]};
    ExpectSameBits(c, 1000 + i);
  }
}

TEST(FullyConnectedInt8, ReferenceTakesBytesWithoutASignAndFilterZeroPoints) {
  // (200 - 128) * (3 - 1) + (10 - 128) * (255 - 1) + 7 = -29821; rne(-29.821) + 255 = 225.
  Int8Layer layer;
  const auto u8 = [](Shape shape, float scale, int32_t zero, std::vector<uint8_t> values) {
    return Tensor::FromValues<uint8_t>({DType::kU8, std::move(shape), PerTensor(scale, zero)},
                                       values)
        .value();
  };
  layer.operands.push_back(u8({1, 2}, 0.5f, 128, {200, 10}));
  layer.operands.push_back(u8({1, 2}, 0.02f, 1, {3, 255}));
  layer.operands.push_back(
      Tensor::FromValues<int32_t>({DType::kI32, {1}, {}}, std::vector<int32_t>{7}).value());
  layer.result = {DType::kU8, {1, 1}, PerTensor(10.0f, 255)};
  EXPECT_EQ(layer.Run(ReferenceRow()), std::vector<uint8_t>{225});
}

TEST(FullyConnectedInt8, SumsThatMayLeaveInt32AreRefused) {
  Int8Layer layer = Make({1, 4, 1}, 3);
  layer.operands[2] =
      Tensor::FromValues<int32_t>({DType::kI32, {1}, {}}, std::vector<int32_t>{INT32_MAX}).value();
  for (const KernelRow& row : Rows()) EXPECT_EQ(layer.Make(row, true, 1), nullptr) << row.name;
}

}  // namespace
}  // namespace tersor::kernels::fully_connected_int8
