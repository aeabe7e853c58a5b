#include "tersor/formats/formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tersor/base/file.h"
#include "tersor/ir/text.h"

namespace tersor::formats {
namespace {

using testing::HasSubstr;

// The model with these weights of the layer and this mask, written to a file of that extension.
Status Written(const char* weights, const char* mask, const std::string& extension) {
  auto graph = ir::Parse(StrCat(R"(graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %0 = fully_connected(%x, @w)
  %y = add(%0, @mask)
}
variable @w: f32[2,2] = )",
                                weights, "\nvariable @mask: f32[2] = ", mask, "\n"));
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  const std::string path = testing::TempDir() + "/tersor_formats_test" + extension;
  std::remove(path.c_str());
  const Status status = ExportModel(*graph, path);
  EXPECT_EQ(FileExists(path), status.ok());
  EXPECT_TRUE(status.ok() || status.message().find(path) == 0) << status.message();
  return status;
}

TEST(ExportModel, NeverWritesAWeightThatIsNoNumber) {
  for (const char* extension : {".tersor", ".tflite"}) {
    EXPECT_TRUE(Written("[1, 2, 3, 4]", "[0, 1]", extension).ok());
    EXPECT_TRUE(Written("[1, 2, 3, 4]", "[0, -inf]", extension).ok()) << "a mask";
    EXPECT_THAT(Written("[1, 2, nan, 4]", "[0, 1]", extension).message(),
                HasSubstr("weight w has nan at [1,0]: such a model is not written"));
    EXPECT_THAT(Written("[1, inf, 3, 4]", "[0, 1]", extension).message(),
                HasSubstr("weight w has inf at [0,1]"));
    EXPECT_THAT(Written("[1, 2, 3, 4]", "[nan, 1]", extension).message(),
                HasSubstr("weight mask has nan at [0]"));
  }
}

}  // namespace
}  // namespace tersor::formats
