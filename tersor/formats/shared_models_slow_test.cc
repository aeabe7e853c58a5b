// Every model of the test data folder, damaged.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tersor/base/file.h"
#include "tersor/base/random.h"
#include "tersor/formats/formats.h"
#include "tersor/formats/shared_models.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats {
namespace {

Result<ir::Graph> ImportBytes(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return tflite::Import(Buffer::Wrap(owner->data(), owner->size(), owner));
}

TEST(SharedModels, DamagedOnesGiveAnErrorOrAGraph) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : SharedModels()) {
    SCOPED_TRACE(path);
    auto whole = ReadFile(path);
    ASSERT_TRUE(whole.ok());
    if (whole->size() > 100'000) continue;
    for (int i = 0; i < 200; ++i) {
      (void)ImportBytes(whole->substr(0, whole->size() * static_cast<size_t>(i) / 200));
    }
    Random random(/*seed=*/7, /*stream=*/0);
    for (int i = 0; i < 2000; ++i) {
      std::string bytes = *whole;
      // Tables are at both ends; most of the middle is weights.
      const uint64_t reach = i % 2 == 0 ? bytes.size() : 8192;
      const size_t place = bytes.size() - 1 - random.NextBelow(std::min(reach, bytes.size()));
      bytes[place] = static_cast<char>(random.NextU32());
      auto graph = ImportBytes(std::move(bytes));
      if (graph.ok()) {
        EXPECT_TRUE(ir::Verify(*graph).ok());
      } else {
        EXPECT_FALSE(graph.status().message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace tersor::formats
