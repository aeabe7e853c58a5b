#include "tersor/kernels/conv2d_int8/conv2d_int8.h"

#include <gtest/gtest.h>

#include <string>

#include "tersor/kernels/conv2d_int8/int8_testing.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

using testing::AddLinks;
using testing::Int8Layer;
using testing::PerTensor;
using testing::RandomIntegers;
using testing::Uniform;

struct Conv {
  int64_t n, h, w, i, o, kh, kw;
  int64_t stride = 1, dilation = 1;
  Padding padding = {Padding::Kind::kSame};
  std::string links = "";
  bool padding_value = false;
  bool per_channel = true;
  int32_t filter_zero = 0;
  Activation activation = Activation::kNone;
  DType input = DType::kI8, filter = DType::kI8;
  int64_t groups = 1;
};

Padding Explicit(int64_t top, int64_t bottom, int64_t left, int64_t right) {
  return {Padding::Kind::kExplicit, top, bottom, left, right};
}

int64_t Extent(int64_t in, int64_t before, int64_t after, int64_t k, const Conv& c) {
  return (in + before + after - (k - 1) * c.dilation - 1) / c.stride + 1;
}

Tensor Bytes(TensorType type, Random& random) {
  return type.dtype == DType::kI8 ? RandomIntegers<int8_t>(std::move(type), random, -128, 127)
                                  : RandomIntegers<uint8_t>(std::move(type), random, 0, 255);
}

Int8Layer Make(const Conv& c, uint64_t seed) {
  Random random(seed, 1);
  Int8Layer layer;
  const bool is_signed = c.input == DType::kI8;
  const auto zero = [&] {
    return static_cast<int32_t>(is_signed ? Uniform(random, -128, 127) : Uniform(random, 0, 255));
  };
  const TensorType input{c.input, {c.n, c.h, c.w, c.i}, PerTensor(0.05f, zero())};
  layer.operands.push_back(Bytes(input, random));
  Quantization q = PerTensor(0.01f, c.filter_zero);
  if (c.per_channel) {
    q = {{}, std::vector<int32_t>(static_cast<size_t>(c.o), 0), 0};
    for (int64_t o = 0; o < c.o; ++o) q.scales.push_back(0.002f + 0.01f * random.NextFloat());
  }
  layer.operands.push_back(Bytes({c.filter, {c.o, c.kh, c.kw, c.i / c.groups}, q}, random));
  layer.operands.push_back(
      RandomIntegers<int32_t>({DType::kI32, {c.o}, {}}, random, -20000, 20000));
  if (c.padding_value) {
    std::vector<float> cells;
    for (int64_t i = 0; i < c.i; ++i) cells.push_back(10 * random.NextFloat() - 5);
    layer.operands.push_back(Tensor::FromValues<float>({DType::kF32, {c.i}, {}}, cells).value());
  } else {
    layer.operands.emplace_back();
  }
  layer.attributes.Set(Attr::strides, std::vector<int64_t>{c.stride, c.stride});
  layer.attributes.Set(Attr::dilations, std::vector<int64_t>{c.dilation, c.dilation});
  layer.attributes.Set(Attr::padding, c.padding);
  layer.attributes.Set(Attr::groups, c.groups);
  layer.attributes.Set(Attr::activation, c.activation);
  const Padding p =
      c.padding.Resolve(c.h, c.w, c.kh, c.kw, c.stride, c.stride, c.dilation, c.dilation);
  const float spread =
      0.05f * 0.007f * 6000 * std::sqrt(static_cast<float>(c.kh * c.kw * c.i / c.groups)) / 100;
  layer.result = {
      c.input,
      {c.n, Extent(c.h, p.top, p.bottom, c.kh, c), Extent(c.w, p.left, p.right, c.kw, c), c.o},
      PerTensor(spread, zero())};
  AddLinks(layer, c.links, random);
  return layer;
}

std::string Name(const Conv& c) {
  return StrCat(c.n, "x", c.h, "x", c.w, "x", c.i, " o", c.o, " k", c.kh, "x", c.kw, " s", c.stride,
                " d", c.dilation, " links '", c.links, "' ",
                c.padding_value ? "padding value " : "", FormatAttrValue(Attr::padding, c.padding));
}

const KernelRow& ReferenceRow() { return Rows().back(); }

// Every row that takes the layer gives the reference's bits, at one thread and at three. Returns
// how many rows took it.
int ExpectSameBits(const Conv& c, uint64_t seed) {
  const Int8Layer layer = Make(c, seed);
  const std::vector<uint8_t> expected = layer.Expected(ReferenceRow());
  int taken = 0;
  for (const KernelRow& row : Rows()) {
    if (!CpuFeatures::Machine().Has(row.level)) continue;
    for (int threads : {1, 3}) {
      const auto found = layer.Run(row, threads);
      if (!found) continue;
      ++taken;
      EXPECT_EQ(*found, expected) << row.name << ", " << threads << " threads: " << Name(c);
    }
  }
  return taken;
}

