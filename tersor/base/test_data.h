// Where tests and named data sets find models and data that are not part of the project.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace tersor {

/// The folder TERSOR_TEST_DATA, by default ../shared from the current folder.
inline std::string TestDataRoot() {
  const char* root = std::getenv("TERSOR_TEST_DATA");
  return root != nullptr && *root != '\0' ? root : "../shared";
}

/// A path in it: TestDataPath("models/paper").
inline std::string TestDataPath(std::string_view relative) {
  return TestDataRoot() + "/" + std::string(relative);
}

inline bool HasTestData(std::string_view relative) {
  std::error_code error;
  return std::filesystem::exists(TestDataPath(relative), error);
}

}  // namespace tersor

/// First line of a test that needs such data: skips it by name where the data is absent.
#define TERSOR_REQUIRE_TEST_DATA(relative)         \
  if (!::tersor::HasTestData(relative))            \
  GTEST_SKIP() << ::tersor::TestDataPath(relative) \
               << " is not there: set TERSOR_TEST_DATA to the folder that holds it"
