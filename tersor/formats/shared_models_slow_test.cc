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
#include "tersor/ir/random_graph.h"
#include "tersor/ir/verifier.h"
#include "tersor/runtime/executable.h"

namespace tersor::formats {
namespace {

Result<ir::Graph> ImportBytes(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return tflite::Import(Buffer::Wrap(owner->data(), owner->size(), owner));
}

// What a damaged file still says is run: an error or a result.
void RunDamaged(const ir::Graph& graph) {
  auto inputs = ir::RandomInputs(graph, /*batch=*/1, /*seed=*/1);
  if (!inputs.ok()) return;
  auto outputs = runtime::RunOnce(graph, *inputs);
  EXPECT_TRUE(outputs.ok() || !outputs.status().message().empty());
}

TEST(SharedModels, DamagedOnesGiveAnErrorOrAResult) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : SharedModels()) {
    SCOPED_TRACE(path);
    auto whole = ReadFile(path);
    ASSERT_TRUE(whole.ok());
    for (int i = 0; i < 200; ++i) {
      auto graph = ImportBytes(whole->substr(0, whole->size() * static_cast<size_t>(i) / 200));
      EXPECT_TRUE(!graph.ok() || ir::Verify(*graph).ok());
    }
    Random random(/*seed=*/7, /*stream=*/0);
    int imported = 0;
    for (int i = 0; i < 2000; ++i) {
      std::string bytes = *whole;
      // Tables are at both ends; most of the middle is weights.
      const uint64_t reach = i % 2 == 0 ? bytes.size() : 8192;
      const size_t place = bytes.size() - 1 - random.NextBelow(std::min(reach, bytes.size()));
      bytes[place] = static_cast<char>(random.NextU32());
      auto graph = ImportBytes(std::move(bytes));
      if (graph.ok()) {
        EXPECT_TRUE(ir::Verify(*graph).ok());
        if (++imported % 8 == 0) RunDamaged(*graph);
      } else {
        EXPECT_FALSE(graph.status().message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace tersor::formats