const Conv kCases[] = {
    // Sizes of small models.
    {1, 32, 32, 3, 32, 3, 3},
    {1, 32, 32, 32, 32, 3, 3},
    {1, 16, 16, 32, 6, 3, 3},
    {1, 8, 8, 6, 13, 3, 3},
    {1, 32, 32, 16, 32, 3, 3, 2},
    {1, 32, 32, 16, 32, 1, 1, 2},
    // Tails of channels, tiles and images.
    {1, 1, 1, 1, 1, 3, 3},
    {1, 5, 7, 17, 9, 3, 3},
    {1, 4, 4, 15, 8, 3, 3},
    {2, 6, 9, 33, 17, 3, 3},
    {3, 3, 2, 2, 3, 3, 3},
    {1, 9, 9, 7, 25, 3, 3, 1, 1, {Padding::Kind::kValid}},
    {2, 5, 4, 20, 40, 3, 3, 1, 1, Explicit(2, 0, 0, 3)},
    {1, 13, 11, 5, 7, 5, 5},
    {1, 13, 11, 5, 7, 2, 4, 3},
    {1, 12, 12, 6, 10, 3, 3, 1, 2},
    {1, 12, 12, 3, 10, 3, 3, 2, 3},
    {1, 7, 7, 12, 21, 1, 1},
    {1, 7, 5, 9, 5, 7, 1},
    {1, 2, 2, 300, 10, 3, 3},
    // Filters with a zero point; activations.
    {.n = 1,
     .h = 8,
     .w = 8,
     .i = 16,
     .o = 16,
     .kh = 3,
     .kw = 3,
     .per_channel = false,
     .filter_zero = -128},
    {.n = 1, .h = 8, .w = 8, .i = 16, .o = 16, .kh = 3, .kw = 3, .activation = Activation::kRelu},
    {.n = 1, .h = 8, .w = 8, .i = 3, .o = 16, .kh = 3, .kw = 3, .activation = Activation::kRelu6},
};

TEST(Conv2dInt8, EveryRowGivesTheBitsOfTheReference) {
  uint64_t seed = 1;
  for (const Conv& c : kCases) {
    for (bool padding_value : {false, true}) {
      Conv with = c;
      with.padding_value = padding_value;
      const int rows = CpuFeatures::Machine().Has(CpuLevel::kAvx2) ? 2 : 1;
      EXPECT_GE(ExpectSameBits(with, seed++), 2 * rows) << Name(with);
    }
  }
}

TEST(Conv2dInt8, ChainsGiveTheBitsOfTheirOperatorsOneByOne) {
  uint64_t seed = 100;
  for (const char* links :
       {"m", "a", "s", "ma", "map", "p", "mp", "sap", "r", "mar", "mama", "mmp", "rm", "rr"}) {
    for (Conv c :
         {Conv{1, 8, 8, 32, 32, 3, 3}, Conv{2, 6, 10, 3, 13, 3, 3}, Conv{1, 10, 12, 4, 6, 5, 5},
          Conv{1, 8, 8, 16, 24, 1, 1}, Conv{1, 12, 12, 16, 20, 3, 3}}) {
      c.links = links;
      const int taken = ExpectSameBits(c, seed++);
      EXPECT_GE(taken, CpuFeatures::Machine().Has(CpuLevel::kAvx2) ? 2 : 0) << Name(c);
    }
  }
}

TEST(Conv2dInt8, RandomCases) {
  Random random(7, 7);
  const char* const links[] = {"", "", "m", "ma", "a", "r", "ar"};
  for (uint64_t i = 0; i < 200; ++i) {
    Conv c{Uniform(random, 1, 2),
           Uniform(random, 1, 14),
           Uniform(random, 1, 14),
           Uniform(random, 1, 40),
           Uniform(random, 1, 40),
           3,
           3};
    if (random.NextBelow(3) == 0) {
      c.kh = Uniform(random, 1, 4);
      c.kw = Uniform(random, 1, 4);
      c.stride = Uniform(random, 1, 3);
      c.dilation = Uniform(random, 1, 2);
    }
    if (random.NextBelow(3) == 0) {
      c.padding = Explicit(Uniform(random, 0, 2), Uniform(random, 0, 2), Uniform(random, 0, 2),
                           Uniform(random, 0, 2));
      c.h += (c.kh - 1) * c.dilation;
      c.w += (c.kw - 1) * c.dilation;
    }
    c.padding_value = random.NextBelow(2) == 0;
    c.links = links[random.NextBelow(std::size(links))];
    ExpectSameBits(c, 1000 + i);
  }
}

