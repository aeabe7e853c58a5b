// Every implementation of vector.h against plain arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/kernels/kernel_testing.h"
#include "tersor/kernels/simd/vector_testing.h"

namespace tersor::kernels {
namespace {

struct Implementation {
  const char* name;
  CpuLevel level;
  const VectorTable& table;
};

class Vectors : public ::testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    if (!CpuFeatures::Machine().Has(GetParam().level)) {
      GTEST_SKIP() << "this CPU lacks " << CpuLevelName(GetParam().level);
    }
  }
  const VectorTable& table() const { return GetParam().table; }
  size_t lanes() const { return static_cast<size_t>(table().lanes); }
};

int32_t Wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }
int Low(int32_t pair) { return static_cast<int16_t>(pair); }
int High(int32_t pair) { return pair >> 16; }

/// Bits, except that any NaN is like any other.
bool SameFloat(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// Random values, and in the first of them what arithmetic treats apart.
std::vector<float> Floats(uint64_t seed) {
  std::vector<float> values = testing::RandomValues<float>(256, seed);
  for (float& x : values) x *= 40;
  const float infinity = std::numeric_limits<float>::infinity();
  const float special[] = {0.0f,     -0.0f, 0.5f,  1.5f,          2.5f,    -0.5f, -1.5f, 1e-40f,
                           infinity, 1.0f,  -1.0f, std::nanf(""), 8388609, 3e38f, -3e38f};
  for (size_t i = 0; i < 2 * std::size(special); ++i) {
    values[(i * (seed + 1) + seed) % 64] = special[i % std::size(special)];
  }
  return values;
}
std::vector<int32_t> Integers(uint64_t seed) {
  auto values = testing::RandomValues<int32_t>(256, seed);
  const int32_t special[] = {0, 1, -1, INT32_MIN, INT32_MAX, -32768, 32767, 128, -129, 255};
  for (size_t i = 0; i < 2 * std::size(special); ++i) {
    values[(i * (seed + 1) + seed) % 64] = special[i % std::size(special)];
  }
  return values;
}

TEST_P(Vectors, F32OperationsAreTheirDefinitions) {
  const auto as = Floats(1), bs = Floats(2), cs = Floats(4);
  const auto check = [&](F32Operation operation, const char* name, auto scalar) {
    for (size_t i = 0; i < as.size(); i += lanes()) {
      float out[64];
      table().f32[static_cast<int>(operation)](&as[i], &bs[i], &cs[i], out);
      for (size_t l = 0; l < lanes(); ++l) {
        const float a = as[i + l], b = bs[i + l], c = cs[i + l];
        EXPECT_TRUE(SameFloat(out[l], scalar(a, b, c)))
            << name << "(" << a << ", " << b << ", " << c << ") is " << out[l];
      }
    }
  };
#define F32_OPERATION(name, vector, scalar)                                        \
  check(F32Operation::k##name, #name,                                              \
        [](float a, [[maybe_unused]] float b, [[maybe_unused]] float c) -> float { \
          static_cast<void>(a);                                                    \
          return scalar;                                                           \
        });
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar)
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
}

TEST_P(Vectors, I32OperationsAreTheirDefinitions) {
  const auto as = Integers(1), bs = Integers(2), cs = Integers(4);
  const auto check = [&](I32Operation operation, const char* name, auto scalar) {
    for (size_t i = 0; i < as.size(); i += lanes()) {
      int32_t out[64];
      table().i32[static_cast<int>(operation)](&as[i], &bs[i], &cs[i], out);
      for (size_t l = 0; l < lanes(); ++l) {
        const int32_t a = as[i + l], b = bs[i + l], c = cs[i + l];
        EXPECT_EQ(out[l], scalar(a, b, c)) << name << "(" << a << ", " << b << ", " << c << ")";
      }
    }
  };
#define F32_OPERATION(name, vector, scalar)
#define I32_OPERATION(name, vector, scalar)                                                \
  check(I32Operation::k##name, #name,                                                      \
        [](int32_t a, [[maybe_unused]] int32_t b, [[maybe_unused]] int32_t c) -> int32_t { \
          return scalar;                                                                   \
        });
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef I32_OPERATION
#undef I16_OPERATION
}

