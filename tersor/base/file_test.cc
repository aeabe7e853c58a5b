#include "tersor/base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

namespace tersor {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() : folder_((std::filesystem::temp_directory_path() / "tersor_base_XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  ~FileTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string folder_;
};

TEST_F(FileTest, WhatWasWrittenIsReadAndMapped) {
  const std::string path = folder_ + "/a";
  for (const std::string& text : {std::string("hello"), std::string(100000, 'x'), std::string()}) {
    ASSERT_TRUE(WriteFileAtomically(path, std::string_view(text)).ok());
    auto read = ReadFile(path);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, text);
    auto mapped = MapFile(path);
    ASSERT_TRUE(mapped.ok());
    const Buffer& buffer = **mapped;
    EXPECT_EQ(std::string(static_cast<const char*>(buffer.data()), buffer.size_bytes()), text);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, FailuresSayWhatCouldNotBeDone) {
  EXPECT_EQ(MapFile(folder_ + "/none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(MapFile(folder_).status().code(), StatusCode::kIoError);
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(MapFile(folder_ + "/pipe").status().code(), StatusCode::kIoError);
  EXPECT_EQ(ReadFile(folder_ + "/none").status().message(),
            "cannot open " + folder_ + "/none: No such file or directory");
  EXPECT_EQ(WriteFileAtomically(folder_ + "/none/a", "x").code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace tersor
