#include "tersor/c_api/tersor.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/base/limits_testing.h"
#include "tersor/formats/native/native.h"
#include "tersor/ir/builder.h"
#include "tersor/runtime/executable.h"

namespace tersor {
namespace {

std::string SmallModel() {
  ir::GraphBuilder b("small");
  const float filter[] = {1, 2, 3, 4, 5, 6};
  const ir::ValueId x = b.Input("x", Shape{kBatch, 3});
  const ir::ValueId y = b.FullyConnected(
      x, b.Variable("w", Tensor::FromValues<float>({DType::kF32, {2, 3}, {}}, filter)));
  auto graph = b.Build({b.Name(b.Relu(y), "y")});
  return formats::native::Export(*graph, {}).value();
}

TEST(CApi, LoadsDescribesAndRuns) {
  const std::string bytes = SmallModel();
  tersor_model* model = nullptr;
  const tersor_options options = {.threads = 1, .batch = 2};
  ASSERT_EQ(tersor_load_memory(bytes.data(), bytes.size(), &options, &model), TERSOR_OK)
      << tersor_last_error();
  EXPECT_EQ(tersor_input_count(model), 1);
  EXPECT_EQ(tersor_output_count(model), 1);
  tersor_tensor tensor;
  ASSERT_EQ(tersor_input(model, 0, &tensor), TERSOR_OK);
  EXPECT_STREQ(tensor.name, "x");
  EXPECT_EQ(tensor.dtype, TERSOR_F32);
  EXPECT_EQ(tensor.rank, 2);
  EXPECT_EQ(tensor.shape[0], 2);
  EXPECT_EQ(tensor.size_bytes, 24u);
  EXPECT_EQ(tensor.scale, 0);

  const float x[] = {1, 0, 0, 0, 1, -1};
  float y[4] = {};
  const void* inputs[] = {x};
  void* outputs[] = {y};
  ASSERT_EQ(tersor_run(model, inputs, outputs), TERSOR_OK);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 4);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[3], 0);
  EXPECT_EQ(tersor_output(model, 1, &tensor), TERSOR_INVALID_ARGUMENT);
  EXPECT_STREQ(tersor_last_error(), "index 1, the model has 1");
  tersor_free(model);
}

// Run in a child process, which it ends.
[[noreturn]] void LoadWithMoreThreadsThanThereIsRoomFor(const std::string& bytes) {
  if (!testing::LimitAddressSpace()) std::_Exit(3);
  tersor_model* model = nullptr;
  const tersor_options options = {.threads = 100, .batch = 1};
  const auto status = tersor_load_memory(bytes.data(), bytes.size(), &options, &model);
  std::fprintf(stderr, "%s\n", tersor_last_error());
  std::_Exit(status == TERSOR_RESOURCE_EXHAUSTED && model == nullptr ? 0 : 1);
}

TEST(CApi, ARefusedThreadIsAnErrorCode) {
  if (testing::kNeedsAddressSpace) GTEST_SKIP() << "sanitizers need the whole address space";
  EXPECT_EXIT(LoadWithMoreThreadsThanThereIsRoomFor(SmallModel()), ::testing::ExitedWithCode(0),
              "the system refused thread [0-9]+ of 99");
}

TEST(CApi, RefusesWhatIsNoModel) {
  tersor_model* model = nullptr;
  EXPECT_EQ(tersor_load_file("/no/such/file", nullptr, &model), TERSOR_NOT_FOUND);
  EXPECT_EQ(model, nullptr);
  EXPECT_EQ(tersor_load_memory("none", 4, nullptr, &model), TERSOR_DATA_LOSS);
  EXPECT_EQ(tersor_load_file(nullptr, nullptr, &model), TERSOR_INVALID_ARGUMENT);
  const std::string bytes = SmallModel();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(tersor_load_memory(bytes.data(), size, nullptr, &model), TERSOR_OK);
  }
  const tersor_options wrong = {.threads = -1, .batch = 1};
  EXPECT_EQ(tersor_load_memory(bytes.data(), bytes.size(), &wrong, &model),
            TERSOR_INVALID_ARGUMENT);
  const tersor_options many = {.threads = 257, .batch = 1};
  EXPECT_EQ(tersor_load_memory(bytes.data(), bytes.size(), &many, &model), TERSOR_INVALID_ARGUMENT);
  EXPECT_STREQ(tersor_last_error(), "threads must be 1 to 256, found 257");
  EXPECT_EQ(tersor_run(nullptr, nullptr, nullptr), TERSOR_INVALID_ARGUMENT);
  tersor_free(nullptr);
}

}  // namespace
}  // namespace tersor
