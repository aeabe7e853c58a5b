#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <thread>

#include "tersor/base/encodings_testing.h"

namespace tersor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr DType kAllTypes[] = {
#define DTYPE(enumerator, name, bits, type) DType::enumerator,
#include "tersor/base/dtypes.inc"
#undef DTYPE
};

std::vector<uint8_t> BytesOf(const Buffer& buffer) {
  const auto* bytes = static_cast<const uint8_t*>(buffer.data());
  return {bytes, bytes + buffer.size_bytes()};
}

template <typename T>
Tensor Dense(Shape shape, std::vector<T> values) {
  return Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, values).value();
}

// What Decode must give for a sample.
Tensor Expected(const EncodingSample& sample) {
  if (sample.encoding != Encoding::kGroupedI4) return sample.content;
  const TensorType& type = sample.content.type();
  Tensor real = Tensor::Create({DType::kF32, type.shape, {}}).value();
  const Quantization& q = *type.quantization;
  const int64_t row = type.shape[type.shape.rank() - 1];
  const int64_t groups = (row + q.group_size - 1) / q.group_size;
  const Packed4 packed(type.shape);
  for (int64_t i = 0; i < type.shape.num_elements(); ++i) {
    const auto group = static_cast<size_t>(i / row * groups + i % row / q.group_size);
    real.mutable_values<float>()[static_cast<size_t>(i)] =
        q.scales[group] * static_cast<float>(packed.Get(sample.content.view().as<uint8_t>(), i) -
                                             q.zero_points[group]);
  }
  return real;
}

EncodedTensor::Ptr Encoded(const EncodingSample& sample) {
  auto encoded = Encode(sample.encoding, sample.content, sample.parameters);
  EXPECT_TRUE(encoded.ok()) << encoded.status().message();
  return encoded.ok() ? *encoded : nullptr;
}

Status WithBytes(const EncodedTensor& encoded, const std::vector<uint8_t>& bytes) {
  auto buffer = Buffer::Allocate(bytes.size()).value();
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  auto again =
      EncodedTensor::Create(encoded.encoding(), encoded.type(), encoded.parameters(), buffer);
  if (!again.ok()) return again.status();
  return (*again)->Decode().status();
}

TEST(Encodings, EveryRowHasASampleAndItsNames) {
  std::set<Encoding> sampled;
  for (const EncodingSample& sample : EncodingSamples(DType::kF32)) sampled.insert(sample.encoding);
  for (const EncodingInfo& info : AllEncodings()) {
    EXPECT_TRUE(sampled.contains(info.encoding)) << info.name;
    EXPECT_EQ(EncodingName(info.encoding), info.name);
    EXPECT_EQ(ParseEncoding(info.name), info.encoding);
    EXPECT_EQ(EncodingFromNumber(static_cast<uint64_t>(info.encoding)), info.encoding);
    EXPECT_FALSE(info.doc.empty());
  }
  EXPECT_EQ(ParseEncoding("zip"), std::nullopt);
  EXPECT_EQ(EncodingFromNumber(200), std::nullopt);
  EXPECT_EQ(EncodingFromNumber(256), std::nullopt) << "cut to a byte it would be 0";
}

TEST(Encodings, DecodeToTheBitsThatWereEncoded) {
  for (DType dtype : kAllTypes) {
    for (const EncodingSample& sample : EncodingSamples(dtype)) {
      SCOPED_TRACE(StrCat(EncodingName(sample.encoding), ' ', sample.content.type().ToString()));
      const EncodedTensor::Ptr encoded = Encoded(sample);
      ASSERT_NE(encoded, nullptr);
      const Tensor expected = Expected(sample);
      EXPECT_TRUE(encoded->type() == expected.type());
      const Tensor decoded = encoded->Decode().value();
      EXPECT_EQ(BytesOf(*decoded.buffer()), BytesOf(*expected.buffer()));
      EXPECT_EQ(BytesOf(*encoded->dense().buffer()), BytesOf(*expected.buffer()));
      auto again = EncodedTensor::Create(encoded->encoding(), encoded->type(),
                                         encoded->parameters(), encoded->buffer());
      EXPECT_TRUE(again.ok()) << again.status().message();
    }
  }
}