TEST(Conv2dInt8, ReferenceTakesBytesWithoutASign) {
  // One pixel: (200 - 128) * (3 - 1) + (10 - 128) * (255 - 1) + 7 = -29821, times 0.01 = -298.21.
  Int8Layer layer;
  const auto u8 = [](Shape shape, float scale, int32_t zero, std::vector<uint8_t> values) {
    return Tensor::FromValues<uint8_t>({DType::kU8, std::move(shape), PerTensor(scale, zero)},
                                       values)
        .value();
  };
  layer.operands.push_back(u8({1, 1, 1, 2}, 0.5f, 128, {200, 10}));
  layer.operands.push_back(u8({1, 1, 1, 2}, 0.02f, 1, {3, 255}));
  layer.operands.push_back(
      Tensor::FromValues<int32_t>({DType::kI32, {1}, {}}, std::vector<int32_t>{7}).value());
  layer.operands.emplace_back();
  layer.result = {DType::kU8, {1, 1, 1, 1}, PerTensor(10.0f, 255)};
  // multiplier 0.5 * 0.02 / 10 = 0.001: rne(-29.821) + 255 = 225.
  EXPECT_EQ(layer.Run(ReferenceRow()), std::vector<uint8_t>{225});
}

TEST(Conv2dInt8, ReferenceCutsChannelsIntoGroups) {
  Conv whole{1, 4, 4, 4, 6, 3, 3};
  whole.groups = 2;
  EXPECT_GE(ExpectSameBits(whole, 5), 1);
}

TEST(Conv2dInt8, ReferenceTakesAFilterThatIsNotConstant) {
  Int8Layer layer = Make({1, 5, 5, 3, 4, 3, 3}, 3);
  const auto expected = layer.Run(ReferenceRow());
  layer.constant_filter = false;
  EXPECT_EQ(layer.Run(ReferenceRow()), expected);
}

TEST(Conv2dInt8, SumsThatMayLeaveInt32AreRefused) {
  Int8Layer layer = Make({1, 1, 1, 4, 1, 1, 1}, 3);
  for (int32_t bias : {INT32_MAX, INT32_MIN}) {
    layer.operands[2] =
        Tensor::FromValues<int32_t>({DType::kI32, {1}, {}}, std::vector<int32_t>{bias}).value();
    for (const KernelRow& row : Rows()) EXPECT_EQ(layer.Make(row, true, 1), nullptr) << row.name;
  }
}

TEST(Conv2dInt8, TheLargestSumThatFitsInt32IsTaken) {
  // Zero point -128: an input integer is at most 255 away from it.
  Int8Layer layer = Make({1, 1, 1, 4, 1, 1, 1}, 3);
  layer.operands[0] = Tensor::FromValues<int8_t>({DType::kI8, {1, 1, 1, 4}, PerTensor(0.1f, -128)},
                                                 std::vector<int8_t>(4, 127))
                          .value();
  layer.operands[1] = Tensor::FromValues<int8_t>({DType::kI8, {1, 1, 1, 4}, PerTensor(0.1f, 0)},
                                                 std::vector<int8_t>{100, -50, 7, 0})
                          .value();
  constexpr int32_t kLargest = 255 * (100 + 50 + 7);
  for (const bool fits : {true, false}) {
    const int32_t bias = INT32_MAX - kLargest + (fits ? 0 : 1);
    layer.operands[2] =
        Tensor::FromValues<int32_t>({DType::kI32, {1}, {}}, std::vector<int32_t>{bias}).value();
    for (const KernelRow& row : Rows()) {
      if (!CpuFeatures::Machine().Has(row.level)) continue;
      EXPECT_EQ(layer.Make(row, true, 1) != nullptr, fits) << row.name;
    }
  }
}

TEST(Conv2dInt8, LargestSumsAreExact) {
  // Every operand at the end of its range: the worst case for sums that wrap inside.
  for (int64_t channels : {1, 16, 31, 64, 200, 400}) {
    for (int value : {-128, 127}) {
      Int8Layer layer = Make({1, 8, 8, channels, 8, 3, 3}, 3);
      for (int8_t& q : layer.operands[0].mutable_values<int8_t>()) q = -128;
      for (int8_t& w : layer.operands[1].mutable_values<int8_t>()) w = static_cast<int8_t>(value);
      layer.result.quantization = PerTensor(static_cast<float>(channels), 3);
      const auto expected = layer.Expected(ReferenceRow());
      for (const KernelRow& row : Rows()) {
        if (!CpuFeatures::Machine().Has(row.level)) continue;
        const auto found = layer.Run(row);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(*found, expected) << row.name << ' ' << channels << ' ' << value;
      }
    }
  }
}

}  // namespace
}  // namespace tersor::kernels::conv2d_int8
