// Every model of the test data folder, through the formats.
#include "tersor/formats/shared_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tersor/formats/formats.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats {
namespace {

TEST(SharedModels, ImportWithASymbolicBatch) {
  const auto models = SharedModels();
  if (models.empty()) GTEST_SKIP() << "no models in TERSOR_TEST_DATA (default ../shared)";
  for (const std::string& path : models) {
    SCOPED_TRACE(path);
    auto graph = ImportModel(path);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_TRUE(ir::Verify(*graph).ok());
    ASSERT_EQ(graph->inputs().size(), 1u);
    ASSERT_EQ(graph->outputs().size(), 1u);
    EXPECT_EQ(graph->value(graph->inputs()[0]).type().shape, (Shape{kBatch, 32, 32, 3}));
    EXPECT_EQ(graph->value(graph->outputs()[0]).type().shape, (Shape{kBatch, 10}));
  }
}

}  // namespace
}  // namespace tersor::formats
