#include "tersor/formats/native/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tersor/base/wire.h"
#include "tersor/coding/coding.h"

namespace tersor::formats::native {
namespace {

using testing::HasSubstr;

struct Sizes {
  uint64_t structure_stored = 3, structure = 3, pool_stored = 8, pool = 8;
};

// A file with the structure "abc", the pool "01234567" and, on the next border, "large weights!!".
std::shared_ptr<Buffer> File(const Sizes& sizes) {
  WireWriter tail;
  for (uint64_t size : {sizes.structure_stored, sizes.structure, sizes.pool_stored, sizes.pool}) {
    tail.Fixed(size, 4);
  }
  tail.Fixed(0, 4);
  tail.Raw("abc01234567");
  std::string behind = tail.bytes();
  behind.resize(kAlignment - kChecksummedFrom);
  behind += "large weights!!";
  WireWriter file;
  file.Raw({kMagic, sizeof(kMagic)});
  file.Fixed(kVersion, 2);
  file.Fixed(kChecksummedFrom + behind.size(), 8);
  file.Fixed(Checksum(coding::AsBytes(behind)), 4);
  file.Raw(behind);
  auto buffer = Buffer::Allocate(file.bytes().size()).value();
  std::memcpy(buffer->data(), file.bytes().data(), file.bytes().size());
  return buffer;
}

std::string Text(const Result<std::shared_ptr<Buffer>>& buffer) {
  if (!buffer.ok()) return buffer.status().message();
  return {static_cast<const char*>((*buffer)->data()), (*buffer)->size_bytes()};
}

StoredBytes At(Placement placement, uint64_t offset, uint64_t size) {
  StoredBytes stored;
  stored.placement = placement;
  stored.offset = offset;
  stored.size = stored.stored_size = size;
  return stored;
}

TEST(Container, GivesItsParts) {
  auto file = Container::Open(File({}));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(std::memcmp(file->structure().data(), "abc", 3), 0);
  EXPECT_EQ(file->structure().size(), 3u);
  EXPECT_EQ(Text(file->Read(At(Placement::kPool, 2, 4))), "2345");
  EXPECT_EQ(Text(file->Read(At(Placement::kPool, 8, 0))), "");
  EXPECT_EQ(Text(file->Read(At(Placement::kInPlace, 6, 9))), "weights!!");
  StoredBytes planes = At(Placement::kPool, 0, 8);
  planes.flags = kPlanes;
  planes.element_bytes = 2;
  EXPECT_EQ(Text(file->Read(planes)), "04152637");
}

TEST(Container, FindsNothingOutsideOfTheFile) {
  auto file = Container::Open(File({})).value();
  EXPECT_EQ(Text(file.Read(At(Placement::kPool, 2, 7))),
            "it takes 7 bytes, the pool of small weights has 6 left");
  EXPECT_EQ(Text(file.Read(At(Placement::kPool, 9, 0))),
            "it takes 0 bytes, the pool of small weights has 0 left");
  EXPECT_EQ(Text(file.Read(At(Placement::kPool, 8, UINT64_MAX))),
            "it takes 18446744073709551615 bytes, the pool of small weights has 0 left");
  for (Placement placement : {Placement::kInPlace, Placement::kCoded}) {
    EXPECT_EQ(Text(file.Read(At(placement, 6, 10))),
              "its 10 bytes at 6 of the weights end after the file");
    EXPECT_THAT(Text(file.Read(At(placement, UINT64_MAX, 2))), HasSubstr("end after the file"));
    EXPECT_THAT(Text(file.Read(At(placement, 6, UINT64_MAX))), HasSubstr("end after the file"));
  }
}

TEST(Container, ItsPartsLieInTheFile) {
  for (const Sizes& sizes : {Sizes{200, 200, 8, 8}, Sizes{3, 3, 60, 60}, Sizes{36, 36, 8, 8},
                             Sizes{UINT32_MAX, UINT32_MAX, 1, 1}}) {
    EXPECT_EQ(Container::Open(File(sizes)).status().message(),
              "structure and small weights end after the file");
  }
  // The structure and the pool may end where the file ends.
  EXPECT_TRUE(Container::Open(File({3, 3, 36, 36})).ok());
}

TEST(Container, SpendsNoMoreThanAFileOfItsSizeMay) {
  auto file = Container::Open(File({})).value();
  const int64_t most = MaxDecodedBytes(kAlignment + 15);
  EXPECT_TRUE(file.Spend(most - 8).ok());
  EXPECT_EQ(Text(file.Read(At(Placement::kPool, 0, 8))), "01234567");
  EXPECT_THAT(Text(file.Read(At(Placement::kPool, 0, 1))), HasSubstr("its parts need more than"));
  EXPECT_FALSE(file.Spend(-1).ok());
  StoredBytes bomb = At(Placement::kCoded, 0, 8);
  bomb.size = UINT64_MAX;
  EXPECT_THAT(Text(Container::Open(File({}))->Read(bomb)), HasSubstr("its parts need more than"));
}

}  // namespace
}  // namespace tersor::formats::native