TEST_P(Vectors, I16OperationsAreTheirDefinitions) {
  const auto as = testing::RandomValues<int16_t>(256, 1),
             bs = testing::RandomValues<int16_t>(256, 2);
  const auto check = [&](I16Operation operation, const char* name, auto scalar) {
    for (size_t i = 0; i < as.size(); i += 16) {
      int16_t out[16];
      table().i16[static_cast<int>(operation)](&as[i], &bs[i], out);
      for (size_t l = 0; l < 16; ++l) {
        EXPECT_EQ(out[l], static_cast<int16_t>(scalar(as[i + l], bs[i + l]))) << name;
      }
    }
  };
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar) \
  check(I16Operation::k##name, #name, [](int a, [[maybe_unused]] int b) { return scalar; });
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
#undef I16_OPERATION
}

TEST_P(Vectors, PartsTouchTheirElementsAlone) {
  const auto values = testing::RandomValues<float>(64, 3);
  for (int count = 0; count < table().lanes; ++count) {
    // A part at the end of its memory: what is behind is found by the address sanitizer.
    const std::vector<float> exact(values.begin(), values.begin() + count);
    std::vector<float> loaded(lanes(), 7), stored(lanes() + 1, 7), copied(lanes() + 1, 7);
    table().load_part(exact.data(), count, loaded.data());
    table().store_part(values.data(), count, stored.data());
    table().copy_up_to(exact.data(), count, copied.data());
    for (int l = 0; l <= table().lanes; ++l) {
      const auto i = static_cast<size_t>(l);
      if (l < table().lanes) {
        EXPECT_EQ(loaded[i], l < count ? values[i] : 0) << count;
      }
      EXPECT_EQ(stored[i], l < count ? values[i] : 7) << count;
      EXPECT_EQ(copied[i], l < count ? values[i] : 7) << count;
    }
  }
  std::vector<float> copied(lanes() + 1, 7);
  table().copy_up_to(values.data(), table().lanes + 3, copied.data());
  EXPECT_TRUE(std::equal(copied.begin(), copied.end() - 1, values.begin()));
  EXPECT_EQ(copied.back(), 7);
}

