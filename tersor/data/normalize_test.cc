#include "tersor/data/normalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tersor::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TensorType Quantized(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

TEST(Normalize, FormulasAndNames) {
  EXPECT_EQ(NormalizePixel(0, Normalize::kSigned), -1.0f);
  EXPECT_EQ(NormalizePixel(255, Normalize::kSigned), 1.0f);
  EXPECT_EQ(NormalizePixel(100, Normalize::kSigned), 100.0f / 127.5f - 1.0f);
  EXPECT_EQ(NormalizePixel(51, Normalize::kUnit), 0.2f);
  EXPECT_EQ(NormalizePixel(7, Normalize::kRaw), 7.0f);
  for (const char* name : {"signed", "unit", "raw"}) {
    EXPECT_EQ(NormalizeName(*ParseNormalize(name)), name);
  }
  EXPECT_EQ(ParseNormalize("sign"), std::nullopt);
}

TEST(InputEncoder, PixelsBecomeFloats) {
  auto encoder = InputEncoder::Create({DType::kF32, {kBatch, 1, 2}, {}},
                                      {DType::kU8, {5, 1, 2, 1}, {}}, Normalize::kUnit);
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  const uint8_t pixels[] = {0, 255, 51, 102};
  float out[4];
  encoder->Encode(pixels, 2, out);
  EXPECT_THAT(out, ElementsAre(0.0f, 1.0f, 0.2f, 0.4f));
  EXPECT_EQ(encoder->example_bytes(), 2);
  EXPECT_EQ(encoder->input_bytes(), 8);
}

TEST(InputEncoder, PixelsAreQuantizedByTheFilesParameters) {
  const struct {
    TensorType input;
    Normalize normalize;
  } kCases[] = {
      {Quantized(DType::kI8, {1, 256}, 1.0f / 127.5f, -1), Normalize::kSigned},
      {Quantized(DType::kI8, {1, 256}, 1.0f, -128), Normalize::kRaw},
      {Quantized(DType::kI8, {1, 256}, 0.00392157f, -128), Normalize::kUnit},
      {Quantized(DType::kU8, {1, 256}, 0.0078125f, 128), Normalize::kSigned},
      {Quantized(DType::kI8, {1, 256}, 2.0f, 3), Normalize::kRaw},
      {Quantized(DType::kU8, {1, 256}, 1e-30f, 0), Normalize::kRaw},
  };
  std::vector<uint8_t> pixels(256);
  for (int i = 0; i < 256; ++i) pixels[i] = static_cast<uint8_t>(i);
  for (const auto& c : kCases) {
    auto encoder = InputEncoder::Create(c.input, {DType::kU8, {1, 256}, {}}, c.normalize);
    ASSERT_TRUE(encoder.ok()) << encoder.status().message();
    std::vector<uint8_t> out(256);
    encoder->Encode(pixels.data(), 1, out.data());
    const bool is_signed = c.input.dtype == DType::kI8;
    for (int i = 0; i < 256; ++i) {
      const float steps =
          NormalizePixel(pixels[i], c.normalize) * (1.0f / c.input.quantization->scales[0]);
      const double expected = std::clamp(std::floor(static_cast<double>(steps) + 0.5 + 0x1p-10) +
                                             c.input.quantization->zero_points[0],
                                         is_signed ? -128.0 : 0.0, is_signed ? 127.0 : 255.0);
      EXPECT_EQ(is_signed ? static_cast<int8_t>(out[i]) : int{out[i]}, expected) << i;
    }
  }
}

TEST(InputEncoder, SignedPixelsStayApart) {
  std::vector<uint8_t> pixels(256), out(256);
  for (int i = 0; i < 256; ++i) pixels[i] = static_cast<uint8_t>(i);
  auto encoder = InputEncoder::Create(Quantized(DType::kI8, {1, 256}, 0.00784313772f, -1),
                                      {DType::kU8, {1, 256}, {}}, Normalize::kSigned);
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  encoder->Encode(pixels.data(), 1, out.data());
  for (int i = 0; i < 256; ++i) EXPECT_EQ(static_cast<int8_t>(out[i]), i - 128) << i;
}

TEST(InputEncoder, FloatsAreQuantizedHalfToEven) {
  auto encoder = InputEncoder::Create(Quantized(DType::kI8, {kBatch, 8}, 0.5f, 1),
                                      {DType::kF32, {9, 8}, {}}, Normalize::kSigned);
  ASSERT_TRUE(encoder.ok());
  const float values[] = {0.25f, 0.75f, -0.25f, 1e30f, -1e30f, NAN, INFINITY, -2.0f};
  int8_t out[8];
  encoder->Encode(values, 1, out);
  EXPECT_THAT(out, ElementsAre(1, 3, 1, 127, -128, 1, 127, -3));
}

TEST(InputEncoder, RawBytesPassAnInputWithoutScale) {
  const TensorType input{DType::kU8, {1, 2}, {}}, examples{DType::kU8, {1, 2}, {}};
  auto encoder = InputEncoder::Create(input, examples, Normalize::kRaw);
  ASSERT_TRUE(encoder.ok());
  const uint8_t pixels[] = {3, 250};
  uint8_t out[2];
  encoder->Encode(pixels, 1, out);
  EXPECT_THAT(out, ElementsAre(3, 250));
  EXPECT_FALSE(InputEncoder::Create(input, examples, Normalize::kUnit).ok());
}

TEST(InputEncoder, WhatDoesNotFitIsRefusedWithAReason) {
  const TensorType images{DType::kU8, {7, 32, 32, 3}, {}};
  const Shape shape{kBatch, 32, 32, 3};
  const struct {
    TensorType input, examples;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {{DType::kF32, {kBatch, 28, 28, 1}, {}},
       images,
       StatusCode::kInvalidArgument,
       "cannot feed examples u8[7,32,32,3] to an input f32[N,28,28,1]: the extents"},
      {{DType::kF32, {}, {}}, images, StatusCode::kInvalidArgument, "the extents"},
      {{DType::kI32, shape, {}}, images, StatusCode::kUnsupported, "an input of f32, i8 or u8"},
      {{DType::kI8, shape, {}}, images, StatusCode::kInvalidArgument, "without a scale"},
      {{DType::kF32, shape, {}},
       {DType::kI32, images.shape, {}},
       StatusCode::kUnsupported,
       "examples of u8 or f32"},
      {Quantized(DType::kI8, shape, 0.0f, 0), images, StatusCode::kDataLoss, "its scale 0"},
      {Quantized(DType::kI8, shape, -1.0f, 0), images, StatusCode::kDataLoss, "its scale -1"},
      {Quantized(DType::kI8, shape, NAN, 0), images, StatusCode::kDataLoss, "its scale nan"},
      {Quantized(DType::kI8, shape, 1e-45f, 0), images, StatusCode::kDataLoss, "its scale 1.4"},
      {Quantized(DType::kU8, shape, 1.0f, -1), images, StatusCode::kDataLoss, "zero point -1"},
      {{DType::kI8, shape, Quantization{{1, 2, 3}, {0, 0, 0}, 3}},
       images,
       StatusCode::kUnsupported,
       "expected one scale"},
  };
  for (const auto& c : kCases) {
    const Status status = InputEncoder::Create(c.input, c.examples, Normalize::kSigned).status();
    EXPECT_EQ(status.code(), c.code) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace tersor::data
