// Runs a suite over each row of storages.inc.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tersor/automation/study/storage.h"

namespace tersor::automation {

struct StorageKind {
  const char* name;
  Result<std::shared_ptr<Storage>> (*open)(const std::string& location, Access access);
};

inline constexpr StorageKind kStorages[] = {
#define STORAGE(Name, documentation) {#Name, Open##Name##Storage},
#include "tersor/automation/study/storages.inc"
#undef STORAGE
};

/// A folder of its own for each test, and a history in it.
class EachStorage : public ::testing::TestWithParam<StorageKind> {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "tersor_storage_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// One more connection to the history of this test.
  std::shared_ptr<Storage> Connect(Access access = Access::kWrite) const {
    auto storage = GetParam().open(folder_ + "/study.sqlite", access);
    EXPECT_TRUE(storage.ok()) << storage.status().message();
    return storage.ok() ? *storage : nullptr;
  }

  std::string folder_;
};

#define TERSOR_FOR_EACH_STORAGE(Suite)                                      \
  INSTANTIATE_TEST_SUITE_P(Storages, Suite, ::testing::ValuesIn(kStorages), \
                           [](const auto& info) { return std::string(info.param.name); })

}  // namespace tersor::automation
