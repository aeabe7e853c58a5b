#include <gtest/gtest.h>

#include "tersor/architectures/family.h"
#include "tersor/ir/cost.h"

namespace tersor::architectures {
namespace {

TEST(SurveyCnn, HasThePublishedParameters) {
  const std::pair<double, int64_t> cases[] = {
      {0.05, 14'713}, {0.1, 26'044}, {0.25, 98'570}, {0.5, 350'058}, {1.0, 1'343'018}};
  for (const auto& [width, parameters] : cases) {
    auto graph = FindFamily("survey-cnn")->build({.width = width});
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(graph->num_parameters(), parameters) << width;
  }
}

TEST(SurveyCnn, TheSeedMakesTheWeights) {
  auto build = [](uint64_t seed) {
    auto graph = FindFamily("survey-cnn")->build({.width = 0.1, .seed = seed});
    return graph->value(graph->FindVariable("conv1.filter")).data().values<float>()[0];
  };
  EXPECT_EQ(build(1), build(1));
  EXPECT_NE(build(1), build(2));
}

TEST(SurveyCnn, RefusesWhatMakesNoSense) {
  const FamilyOptions cases[] = {
      {.width = 0}, {.width = 4}, {.input = {32, 32}}, {.input = {0, 32, 3}}, {.classes = 1}};
  for (const FamilyOptions& options : cases) {
    EXPECT_FALSE(FindFamily("survey-cnn")->build(options).ok());
  }
  EXPECT_FALSE(FindFamily("resnet").ok());
}

}  // namespace
}  // namespace tersor::architectures
