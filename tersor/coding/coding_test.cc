#include "tersor/coding/coding.h"

#include <gtest/gtest.h>

#include <vector>

#include "tersor/base/random.h"

namespace tersor::coding {
namespace {

std::string Bytes(size_t size, uint64_t distinct, uint64_t seed) {
  Random random(seed, /*stream=*/0);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.NextBelow(distinct));
  return bytes;
}

Status DecodeInto(Coding coding, const std::string& coded, std::string& target) {
  return Decode(coding, AsBytes(coded), std::as_writable_bytes(std::span(target)));
}

TEST(Coding, EveryRowGivesTheBytesBack) {
  for (const CodingInfo& info : AllCodings()) {
    SCOPED_TRACE(std::string(info.name));
    EXPECT_FALSE(info.doc.empty());
    for (size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{5000}, size_t{100000}}) {
      for (uint64_t distinct : {1, 3, 256}) {
        const std::string bytes = Bytes(size, distinct, size);
        const auto coded = Encode(info.coding, AsBytes(bytes), SIZE_MAX, 9);
        ASSERT_TRUE(coded.has_value());
        EXPECT_EQ(Encode(info.coding, AsBytes(bytes), SIZE_MAX, 9), coded);
        std::string back(size, '\1');
        const Status status = DecodeInto(info.coding, *coded, back);
        EXPECT_TRUE(status.ok()) << status.message();
        EXPECT_EQ(back, bytes);
        EXPECT_EQ(Encode(info.coding, AsBytes(bytes), coded->size(), 9), std::nullopt)
            << "fewer than so many are asked for";
        EXPECT_EQ(Encode(info.coding, AsBytes(bytes), coded->size() + 1, 9), coded);
      }
    }
  }
}

TEST(Coding, DamageIsAnErrorOrOtherBytes) {
  const std::string bytes = Bytes(3000, 5, 1);
  Random random(/*seed=*/2, /*stream=*/0);
  for (const CodingInfo& info : AllCodings()) {
    SCOPED_TRACE(std::string(info.name));
    const std::string coded = *Encode(info.coding, AsBytes(bytes), SIZE_MAX, 3);
    for (size_t size = 0; size < coded.size(); size += 1 + size / 64) {
      std::string back(bytes.size(), '\0');
      EXPECT_EQ(DecodeInto(info.coding, coded.substr(0, size), back).code(), StatusCode::kDataLoss);
    }
    for (size_t other : {bytes.size() - 1, bytes.size() + 1}) {
      std::string back(other, '\0');
      EXPECT_EQ(DecodeInto(info.coding, coded, back).code(), StatusCode::kDataLoss);
    }
    for (int i = 0; i < 500; ++i) {
      std::string changed = coded, back(bytes.size(), '\0');
      changed[random.NextBelow(changed.size())] = static_cast<char>(random.NextU32());
      const Status status = DecodeInto(info.coding, changed, back);
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss);
    }
  }
}

TEST(Coding, PlanesPutLikeBytesTogether) {
  const std::string bytes = "a1b2c3d4e";  // the last is no whole element
  std::string planes(bytes.size(), '\0'), back(bytes.size(), '\0');
  ToPlanes(AsBytes(bytes), 2, reinterpret_cast<std::byte*>(planes.data()));
  EXPECT_EQ(planes, "abcd1234e");
  FromPlanes(AsBytes(planes), 2, reinterpret_cast<std::byte*>(back.data()));
  EXPECT_EQ(back, bytes);
}

TEST(Coding, SmallestChoosesPlanesWhereTheyHelp) {
  // Byte 1 of each element is the same, byte 0 is noise.
  std::string pairs = Bytes(8000, 256, 3);
  for (size_t i = 1; i < pairs.size(); i += 2) pairs[i] = 'x';
  const auto planes = EncodeSmallest(AsBytes(pairs), 2, pairs.size(), 9);
  ASSERT_TRUE(planes.has_value());
  EXPECT_TRUE(planes->planes);
  EXPECT_EQ(planes->coding, Coding::kZstd);
  EXPECT_LT(planes->bytes.size(), pairs.size() * 52 / 100);
  const auto plain = EncodeSmallest(AsBytes(pairs), 1, pairs.size(), 9);
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->planes);
  EXPECT_GT(plain->bytes.size(), planes->bytes.size());
  // 101 bytes of noise again and again: planes make it no smaller.
  std::string again;
  for (int i = 0; i < 40; ++i) again += Bytes(101, 256, 5);
  std::string planes_again(again.size(), '\0');
  ToPlanes(AsBytes(again), 4, reinterpret_cast<std::byte*>(planes_again.data()));
  const size_t as_it_is = Encode(Coding::kZstd, AsBytes(again), SIZE_MAX, 9)->size();
  ASSERT_LT(as_it_is, Encode(Coding::kZstd, AsBytes(planes_again), SIZE_MAX, 9)->size());
  const auto smallest = EncodeSmallest(AsBytes(again), 4, again.size(), 9);
  ASSERT_TRUE(smallest.has_value());
  EXPECT_FALSE(smallest->planes);
  EXPECT_EQ(smallest->bytes.size(), as_it_is);
  EXPECT_EQ(EncodeSmallest(AsBytes(Bytes(4000, 256, 4)), 4, 3920, 9), std::nullopt)
      << "noise does not get smaller";
}

}  // namespace
}  // namespace tersor::coding