TEST(Encodings, SizesAreTheFormulas) {
  const TensorType f32{DType::kF32, {6, 3, 8}, {}}, i4{DType::kI4, {6, 3, 8}, {}};
  EXPECT_EQ(EncodedSizeBytes(Encoding::kDense, f32, {}), 576);
  EXPECT_EQ(EncodedSizeBytes(Encoding::kBitmap, f32, {}, 10), 40 + 18);
  EXPECT_EQ(EncodedSizeBytes(Encoding::kBitmap, i4, {}, 11), 6 + 18);
  const int64_t nm[] = {2, 4}, nm8[] = {3, 8};
  EXPECT_EQ(EncodedSizeBytes(Encoding::kNM, f32, nm), 72 * 4 + 18) << "2 bits a position";
  EXPECT_EQ(EncodedSizeBytes(Encoding::kNM, i4, nm8), 27 + 21) << "54 values, 3 bits a position";
  const int64_t blocks[] = {2, 3, 2};
  EXPECT_EQ(EncodedSizeBytes(Encoding::kBlock, f32, blocks, 5), 5 * 12 * 4 + 2);
  const int64_t one_book[] = {5, -1, 0}, books[] = {17, 0, 4}, two[] = {2, -1, 0};
  EXPECT_EQ(EncodedSizeBytes(Encoding::kPalette, f32, one_book), 5 * 4 + 54);
  EXPECT_EQ(EncodedSizeBytes(Encoding::kPalette, f32, books), 2 * 17 * 4 + 90);
  EXPECT_EQ(EncodedSizeBytes(Encoding::kPalette, f32, two), 2 * 4 + 18);
  const int64_t grouped[] = {5, 0}, with_zeros[] = {5, 1};
  EXPECT_EQ(EncodedSizeBytes(Encoding::kGroupedI4, f32, grouped), 36 * 4 + 72);
  EXPECT_EQ(EncodedSizeBytes(Encoding::kGroupedI4, f32, with_zeros), 36 * 5 + 72);
}

// The layouts by hand: files hold these bytes, so they may never change.
TEST(Encodings, BytesAreAsTheFilesSay) {
  const auto bytes = [](Encoding encoding, const Tensor& tensor, std::vector<int64_t> parameters) {
    auto encoded = Encode(encoding, tensor, parameters);
    EXPECT_TRUE(encoded.ok()) << encoded.status().message();
    return BytesOf(*(*encoded)->buffer());
  };
  const Tensor bytes12 = Dense<int8_t>({3, 4}, {0, 5, 0, 6, 7, 0, 0, 0, 0, 0, 0, 9});
  EXPECT_THAT(bytes(Encoding::kBitmap, bytes12, {}), ElementsAre(5, 6, 7, 9, 0b00011010, 0b1000));
  // Positions 1 3, 0 1 (a zero is stored), 0 (a zero) 3: two bits each, low first.
  EXPECT_THAT(bytes(Encoding::kNM, bytes12, {2, 4}),
              ElementsAre(5, 6, 7, 0, 0, 9, 0b01001101, 0b1100));
  EXPECT_THAT(bytes(Encoding::kBlock, bytes12, {1, 2}),
              ElementsAre(0, 5, 0, 6, 7, 0, 0, 9, 0b100111));
  // Sorted as unsigned patterns; indices 0 1 0 2 3 0 0 0 0 0 0 4 of three bits.
  EXPECT_THAT(bytes(Encoding::kPalette, bytes12, {0, -1, 0}),
              ElementsAre(0, 5, 6, 7, 9, 0b00001000, 0b00110100, 0, 0, 0b1000));
  EXPECT_THAT(bytes(Encoding::kPalette, Dense<int16_t>({2, 2}, {-1, 1, 2, 2}), {2, 0, 1}),
              ElementsAre(1, 0, 255, 255, 2, 0, 0, 0, 0b0001));
  const Tensor grouped =
      Tensor::FromValues<uint8_t>({DType::kI4, {1, 3}, Quantization{{1, 2}, {0, -3}, 1, 2}},
                                  std::vector<uint8_t>{0x21, 0x0F})
          .value();
  EXPECT_THAT(bytes(Encoding::kGroupedI4, grouped, {}),
              ElementsAre(0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0x21, 0x0F, 0, 253));
  EXPECT_THAT(Encode(Encoding::kGroupedI4, grouped, {}).value()->dense().values<float>(),
              ElementsAre(1, 2, 4));
}

