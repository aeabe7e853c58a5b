#include "tersor/base/tensor.h"

#include <gtest/gtest.h>

#include <limits>

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

TEST(TensorType, FourBitRowsArePaddedToBytes) {
  EXPECT_EQ((TensorType{DType::kI4, {3, 5}, {}}.size_bytes()), 9);
  EXPECT_EQ((TensorType{DType::kF16, {3, 5}, {}}.size_bytes()), 30);
}

TEST(Tensor, RefusesWhatHasNoStorage) {
  EXPECT_FALSE(Tensor::Create({DType::kF32, {kBatch, 2}, {}}).ok());
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
