// For tests: the models of the test data folder (base/test_data.h).
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tersor/base/test_data.h"

namespace tersor::formats {

/// Paths of all .tflite files below its folder `models`, sorted; empty where there is none.
inline std::vector<std::string> SharedModels() {
  const std::filesystem::path root = TestDataPath("models");
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
