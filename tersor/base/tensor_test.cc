#include "tersor/base/tensor.h"

#include <gtest/gtest.h>

#include <iterator>
#include <limits>
#include <set>
#include <string>

namespace tersor {
namespace {

TEST(DType, NamesReadBack) {
  EXPECT_EQ(DTypeName(DType::kI4), "i4");
  EXPECT_EQ(ParseDType("bf16"), DType::kBF16);
  EXPECT_EQ(ParseDType("f64"), std::nullopt);
}

TEST(Shape, CountsElements) {
  EXPECT_EQ((Shape{kBatch, 32, 32, 3}.num_elements()), 3072);
  EXPECT_EQ((Shape{kBatch, 32, 32, 3}.WithBatch(2).num_elements()), 6144);
  EXPECT_EQ(Shape{}.num_elements(), 1);
  EXPECT_EQ((Shape{1LL << 40, 1LL << 40}.num_elements()), std::numeric_limits<int64_t>::max());
  EXPECT_EQ((Shape{kBatch, 10}.ToString()), "[N,10]");
}

TEST(Symbol, NamesReadBack) {
  const char* names[] = {"N", "S", "n", "a", "z9", "A_0", "Sequence_1", "zzzzzzzzzz", "NN"};
  std::set<int64_t> extents;
  for (const char* name : names) {
    const auto extent = ParseSymbol(name);
    ASSERT_TRUE(extent.has_value()) << name;
    EXPECT_TRUE(IsSymbol(*extent)) << name;
    EXPECT_EQ(SymbolName(*extent), name);
    EXPECT_EQ(ExtentToString(*extent), name);
    extents.insert(*extent);
  }
  EXPECT_EQ(extents.size(), std::size(names));
  EXPECT_EQ(ParseSymbol("N"), kBatch);
}

TEST(Symbol, OtherTextAndOtherNumbersAreNone) {
  for (const char* text : {"", "1", "4S", "_S", "S-1", "S T", "ElevenChars"}) {
    EXPECT_EQ(ParseSymbol(text), std::nullopt) << text;
  }
  for (int64_t number : {int64_t{-2}, int64_t{-11}, int64_t{-65}, int64_t{-1} - 24 - 1,
                         std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(SymbolName(number), "") << number;
    EXPECT_EQ(ExtentToString(number), std::to_string(number));
  }
}

TEST(Shape, BindsASymbolWhereverItStands) {
  const int64_t s = *ParseSymbol("S"), t = *ParseSymbol("T");
  const Shape shape{kBatch, s, t, s, 4};
  EXPECT_EQ(shape.ToString(), "[N,S,T,S,4]");
  EXPECT_TRUE(shape.IsSymbolic());
  EXPECT_EQ(shape.num_elements(), 4);
  EXPECT_EQ(shape.Bind(s, 7).ToString(), "[N,7,T,7,4]");
  EXPECT_EQ(shape.Bind(s, 7).Bind(t, 2).WithBatch(3), (Shape{3, 7, 2, 7, 4}));
  EXPECT_FALSE((Shape{3, 7}.IsSymbolic()));
  EXPECT_FALSE((Shape{s, kBatch}.HasBatch()));
}

TEST(TensorType, FourBitRowsArePaddedToBytes) {
  EXPECT_EQ((TensorType{DType::kI4, {3, 5}, {}}.size_bytes()), 9);
  EXPECT_EQ((TensorType{DType::kF16, {3, 5}, {}}.size_bytes()), 30);
}

TEST(Tensor, RefusesWhatHasNoStorage) {
  EXPECT_FALSE(Tensor::Create({DType::kF32, {kBatch, 2}, {}}).ok());
  EXPECT_FALSE(Tensor::Create({DType::kF32, {2, *ParseSymbol("S")}, {}}).ok());
  EXPECT_EQ(Tensor::Create({DType::kF32, {1LL << 40, 1LL << 40}, {}}).status().code(),
            StatusCode::kResourceExhausted);
  const float values[] = {1, 2, 3};
  EXPECT_FALSE(Tensor::FromValues<float>({DType::kF32, {2}, {}}, values).ok());
  auto tensor = Tensor::FromValues<float>({DType::kF32, {3}, {}}, values);
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(tensor->values<float>()[2], 3);
}

}  // namespace
}  // namespace tersor