TEST(Encodings, NegativeZeroIsNotZero) {
  const Tensor tensor = Dense<float>({1, 4}, {0.0f, -0.0f, 0.0f, 0.0f});
  auto encoded = Encode(Encoding::kBitmap, tensor, {});
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ((*encoded)->size_bytes(), 5);
  EXPECT_TRUE(std::signbit((*encoded)->dense().values<float>()[1]));
}

TEST(Encodings, WhatDoesNotFitIsRefusedWithTheReason) {
  const Tensor tensor = Dense<int8_t>({2, 4}, {1, 2, 0, 0, 1, 2, 3, 0});
  const auto message = [&](Encoding encoding, std::vector<int64_t> parameters) {
    const auto encoded = Encode(encoding, tensor, parameters);
    EXPECT_FALSE(encoded.ok());
    EXPECT_EQ(encoded.status().code(), StatusCode::kInvalidArgument);
    return encoded.status().message();
  };
  EXPECT_EQ(message(Encoding::kNM, {2, 4}),
            "nm: group 1 of i8[2,4] has 3 elements that are not zero, at most 2 of 4 fit");
  EXPECT_EQ(message(Encoding::kNM, {1, 3}), "nm: the last extent of i8[2,4] is no multiple of 3");
  for (const auto& parameters :
       std::vector<std::vector<int64_t>>{{}, {0, 4}, {4, 4}, {1, 512}, {1, 4, 0}}) {
    EXPECT_EQ(message(Encoding::kNM, parameters),
              "nm: parameters are n and m, with 1 <= n < m <= 256");
  }
  EXPECT_EQ(message(Encoding::kPalette, {3, -1, 0}),
            "palette: codebook 0 of i8[2,4] needs more than the 3 entries that it has");
  EXPECT_EQ(message(Encoding::kPalette, {3, 0, 1}),
            "palette: codebook 1 of i8[2,4] needs more than the 3 entries that it has");
  EXPECT_EQ(message(Encoding::kPalette, {257, -1, 0}),
            "palette: a codebook has 257 entries, expected 0 to 256");
  for (const auto& parameters :
       std::vector<std::vector<int64_t>>{{0, -1, 1}, {0, 2, 1}, {0, 0, 0}, {0, 0, 3}, {0, -2, 0}}) {
    EXPECT_THAT(message(Encoding::kPalette, parameters), HasSubstr("palette: a codebook for "));
  }
  EXPECT_EQ(message(Encoding::kBlock, {1}), "block: 1 extents of a block, expected 2");
  EXPECT_EQ(message(Encoding::kBlock, {1, 3}),
            "block: a block has extent 3 along axis 1 of i8[2,4], expected one that divides it");
  EXPECT_THAT(message(Encoding::kBlock, {0, 4}), HasSubstr("a block has extent 0"));
  EXPECT_EQ(message(Encoding::kGroupedI4, {}),
            "grouped_i4: it is made from an i4 tensor with a scale for each group, found i8[2,4]");
  EXPECT_FALSE(Encode(Encoding::kBitmap, tensor, std::vector<int64_t>{1}).ok());
  EXPECT_FALSE(Encode(Encoding::kDense, tensor, std::vector<int64_t>{1}).ok());
}