TEST_P(Vectors, SumsAndMaximaAreOverAllLanes) {
  for (size_t lane = 0; lane < lanes(); ++lane) {
    std::vector<float> floats(lanes(), -3);
    std::vector<int32_t> integers(lanes(), 1'000'000'000);
    floats[lane] = 5;
    integers[lane] = -7;
    const auto others = static_cast<int>(lanes() - 1);
    EXPECT_EQ(table().sum(floats.data()), static_cast<float>(5 - 3 * others));
    EXPECT_EQ(table().largest(floats.data()), 5);
    EXPECT_EQ(table().sum_i32(integers.data()), Wrap(1'000'000'000LL * others - 7));
  }
  const auto values = testing::RandomValues<float>(64, 3);
  std::vector<double> sums(lanes(), 0.25);
  table().add_to_doubles(values.data(), sums.data());
  for (size_t l = 0; l < lanes(); ++l) EXPECT_EQ(sums[l], 0.25 + double{values[l]});
}

TEST_P(Vectors, ExpStaysWithinItsError) {
  std::vector<float> x(64, 0);
  for (float at = -103; at < 88.7f; at += 0.37f) {
    for (size_t l = 0; l < lanes(); ++l) x[l] = at + static_cast<float>(l) * 0.001f;
    float out[64];
    table().exp(x.data(), out);
    for (size_t l = 0; l < lanes(); ++l) {
      const double expected = std::exp(double{x[l]});
      EXPECT_NEAR(out[l], expected, 2e-7 * expected + 1.5e-45) << x[l];
    }
  }
  std::fill(x.begin(), x.end(), std::nanf(""));
  float out[64];
  table().exp(x.data(), out);
  EXPECT_TRUE(std::isnan(out[0]));
}

TEST_P(Vectors, BytesAreWidened) {
  const auto a = testing::RandomValues<int8_t>(64, 1), b = testing::RandomValues<int8_t>(64, 2);
  const auto* unsigned_a = reinterpret_cast<const uint8_t*>(a.data());
  std::vector<int32_t> i8(lanes()), u8(lanes()), pairs(lanes()), two(lanes());
  table().widen_i8(a.data(), i8.data());
  table().widen_u8(unsigned_a, u8.data());
  table().widen_pairs(reinterpret_cast<const char*>(a.data()), pairs.data());
  table().pair_bytes(a.data(), b.data(), two.data());
  for (size_t l = 0; l < lanes(); ++l) {
    EXPECT_EQ(i8[l], a[l]);
    EXPECT_EQ(u8[l], unsigned_a[l]);
    EXPECT_EQ(Low(pairs[l]), a[2 * l]);
    EXPECT_EQ(High(pairs[l]), a[2 * l + 1]);
    EXPECT_EQ(Low(two[l]), a[l]);
    EXPECT_EQ(High(two[l]), b[l]);
  }
  for (int count = 0; count <= table().lanes; ++count) {
    const std::vector<int8_t> exact(a.begin(), a.begin() + count);
    table().widen_up_to(exact.data(), count, i8.data());
    for (int l = 0; l < table().lanes; ++l) {
      EXPECT_EQ(i8[static_cast<size_t>(l)], l < count ? a[static_cast<size_t>(l)] : 0);
    }
  }
  int16_t sixteen[16], sixteen_unsigned[16];
  table().widen_sixteen_i8(a.data(), sixteen);
  table().widen_sixteen_u8(unsigned_a, sixteen_unsigned);
  for (size_t l = 0; l < 16; ++l) {
    EXPECT_EQ(sixteen[l], a[l]);
    EXPECT_EQ(sixteen_unsigned[l], unsigned_a[l]);
  }
}

TEST_P(Vectors, StoreFourWritesTheLanesThatExist) {
  const auto bytes = testing::RandomValues<int8_t>(256, 1);
  std::vector<int32_t> q(bytes.begin(), bytes.end());
  for (int count = 1; count <= table().lanes; ++count) {
    for (int absent = 0; absent < 5; ++absent) {
      std::vector<std::vector<int8_t>> out(4, std::vector<int8_t>(lanes() + 1, 99));
      int8_t* to[4];
      for (int i = 0; i < 4; ++i)
        to[i] = i == absent ? nullptr : out[static_cast<size_t>(i)].data();
      table().store_four({to[0], to[1], to[2], to[3]}, q.data(), count);
      for (size_t i = 0; i < 4; ++i) {
        for (size_t l = 0; l <= lanes(); ++l) {
          const bool written = to[i] != nullptr && l < static_cast<size_t>(count);
          EXPECT_EQ(out[i][l], written ? bytes[i * lanes() + l] : 99) << i << " " << l;
        }
      }
    }
  }
}

int Saturated(int64_t x) { return static_cast<int>(std::clamp<int64_t>(x, -32768, 32767)); }

TEST_P(Vectors, NarrowSaturatesShiftsAndClamps) {
  auto q = Integers(1);
  for (size_t i = 64; i < q.size(); ++i) q[i] >>= i % 32;
  const size_t block = 4 * lanes();
  const struct {
    int32_t zero, lo, hi;
  } cases[] = {{0, -128, 127}, {-100, -20, 100}, {255, 0, 255}, {10, 10, 90}};
  for (const auto& c : cases) {
    for (size_t i = 0; i < q.size(); i += block) {
      const auto expected = [&](size_t l, int lo, int hi) {
        return std::clamp(Saturated(int64_t{Saturated(q[i + l])} + c.zero), lo, hi);
      };
      std::vector<int8_t> i8(block);
      std::vector<uint8_t> u8(block);
      const int32_t lo = std::max(c.lo, 0), hi8 = std::min(c.hi, 127);
      table().narrow_i8(&q[i], c.zero, c.lo, hi8, i8.data());
      table().narrow_u8(&q[i], c.zero, lo, c.hi, u8.data());
      for (size_t l = 0; l < block; ++l) {
        EXPECT_EQ(i8[l], expected(l, c.lo, hi8)) << q[i + l];
        EXPECT_EQ(u8[l], expected(l, lo, c.hi)) << q[i + l];
      }
    }
  }
}

TEST_P(Vectors, DotQuadsIsExact) {
  ASSERT_EQ(table().dot_quads != nullptr, GetParam().level == CpuLevel::kAvx512Vnni);
  if (table().dot_quads == nullptr) return;  // optional: the others have DotPairs alone
  auto a = testing::RandomValues<uint8_t>(256, 1);
  auto b = testing::RandomValues<int8_t>(256, 2);
  std::fill_n(a.begin(), 8, uint8_t{255});  // the products that saturating instructions lose
  std::fill_n(b.begin(), 8, int8_t{-128});
  auto sums = Integers(3);
  const auto before = sums;
  table().dot_quads(sums.data(), a.data(), b.data());
  for (size_t l = 0; l < lanes(); ++l) {
    int64_t sum = before[l];
    for (size_t i = 4 * l; i < 4 * l + 4; ++i) sum += a[i] * b[i];
    EXPECT_EQ(sums[l], Wrap(sum));
  }
}

TEST_P(Vectors, SixteenAreAddedAndStored) {
  const auto values = testing::RandomValues<int16_t>(16, 1);
  std::vector<int32_t> sums = Integers(2), before = sums;
  for (size_t i = 0; i < 16; ++i) before[i] = sums[i] >>= 8;
  table().add_sixteen(values.data(), sums.data());
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(sums[i], before[i] + values[i]);
  int32_t q[16];
  for (int i = 0; i < 16; ++i) q[i] = (i - 8) * 40;
  int8_t i8[16];
  uint8_t u8[16];
  table().store_sixteen_i8(q, i8);
  table().store_sixteen_u8(q, u8);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(i8[i], std::clamp(q[i], -128, 127));
    EXPECT_EQ(u8[i], std::clamp(q[i], 0, 255));
  }
}

TEST_P(Vectors, BytesAreCompared) {
  const auto a = testing::RandomValues<uint8_t>(32, 1), b = testing::RandomValues<uint8_t>(32, 2);
  uint8_t different[16];
  table().bytes16_xor(a.data(), b.data(), different);
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(different[i], a[i] ^ b[i]);
  for (size_t kind = 0; kind < 4; ++kind) {
    uint8_t out16[16], out32[32];
    table().bytes16[kind](a.data(), b.data(), out16);
    table().bytes32[kind](a.data(), b.data(), out32);
    for (size_t i = 0; i < 32; ++i) {
      const bool is_less =
          kind % 2 == 0 ? static_cast<int8_t>(a[i]) < static_cast<int8_t>(b[i]) : a[i] < b[i];
      const uint8_t expected = is_less == (kind < 2) ? b[i] : a[i];
      EXPECT_EQ(out32[i], expected) << kind;
      if (i < 16) {
        EXPECT_EQ(out16[i], expected) << kind;
      }
    }
  }
}

TEST_P(Vectors, SquaresAreTransposed) {
  const auto side = static_cast<size_t>(table().transpose_side);
  const auto from = testing::RandomValues<float>(256, 1);
  std::vector<float> to(256, 7);
  table().transpose(from.data(), static_cast<int64_t>(side) + 3, to.data(),
                    static_cast<int64_t>(side) + 1);
  for (size_t i = 0; i < side; ++i) {
    for (size_t j = 0; j < side; ++j) EXPECT_EQ(to[j * (side + 1) + i], from[i * (side + 3) + j]);
    EXPECT_EQ(to[i * (side + 1) + side], 7);
  }
}

const Implementation kImplementations[] = {
#define VECTOR(name, level, table) {#name, CpuLevel::level, table},
#include "tersor/kernels/simd/vector_testing_list.inc"
#undef VECTOR
};
INSTANTIATE_TEST_SUITE_P(All, Vectors, ::testing::ValuesIn(kImplementations),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tersor::kernels
