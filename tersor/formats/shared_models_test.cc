// Every model of the test data folder, through the formats.
#include "tersor/formats/shared_models.h"

#include <gtest/gtest.h>

#include <string>

#include "tersor/base/file.h"
#include "tersor/formats/formats.h"
#include "tersor/formats/formats_testing.h"
#include "tersor/formats/native/native.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/text.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats {
namespace {

TEST(SharedModels, ImportWithASymbolicBatchAndPrint) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : SharedModels()) {
    SCOPED_TRACE(path);
    auto graph = ImportModel(path);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_TRUE(ir::Verify(*graph).ok());
    ASSERT_EQ(graph->inputs().size(), 1u);
    ASSERT_EQ(graph->outputs().size(), 1u);
    EXPECT_EQ(graph->value(graph->inputs()[0]).type().shape, (Shape{kBatch, 32, 32, 3}));
    EXPECT_EQ(graph->value(graph->outputs()[0]).type().shape, (Shape{kBatch, 10}));
    const ir::PrintOptions with_data{.data = true};
    const std::string text = ir::Print(*graph, with_data);
    auto parsed = ir::Parse(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_TRUE(ir::Print(*parsed, with_data) == text);
  }
}

TEST(SharedModels, GoThroughTheNativeFormatAndShrink) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : SharedModels()) {
    SCOPED_TRACE(path);
    auto graph = ImportModel(path);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    auto bytes = native::Export(*graph, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    EXPECT_LT(static_cast<int64_t>(bytes->size()), FileSizeBytes(path).value());
    auto back = native::Import(ToBuffer(*std::move(bytes)));
    ASSERT_TRUE(back.ok()) << back.status().message();
    ExpectSameGraph(*graph, *back);
  }
}

TEST(SharedModels, GoThroughTfliteAndShrink) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : SharedModels()) {
    SCOPED_TRACE(path);
    auto graph = ImportModel(path);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    auto bytes = tflite::Export(*graph, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    EXPECT_LT(static_cast<int64_t>(bytes->size()), FileSizeBytes(path).value());
    auto back = tflite::Import(ToBuffer(*std::move(bytes)));
    ASSERT_TRUE(back.ok()) << back.status().message();
    ExpectSameGraph(*graph, *back);
  }
}

}  // namespace
}  // namespace tersor::formats