TEST(Encodings, DamagedBytesAreRefusedByWhatIsWrong) {
  const auto message = [](Encoding encoding, TensorType type, std::vector<int64_t> parameters,
                          std::vector<uint8_t> bytes) {
    auto buffer = Buffer::Allocate(bytes.size()).value();
    std::memcpy(buffer->data(), bytes.data(), bytes.size());
    const auto encoded = EncodedTensor::Create(encoding, type, parameters, buffer);
    EXPECT_FALSE(encoded.ok());
    EXPECT_EQ(encoded.status().code(), StatusCode::kDataLoss);
    return encoded.status().message();
  };
  const TensorType i8{DType::kI8, {1, 4}, {}}, f32{DType::kF32, {1, 4}, {}};
  EXPECT_EQ(message(Encoding::kBitmap, i8, {}, {5, 0b0011}),
            "bitmap: i8[1,4] has 2 bytes, expected 3");
  EXPECT_EQ(message(Encoding::kBitmap, i8, {}, {5, 0b00010000}),
            "bitmap: a bit after the last of its 4 is set");
  EXPECT_EQ(message(Encoding::kNM, i8, {2, 4}, {5, 6, 0b0101}),
            "nm: group 0 has position 1 after 1 of 4");
  EXPECT_EQ(message(Encoding::kNM, {DType::kI8, {1, 3}, {}}, {1, 3}, {5, 3}),
            "nm: group 0 has position 3 after -1 of 3");
  EXPECT_EQ(message(Encoding::kNM, i8, {2, 4}, {5, 6, 0, 0}),
            "nm: i8[1,4] has 4 bytes, expected 3");
  EXPECT_EQ(message(Encoding::kPalette, i8, {3, -1, 0}, {1, 2, 3, 0b11000000}),
            "palette: index 3 of element 3 is beyond the 3 entries of its codebook");
  EXPECT_THAT(message(Encoding::kPalette, i8, {0, -1, 0}, {0}), HasSubstr("0 entries"));
  EXPECT_EQ(message(Encoding::kBlock, i8, {1, 2}, {5, 6, 0b11}),
            "block: i8[1,4] has 3 bytes, expected 5");
  EXPECT_THAT(message(Encoding::kGroupedI4, f32, {4, 0}, {0, 0, 0, 0x80, 0, 0}),
              HasSubstr("group 0 has scale -0, expected positive and finite"));
  EXPECT_THAT(message(Encoding::kGroupedI4, f32, {4, 0}, {0, 0, 0x80, 0x7F, 0, 0}),
              HasSubstr("has scale inf"));
  EXPECT_EQ(message(Encoding::kGroupedI4, f32, {4, 1}, {0, 0, 0x80, 0x3F, 0, 0, 8}),
            "grouped_i4: group 0 has zero point 8, expected -8 to 7");
  EXPECT_THAT(message(Encoding::kGroupedI4, f32, {0, 0}, {0}), HasSubstr("parameters"));
  EXPECT_EQ(message(Encoding::kGroupedI4, i8, {4, 0}, {0, 0, 0x80, 0x3F, 0, 0}),
            "grouped_i4: it stores f32, found i8[1,4]");
  EXPECT_EQ(message(Encoding::kBitmap, {DType::kI8, {1, 0}, {}}, {}, {0}),
            "bitmap: its shape is [1,0]");
  EXPECT_THAT(message(Encoding::kBlock, {DType::kI8, {1 << 21, 1 << 20}, {}}, {1, 1}, {0}),
              HasSubstr("elements"));
}

TEST(Encodings, TruncatedAndChangedBytesNeverDecodeBeyondTheTensor) {
  Random random(/*seed=*/1, /*stream=*/0);
  for (const EncodingSample& sample : EncodingSamples(DType::kI16)) {
    const EncodedTensor::Ptr encoded = Encoded(sample);
    const std::vector<uint8_t> bytes = BytesOf(*encoded->buffer());
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(
          WithBytes(*encoded, {bytes.begin(), bytes.begin() + static_cast<long>(size)}).code(),
          StatusCode::kDataLoss);
    }
    for (int i = 0; i < 500; ++i) {
      std::vector<uint8_t> changed = bytes;
      changed[random.NextBelow(changed.size())] = static_cast<uint8_t>(random.NextU32());
      const Status status = WithBytes(*encoded, changed);
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss) << status.message();
    }
    std::vector<int64_t> parameters = encoded->parameters();
    for (int64_t& parameter : parameters) {
      for (int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX}) {
        const int64_t before = std::exchange(parameter, value);
        auto again = EncodedTensor::Create(encoded->encoding(), encoded->type(), parameters,
                                           encoded->buffer());
        if (again.ok()) {
          EXPECT_TRUE((*again)->Decode().ok());
        }
        parameter = before;
      }
    }
  }
}

