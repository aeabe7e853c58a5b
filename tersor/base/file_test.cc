#include "tersor/base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
  // Neither waits for somebody at the other end, and what is no file stays what it is.
  EXPECT_EQ(ReadFile(folder_ + "/pipe").status().message(),
            "cannot read " + folder_ + "/pipe: it is not a regular file");
  EXPECT_EQ(ReadFile("/dev/zero").status().code(), StatusCode::kIoError);
  EXPECT_EQ(ReadFile(folder_).status().message(), "cannot read " + folder_ + ": it is a directory");
  EXPECT_EQ(WriteFileAtomically(folder_ + "/pipe", "x").message(),
            "cannot write " + folder_ + "/pipe: it is not a regular file");
  EXPECT_TRUE(std::filesystem::is_fifo(folder_ + "/pipe"));
  EXPECT_EQ(WriteFileAtomically(folder_, "x").message(),
            "cannot write " + folder_ + ": it is a directory");
}

TEST_F(FileTest, LinksAndDevicesStayWhatTheyAre) {
  namespace fs = std::filesystem;
  fs::create_directory(folder_ + "/there");
  fs::create_symlink("there/target", folder_ + "/link");
  fs::create_symlink("link", folder_ + "/second");
  for (const char* text : {"first", "again"}) {  // the target is absent, then there
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/second", text).ok());
    EXPECT_TRUE(fs::is_symlink(folder_ + "/link"));
    EXPECT_TRUE(fs::is_symlink(folder_ + "/second"));
    EXPECT_EQ(*ReadFile(folder_ + "/there/target"), text);
  }
  fs::create_symlink("loop", folder_ + "/loop");
  EXPECT_EQ(WriteFileAtomically(folder_ + "/loop", "x").message(),
            "cannot write " + folder_ + "/loop: too many symbolic links");
  EXPECT_TRUE(WriteFileAtomically("/dev/null", "x").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_FALSE(WriteFileAtomically("/dev/full", "x").ok());
}

TEST_F(FileTest, AReplacedFileHandsOnItsMode) {
  const std::string path = folder_ + "/secret";
  ASSERT_TRUE(WriteFileAtomically(path, "x").ok());
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(WriteFileAtomically(path, "y").ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(*ReadFile(path), "y");
}

TEST_F(FileTest, WhatAKilledProcessLeftIsRemoved) {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string path = folder_ + "/a", left = path + ".tmp." + std::to_string(dead);
  const std::string kept[] = {path + ".tmp.1", path + ".tmp.", left + "x",
                              folder_ + "/b.tmp." + std::to_string(dead)};
  for (const std::string& file : kept) ASSERT_TRUE(WriteFileAtomically(file, "k").ok());
  ASSERT_TRUE(WriteFileAtomically(left, "half").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "whole").ok());
  EXPECT_FALSE(FileExists(left));
  for (const std::string& file : kept) EXPECT_TRUE(FileExists(file)) << file;
}

TEST_F(FileTest, WhetherAFileCanBeWrittenIsKnownBefore) {
  EXPECT_TRUE(CheckWritable(folder_ + "/a").ok());
  EXPECT_FALSE(FileExists(folder_ + "/a"));
  EXPECT_TRUE(CheckWritable("a").ok());
  EXPECT_TRUE(CheckWritable("/dev/null").ok());
  EXPECT_EQ(CheckWritable(folder_ + "/none/a").message(),
            "cannot write " + folder_ + "/none/a: No such file or directory");
  EXPECT_EQ(CheckWritable(folder_).message(), "cannot write " + folder_ + ": it is a directory");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/file", "x").ok());
  EXPECT_FALSE(CheckWritable(folder_ + "/file/a").ok());
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(CheckWritable(folder_ + "/pipe").ok());
}

TEST_F(FileTest, OneProcessHoldsALock) {
  const std::string path = folder_ + "/model";
  {
    auto first = FileLock::Take(path);
    ASSERT_TRUE(first.ok()) << first.status().message();
    EXPECT_EQ(FileLock::Take(path).status().message(), "another process is writing " + path);
    EXPECT_TRUE(FileLock::Take(folder_ + "/other").ok());
    const FileLock moved = *std::move(first);
    EXPECT_FALSE(FileLock::Take(path).ok());
  }
  EXPECT_FALSE(FileExists(path + ".lock"));
  // A process that was killed leaves the file, and holds nothing.
  const pid_t child = ::fork();
  if (child == 0) {
    auto held = FileLock::Take(path);
    ::_exit(held.ok() ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(FileExists(path + ".lock"));
  EXPECT_TRUE(FileLock::Take(path).ok());
  EXPECT_EQ(FileLock::Take(folder_ + "/none/a").status().code(), StatusCode::kNotFound);
}

TEST_F(FileTest, AFolderThatMayNotBeWrittenIsKnownBefore) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write every folder";
  ASSERT_EQ(::chmod(folder_.c_str(), 0555), 0);
  EXPECT_EQ(CheckWritable(folder_ + "/a").message(),
            "cannot write " + folder_ + "/a: Permission denied");
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
}

}  // namespace
}  // namespace tersor
