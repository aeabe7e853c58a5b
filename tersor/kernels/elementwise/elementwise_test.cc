#include "tersor/kernels/elementwise/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tersor/kernels/elementwise/broadcast.h"
#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::elementwise {
namespace {

using testing::OperatorCase;
using testing::RandomValues;

constexpr float kSmallestNormal = std::numeric_limits<float>::min();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Family {
  const char* name;
  KernelRows rows;
};
const Family kUnaryFamilies[] = {
#define UNARY(Name, formula) {#Name, Name##Rows},
#include "tersor/kernels/elementwise/operators.inc"
};
const Family kBinaryFamilies[] = {
#define BINARY(Name, formula, domain) {#Name, Name##Rows},
#include "tersor/kernels/elementwise/operators.inc"
};

const KernelRow& Reference(KernelRows rows) { return rows().back(); }

TensorType Quantized(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

float Evaluate(const Family& family, float x) {
  OperatorCase c;
  c.Operand(Shape{1}, std::vector<float>{x}).Result({1});
  c.attributes.Set(Attr::min, -0.5).Set(Attr::max, 0.25).Set(Attr::slope, 0.25);
  return c.Run(Reference(family.rows))->results[0].values<float>()[0];
}

TEST(Elementwise, UnaryOperatorsAreTheirDefinitions) {
  const struct {
    KernelRows rows;
    float x, y;
  } facts[] = {
      {ClampRows, -1, -0.5f},
      {ClampRows, 1, 0.25f},
      {ExpRows, 1, 2.71828182845904523536f},
      {LeakyReluRows, -2, -0.5f},
      {LeakyReluRows, 3, 3},
      {LogRows, 2, 0.69314718055994530942f},
      {NegateRows, 3, -3},
      {ReluRows, -2, 0},
      {ReluRows, 7, 7},
      {Relu6Rows, 7, 6},
      {RsqrtRows, 4, 0.5f},
      {SigmoidRows, 0, 0.5f},
      {SigmoidRows, -100, 3.720076e-44f},
      {SqrtRows, 9, 3},
      {TanhRows, 0.5f, 0.46211715726000975850f},
  };
  for (const auto& fact : facts) EXPECT_EQ(Evaluate({"", fact.rows}, fact.x), fact.y);
}

TEST(Elementwise, NotANumberStaysOne) {
  const std::vector<float> x(19, std::numeric_limits<float>::quiet_NaN());
  for (const Family& family : kUnaryFamilies) {
    for (const KernelRow& row : testing::AvailableRows(family.rows())) {
      OperatorCase c;
      c.Operand(Shape{19}, x).Result({19});
      c.attributes.Set(Attr::min, -1.0).Set(Attr::max, 1.0);
      const auto found = c.Run(row);
      for (float y : found->results[0].values<float>()) {
        EXPECT_TRUE(std::isnan(y)) << family.name << " " << row.name;
      }
    }
  }
}

TEST(Elementwise, UnaryRowsAgreeWithTheReference) {
  for (const Family& family : kUnaryFamilies) {
    for (const KernelRow& row : testing::AvailableRows(family.rows())) {
      for (int64_t count : {0, 1, 7, 8, 15, 16, 17, 1000}) {
        OperatorCase c;
        std::vector<float> x = RandomValues<float>(count, 3);
        for (float& value : x) value *= 95;
        if (count > 16) x[3] = kInfinity, x[4] = -kInfinity, x[5] = 0, x[6] = -0.0f, x[7] = 88.8f;
        c.Operand(Shape{count}, x).Result({count});
        c.attributes.Set(Attr::min, -10.5).Set(Attr::max, 30.25);
        const auto expected = c.Run(Reference(family.rows));
        const auto found = c.Run(row);
        ASSERT_TRUE(found) << family.name << " " << row.name;
        for (int64_t i = 0; i < count; ++i) {
          const float want = expected->results[0].values<float>()[static_cast<size_t>(i)];
          const float have = found->results[0].values<float>()[static_cast<size_t>(i)];
          if (std::isnan(want) || std::isinf(want) || want == 0) {
            EXPECT_TRUE(want == have || std::isnan(have)) << family.name << x[i];
          } else {
            const bool exact =
                family.rows != ExpRows && family.rows != RsqrtRows && family.rows != SigmoidRows;
            EXPECT_LE(std::abs(have - want),
                      (exact ? 0 : kExpTolerance) * std::abs(want) + (exact ? 0 : kSmallestNormal))
                << family.name << " " << row.name << " of " << x[static_cast<size_t>(i)];
          }
        }
      }
    }
  }
}

const struct ShapePair {
  Shape lhs, rhs, result;
} kShapes[] = {
    {{1}, {1}, {1}},
    {{}, {}, {}},
    {{1, 7, 5, 32}, {32}, {1, 7, 5, 32}},
    {{2, 3, 5, 13}, {13}, {2, 3, 5, 13}},
    {{13}, {2, 3, 5, 13}, {2, 3, 5, 13}},
    {{4, 70}, {70}, {4, 70}},
    {{3, 129}, {1, 129}, {3, 129}},
    {{33, 3}, {3}, {33, 3}},
    {{5, 17}, {}, {5, 17}},
    {{1}, {5, 17}, {5, 17}},
    {{9, 31}, {9, 31}, {9, 31}},
    {{2, 4, 4, 6}, {2, 1, 1, 6}, {2, 4, 4, 6}},
    {{2, 1, 1, 6}, {2, 4, 4, 6}, {2, 4, 4, 6}},
    {{4, 1}, {3}, {4, 3}},
    {{3, 1, 40}, {5, 1}, {3, 5, 40}},
    {{2, 4100}, {4100}, {2, 4100}},
    {{1, 32, 32, 8}, {1, 32, 32, 8}, {1, 32, 32, 8}},
    {{1, 96, 96, 3}, {3}, {1, 96, 96, 3}},
    {{0, 4}, {4}, {0, 4}},
};

TEST(Elementwise, BinaryRowsGiveTheBitsOfTheReference) {
  auto two = ThreadPool::Create(2).value();
  for (const Family& family : kBinaryFamilies) {
    for (const KernelRow& row : testing::AvailableRows(family.rows())) {
      for (const ShapePair& shapes : kShapes) {
        for (Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
          for (int variant = 0; variant < 3; ++variant) {
            OperatorCase c;
            c.Operand(shapes.lhs, RandomValues<float>(shapes.lhs.num_elements(), 1));
            auto rhs = RandomValues<float>(shapes.rhs.num_elements(), 2);
            for (float& value : rhs) value *= 9;
            if (variant == 1) {
              c.Constant(shapes.rhs, rhs);
            } else {
              c.Operand(shapes.rhs, rhs);
            }
            c.Result(shapes.result);
            c.attributes.Set(Attr::activation, activation);
            const auto expected = c.Run(Reference(family.rows));
            if (variant == 2) c.pool = &two;
            const auto found = c.Run(row);
            ASSERT_TRUE(found);
            EXPECT_TRUE(testing::SameBits(found->results[0], expected->results[0]))
                << family.name << " " << row.name << " " << shapes.lhs.ToString()
                << shapes.rhs.ToString() << " " << ActivationName(activation) << variant;
          }
        }
      }
    }
  }
}

TEST(Elementwise, BinaryQuantizedRowsGiveTheBitsOfTheReference) {
  auto two = ThreadPool::Create(2).value();
  const struct {
    float scale_lhs, scale_rhs, scale_out;
    int32_t zero_lhs, zero_rhs, zero_out;  // for i8; u8 has 128 more
  } parameters[] = {
      {0.02f, 0.03f, 0.04f, -128, 5, -128},
      {0.5f, 0.25f, 0.5f, 0, 0, 0},  // ties
      {0.007f, 0.011f, 0.0004f, 127, -128, 90},
      {3.1f, 40.0f, 0.001f, -7, 127, 3},
  };
  const auto check = [&]<typename T>(T, DType dtype, int32_t shift) {
    for (const Family& family : kBinaryFamilies) {
      for (const KernelRow& row : testing::AvailableRows(family.rows())) {
        for (const ShapePair& shapes : kShapes) {
          for (const auto& p : parameters) {
            for (int variant = 0; variant < 3; ++variant) {
              OperatorCase c;
              c.Operand(Quantized(dtype, shapes.lhs, p.scale_lhs, p.zero_lhs + shift),
                        RandomValues<T>(shapes.lhs.num_elements(), 1));
              const TensorType rhs = Quantized(dtype, shapes.rhs, p.scale_rhs, p.zero_rhs + shift);
              if (variant == 1) {
                c.Constant(rhs, RandomValues<T>(shapes.rhs.num_elements(), 2));
              } else {
                c.Operand(rhs, RandomValues<T>(shapes.rhs.num_elements(), 2));
              }
              c.Result(Quantized(dtype, shapes.result, p.scale_out, p.zero_out + shift));
              c.attributes.Set(Attr::activation, variant == 0   ? Activation::kNone
                                                 : variant == 1 ? Activation::kRelu
                                                                : Activation::kRelu6);
              const auto expected = c.Run(Reference(family.rows));
              if (variant == 2) c.pool = &two;
              const auto found = c.Run(row);
              if (!found) continue;
              EXPECT_TRUE(testing::SameBits(found->results[0], expected->results[0]))
                  << family.name << " " << row.name << " " << shapes.lhs.ToString()
                  << shapes.rhs.ToString() << variant;
            }
          }
        }
      }
    }
  };
  check(int8_t{}, DType::kI8, 0);
  check(uint8_t{}, DType::kU8, 128);
}

TEST(Elementwise, VectorRowsTakeQuantizedSumsAndProducts) {
  for (KernelRows rows : {AddRows, SubtractRows, MultiplyRows}) {
    OperatorCase c;
    c.Operand(Quantized(DType::kI8, {2, 32}, 0.1f, 3), RandomValues<int8_t>(64, 1));
    c.Operand(Quantized(DType::kI8, {32}, 0.2f, 1), RandomValues<int8_t>(32, 2));
    c.Result(Quantized(DType::kI8, {2, 32}, 0.3f, 2));
    for (const KernelRow& row : testing::AvailableRows(rows())) EXPECT_TRUE(c.Make(row));
  }
}

TEST(Elementwise, QuantizedRuleByHand) {
  const auto run = [](KernelRows rows, int8_t a, int8_t b, Activation activation) {
    OperatorCase c;
    c.Operand(Quantized(DType::kI8, {1}, 0.5f, -1), std::vector<int8_t>{a});
    c.Operand(Quantized(DType::kI8, {1}, 0.25f, 2), std::vector<int8_t>{b});
    c.Result(Quantized(DType::kI8, {1}, 1.0f, 10));
    c.attributes.Set(Attr::activation, activation);
    return int{c.Run(Reference(rows))->results[0].values<int8_t>()[0]};
  };
  EXPECT_EQ(run(AddRows, 0, 6, Activation::kNone), 10 + 2);         // 0.5 + 1 = 1.5, to even
  EXPECT_EQ(run(SubtractRows, 0, 6, Activation::kNone), 10 + 0);    // 0.5 - 1 = -0.5, to even
  EXPECT_EQ(run(SubtractRows, 1, 12, Activation::kRelu), 10);       // 1 - 2.5, below zero
  EXPECT_EQ(run(MultiplyRows, 9, 6, Activation::kNone), 10 + 5);    // 5 * 1
  EXPECT_EQ(run(MultiplyRows, 19, 6, Activation::kRelu6), 10 + 6);  // 10 * 1, above six
  EXPECT_EQ(run(MultiplyRows, 126, 127, Activation::kNone), 127);
  EXPECT_EQ(run(MaximumRows, 3, 3, Activation::kNone), 10 + 2);  // max(2, 0.25)
  EXPECT_EQ(run(DivideRows, 3, 6, Activation::kNone), 10 + 2);   // 2 / 1
}

TEST(Elementwise, UnaryQuantizedIsATableByDequantizing) {
  for (const Family& family : kUnaryFamilies) {
    OperatorCase c;
    std::vector<int8_t> q(256);
    for (int i = 0; i < 256; ++i) q[static_cast<size_t>(i)] = static_cast<int8_t>(i - 128);
    c.Operand(Quantized(DType::kI8, {256}, 0.05f, -20), q);
    c.Result(Quantized(DType::kI8, {256}, 1.0f / 256, -128));
    c.attributes.Set(Attr::min, -0.5).Set(Attr::max, 0.25);
    const auto found = c.Run(Reference(family.rows));
    for (int i = 0; i < 256; ++i) {
      const float y = Evaluate(family, 0.05f * static_cast<float>(i - 128 + 20));
      const float wanted =
          std::isnan(y) ? -128 : std::min(127.0f, std::max(-128.0f, std::nearbyint(y * 256) - 128));
      EXPECT_EQ(found->results[0].values<int8_t>()[static_cast<size_t>(i)], wanted)
          << family.name << " " << i;
    }
  }
}

TEST(Elementwise, PlainIntegersAreExactAndWrap) {
  const auto run = [](KernelRows rows, int64_t a, int64_t b) {
    OperatorCase c;
    c.Operand(Shape{1}, std::vector<int64_t>{a}).Operand(Shape{1}, std::vector<int64_t>{b});
    c.Result({DType::kI64, {1}, {}});
    return c.Run(Reference(rows))->results[0].values<int64_t>()[0];
  };
  EXPECT_EQ(run(AddRows, (int64_t{1} << 60) + 1, 2), (int64_t{1} << 60) + 3);
  EXPECT_EQ(run(AddRows, INT64_MAX, 1), INT64_MIN);
  EXPECT_EQ(run(MultiplyRows, (int64_t{1} << 53) + 1, 3), (int64_t{3} << 53) + 3);
  EXPECT_EQ(run(MaximumRows, -5, 4), 4);
  OperatorCase divide;
  divide.Operand(Shape{1}, std::vector<int32_t>{1}).Operand(Shape{1}, std::vector<int32_t>{0});
  divide.Result({DType::kI32, {1}, {}});
  EXPECT_FALSE(divide.Make(Reference(DivideRows)));
}

TEST(Elementwise, TheResultMayBeTheFirstOperand) {
  ThreadPool pool;
  for (const Family& family : kBinaryFamilies) {
    for (const KernelRow& row : testing::AvailableRows(family.rows())) {
      OperatorCase c;
      c.Operand(Shape{3, 37}, RandomValues<float>(111, 1));
      c.Constant(Shape{37}, RandomValues<float>(37, 2)).Result({3, 37});
      const auto kernel = c.Make(row);
      auto expected = c.Run(*kernel);
      Tensor in_place = expected.operands[0].Clone().value();
      const ConstTensorView operands[] = {in_place.view(), expected.operands[1].view()};
      const TensorView results[] = {in_place.mutable_view()};
      std::vector<std::byte> scratch(kernel->scratch_bytes());
      kernel->Run(
          {.operands = operands, .results = results, .scratch = scratch.data(), .pool = &pool});
      EXPECT_TRUE(testing::SameBits(in_place, expected.results[0])) << family.name << row.name;
    }
  }
}

TEST(Elementwise, RefusesWhatIsNotItsOwn) {
  const auto refuses = [](TensorType lhs, TensorType rhs, TensorType result) {
    const ConstTensorView operands[] = {{&lhs, nullptr}, {&rhs, nullptr}};
    for (const KernelRow& row : AddRows()) {
      if (row.make({operands, {&result, 1}, nullptr, {}, 1})) return false;
    }
    return true;
  };
  const TensorType f{DType::kF32, {2, 3}, {}};
  EXPECT_FALSE(refuses(f, f, f));
  EXPECT_TRUE(refuses(f, {DType::kF32, {2}, {}}, f));
  EXPECT_TRUE(refuses(f, {DType::kI32, {2, 3}, {}}, f));
  EXPECT_TRUE(refuses(f, f, {DType::kF32, {3, 2}, {}}));
  const TensorType q = Quantized(DType::kI8, {3}, 1, 0);
  EXPECT_TRUE(refuses(q, {DType::kI8, {3}, {}}, q));
  EXPECT_TRUE(refuses(q, {DType::kI8, {3}, Quantization{{1, 1, 1}, {0, 0, 0}, 0}}, q));
}

TEST(Broadcast, MergesAxesIntoLongRuns) {
  const auto plan = [](Shape lhs, Shape rhs) { return Broadcast::Plan(lhs, rhs); };
  EXPECT_EQ(plan({2, 3, 4}, {2, 3, 4}).run, 24);
  EXPECT_EQ(plan({1, 8, 8, 32}, {32}).run, 64 * 32);
  EXPECT_EQ(plan({1, 8, 8, 32}, {32}).rhs_period, 32);
  EXPECT_EQ(plan({1, 8, 8, 32}, {1}).rhs_period, 1);
  EXPECT_EQ(plan({2, 4, 4, 6}, {2, 1, 1, 6}).run, 96);
  EXPECT_EQ(plan({2, 4, 4, 6}, {2, 1, 1, 6}).runs(), 2);
  EXPECT_EQ(plan({2, 4, 4, 6}, {2, 1, 1, 6}).OffsetsOf(1).rhs, 6);
}

}  // namespace
}  // namespace tersor::kernels::elementwise
