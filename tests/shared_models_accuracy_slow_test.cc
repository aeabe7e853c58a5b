// The published models of the test data folder classify the JPEG test images as LiteRT does.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tersor/base/test_data.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"
#include "tersor/measure/accuracy.h"

namespace tersor {
namespace {

// Correct of the 10,000 test images in LiteRT; images decoded by libjpeg-turbo with its defaults.
struct Expected {
  const char* model;
  data::Normalize normalize;
  int64_t correct;
};
constexpr Expected kExpected[] = {
    {"paper/wm_005_aug_quantized", data::Normalize::kSigned, 6488},
    {"paper/wm_005_aug_dist_quantized", data::Normalize::kSigned, 6752},
    {"paper/wm_01_aug_quantized", data::Normalize::kSigned, 7082},
    {"paper/wm_01_aug_dist_quantized", data::Normalize::kSigned, 7338},
    {"paper/wm_025_aug_quantized", data::Normalize::kSigned, 7718},
    {"paper/wm_05_aug_quantized", data::Normalize::kSigned, 7874},
    {"paper/wm_05_aug_dist_quantized", data::Normalize::kSigned, 8023},
    {"paper/wm_005_aug_float", data::Normalize::kSigned, 6539},
    {"paper/wm_01_aug_float", data::Normalize::kSigned, 7111},
    {"paper/wm_025_aug_float", data::Normalize::kSigned, 7714},
    {"paper/wm_05_aug_float", data::Normalize::kSigned, 7869},
    {"mlperf-tiny/resnet8_int8", data::Normalize::kRaw, 7556},
    {"mlperf-tiny/resnet8_float", data::Normalize::kRaw, 7548},
};
constexpr int64_t kMostDifferent = 15;

TEST(SharedModels, ClassifyTheTestImagesAsLiteRtDoes) {
  TERSOR_REQUIRE_TEST_DATA("models");
  TERSOR_REQUIRE_TEST_DATA("data/cifar10-jpeg.tar.zst");
  auto dataset = data::LoadDataset("cifar10-jpeg", data::Split::kTest);
  ASSERT_TRUE(dataset.ok()) << dataset.status().message();
  ASSERT_EQ(dataset->size(), 10'000);
  for (const Expected& expected : kExpected) {
    SCOPED_TRACE(expected.model);
    auto model =
        formats::ImportModel(TestDataPath("models/" + std::string(expected.model) + ".tflite"));
    ASSERT_TRUE(model.ok()) << model.status().message();
    measure::AccuracyOptions options;
    options.normalize = expected.normalize;
    options.threads = 2;
    auto accuracy = measure::MeasureAccuracy(*model, *dataset, options);
    ASSERT_TRUE(accuracy.ok()) << accuracy.status().message();
    EXPECT_LE(std::llabs(accuracy->correct - expected.correct), kMostDifferent)
        << accuracy->correct << ", LiteRT " << expected.correct;
    RecordProperty(expected.model, static_cast<int>(accuracy->correct));
  }
}

}  // namespace
}  // namespace tersor
