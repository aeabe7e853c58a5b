// For tests: the models of the test data folder (environment TERSOR_TEST_DATA, else ../shared).
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace tersor::formats {

/// Paths of all .tflite files below its folder `models`, sorted; empty where there is none.
inline std::vector<std::string> SharedModels() {
  const char* folder = std::getenv("TERSOR_TEST_DATA");
  const std::filesystem::path root =
      std::filesystem::path(folder != nullptr ? folder : "../shared") / "models";
  std::vector<std::string> paths;
  std::error_code error;
  for (auto file = std::filesystem::recursive_directory_iterator(root, error);
       !error && file != std::filesystem::recursive_directory_iterator(); file.increment(error)) {
    if (file->path().extension() == ".tflite") paths.push_back(file->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace tersor::formats
