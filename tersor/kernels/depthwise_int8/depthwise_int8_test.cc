#include "tersor/kernels/depthwise_int8/depthwise_int8.h"

#include <gtest/gtest.h>

#include "tersor/kernels/conv2d_int8/conv2d_int8.h"
#include "tersor/kernels/conv2d_int8/int8_testing.h"

namespace tersor::kernels::depthwise_int8 {
namespace {

using testing::Int8Layer;
using testing::PerTensor;
using testing::RandomIntegers;
using testing::Uniform;

struct Case {
  int64_t n, h, w, c, kh, kw;
  int64_t stride = 1, dilation = 1, multiplier = 1;
  std::string links = "";
  bool padding_value = false;
  int32_t filter_zero = 0;
  Activation activation = Activation::kNone;
};

Int8Layer Make(const Case& c, uint64_t seed) {
  Random random(seed, 1);
  const int64_t out_c = c.c * c.multiplier;
  Int8Layer layer;
  const auto zero = [&] { return static_cast<int32_t>(Uniform(random, -128, 127)); };
  layer.operands.push_back(RandomIntegers<int8_t>(
      {DType::kI8, {c.n, c.h, c.w, c.c}, PerTensor(0.05f, zero())}, random, -128, 127));
  Quantization q = PerTensor(0.01f, c.filter_zero);
  if (c.filter_zero == 0) {
    q = {{}, std::vector<int32_t>(static_cast<size_t>(out_c), 0), 0};
    for (int64_t o = 0; o < out_c; ++o) q.scales.push_back(0.002f + 0.01f * random.NextFloat());
  }
  layer.operands.push_back(
      RandomIntegers<int8_t>({DType::kI8, {out_c, c.kh, c.kw, 1}, q}, random, -128, 127));
  layer.operands.push_back(
      RandomIntegers<int32_t>({DType::kI32, {out_c}, {}}, random, -2000, 2000));
  layer.operands.emplace_back();
  if (c.padding_value) {
    std::vector<float> cells;
    for (int64_t i = 0; i < c.c; ++i) cells.push_back(10 * random.NextFloat() - 5);
    layer.operands.back() = Tensor::FromValues<float>({DType::kF32, {c.c}, {}}, cells).value();
  }
  layer.attributes.Set(Attr::strides, std::vector<int64_t>{c.stride, c.stride});
  layer.attributes.Set(Attr::dilations, std::vector<int64_t>{c.dilation, c.dilation});
  layer.attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  layer.attributes.Set(Attr::groups, c.c);
  layer.attributes.Set(Attr::activation, c.activation);
  layer.result = {DType::kI8,
                  {c.n, (c.h + c.stride - 1) / c.stride, (c.w + c.stride - 1) / c.stride, out_c},
                  PerTensor(0.02f * std::sqrt(static_cast<float>(c.kh * c.kw)), zero())};
  testing::AddLinks(layer, c.links, random);
  return layer;
}

void ExpectSameBits(const Case& c, uint64_t seed) {
  const Int8Layer layer = Make(c, seed);
  const std::vector<uint8_t> expected = layer.Expected(conv2d_int8::Rows().back());
  for (const KernelRow& row : Rows()) {
    if (!CpuFeatures::Machine().Has(row.level)) continue;
    for (int threads : {1, 3}) {
      const auto found = layer.Run(row, threads);
      ASSERT_TRUE(found.has_value()) << row.name;
      EXPECT_EQ(*found, expected) << row.name << ", " << threads << " threads: " << c.n << 'x'
                                  << c.h << 'x' << c.w << 'x' << c.c << " k" << c.kh << 'x' << c.kw
                                  << " s" << c.stride << " d" << c.dilation << " multiplier "
                                  << c.multiplier << " links '" << c.links << '\'';
    }
  }
}

TEST(DepthwiseInt8, EveryRowGivesTheBitsOfTheReference) {
  uint64_t seed = 1;
  for (Case c : {Case{1, 16, 16, 32, 3, 3},
                 {1, 16, 16, 32, 3, 3, 2},
                 {1, 1, 1, 2, 3, 3},
                 {2, 5, 7, 9, 3, 3},
                 {1, 12, 70, 17, 5, 5},
                 {1, 9, 9, 8, 2, 4, 3},
                 {1, 12, 11, 24, 3, 3, 1, 2},
                 {1, 7, 6, 3, 3, 3, 1, 1, 4},
                 {1, 7, 6, 2, 3, 3, 2, 1, 8},
                 {3, 30, 40, 40, 3, 3},
                 {1, 8, 8, 16, 1, 7, 1, 1, 1, "", false, 5},
                 {1, 8, 8, 16, 3, 3, 1, 1, 1, "", false, 0, Activation::kRelu},
                 {1, 8, 8, 16, 3, 3, 1, 1, 1, "", false, 0, Activation::kRelu6}}) {
    for (bool padding_value : {false, true}) {
      c.padding_value = padding_value;
      ExpectSameBits(c, seed++);
    }
  }
}

TEST(DepthwiseInt8, ChainsGiveTheBitsOfTheirOperatorsOneByOne) {
  uint64_t seed = 50;
  for (const char* links : {"m", "a", "ma", "r", "mar"}) {
    ExpectSameBits({1, 9, 10, 21, 3, 3, 1, 1, 1, links}, seed++);
    ExpectSameBits({2, 9, 10, 4, 3, 3, 2, 1, 3, links}, seed++);
  }
}

TEST(DepthwiseInt8, RandomCases) {
  Random random(7, 7);
  for (uint64_t i = 0; i < 200; ++i) {
    Case c{Uniform(random, 1, 2),  Uniform(random, 1, 14), Uniform(random, 1, 14),
           Uniform(random, 2, 40), Uniform(random, 1, 5),  Uniform(random, 1, 5)};
    c.stride = Uniform(random, 1, 2);
    c.dilation = Uniform(random, 1, 2);
    c.multiplier = Uniform(random, 1, 3);
    c.padding_value = random.NextBelow(2) == 0;
    ExpectSameBits(c, 1000 + i);
  }
}

TEST(DepthwiseInt8, OtherGroupsAreRefused) {
  Int8Layer layer = Make({1, 5, 5, 4, 3, 3}, 1);
  layer.attributes.Set(Attr::groups, int64_t{2});
  for (const KernelRow& row : Rows()) EXPECT_EQ(layer.Make(row, true, 1), nullptr) << row.name;
}

TEST(DepthwiseInt8, OneInputChannelIsLeftToTheDenseRows) {
  const Int8Layer layer = Make({1, 5, 5, 1, 3, 3, 1, 1, 8}, 1);
  for (const KernelRow& row : Rows()) EXPECT_EQ(layer.Make(row, true, 1), nullptr) << row.name;
}

}  // namespace
}  // namespace tersor::kernels::depthwise_int8