TEST(Encodings, SmallestIsChosen) {
  const auto chosen = [](const Tensor& tensor) {
    const auto smallest = SmallestEncoding(tensor);
    EXPECT_TRUE(smallest.ok());
    EXPECT_EQ(BytesOf(*(*smallest)->dense().buffer()), BytesOf(*tensor.buffer()));
    std::string text(EncodingName((*smallest)->encoding()));
    for (int64_t parameter : (*smallest)->parameters()) text += StrCat(' ', parameter);
    return text;
  };
  const TensorType type{DType::kF32, {16, 64}, {}};
  const uint64_t many = 5000;
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t) { return true; })), "dense");
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t i) { return i % 5 == 0; })), "bitmap");
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t i) { return i % 4 == 1; })), "nm 1 4");
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t i) { return i % 4 < 2; })), "nm 2 4");
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t i) { return i % 16 < 4; })), "block 1 4");
  EXPECT_EQ(chosen(SparseTensor(type, 1, many, [](int64_t i) { return i / 64 % 2 == 0; })),
            "block 1 64");
  EXPECT_EQ(chosen(SparseTensor(type, 1, 16, [](int64_t) { return true; })), "palette 16 -1 0");
  // Two values a row, another two in each.
  Tensor rows = Tensor::Create(type).value();
  for (size_t i = 0; i < 1024; ++i) {
    rows.mutable_values<float>()[i] = static_cast<float>(i / 64 * 2 + i % 2) + 0.5f;
  }
  EXPECT_EQ(chosen(rows), "palette 2 0 1");
  EXPECT_EQ(chosen(Dense<float>({}, {1.0f})), "dense");
  EXPECT_EQ(chosen(Dense<int8_t>({1, 8}, {1, 2, 3, 4, 5, 6, 7, 0})), "dense")
      << "a bitmap would take as many bytes";
}

TEST(Encodings, DistinctElementsAreCountedByTheirBits) {
  EXPECT_EQ(CountDistinct(Dense<float>({5}, {0.0f, -0.0f, 1, 1, 2})), 4);
  EXPECT_EQ(CountDistinct(Dense<int64_t>({4}, {1, int64_t{1} << 40, 1, 0})), 3);
  EXPECT_EQ(CountDistinct(GroupedI4Tensor({40, 31}, 31, false, 1)), 16);
}

TEST(EncodedTensor, DenseViewIsDecodedOnceAndNotWritable) {
  const EncodedTensor::Ptr encoded = Encoded(EncodingSamples(DType::kF32)[1]);
  std::vector<const void*> seen(4);
  std::vector<std::thread> threads;
  for (const void*& data : seen) {
    threads.emplace_back([&data, &encoded] { data = encoded->dense().view().data; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<const void*>(seen.begin(), seen.end()).size(), 1u);
  EXPECT_NE(seen[0], nullptr);
  EXPECT_FALSE(encoded->dense().buffer()->writable());
  EXPECT_NE(encoded->Decode()->buffer()->data(), seen[0]);
  EXPECT_TRUE(encoded->Decode()->buffer()->writable());
}

TEST(PackedBits, EveryWidthAtEveryPlace) {
  for (int bits = 1; bits <= 8; ++bits) {
    std::vector<uint8_t> bytes(16);
    const int64_t count = 15 * 8 / bits;
    EXPECT_EQ(PackedBytes(count, bits), (count * bits + 7) / 8);
    for (int64_t i = 0; i < count; ++i) {
      StoreBits(bytes.data(), i * bits, bits, static_cast<uint32_t>(i * 37 % (1 << bits)));
    }
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_EQ(LoadBits(bytes.data(), i * bits, bits),
                static_cast<uint32_t>(i * 37 % (1 << bits)));
    }
  }
  std::vector<uint8_t> bytes(2);
  StoreBits(bytes.data(), 6, 4, 0b1101);
  EXPECT_THAT(bytes, ElementsAre(0b01000000, 0b11));
}

}  // namespace
}  // namespace tersor
