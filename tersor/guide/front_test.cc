#include "tersor/guide/front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tersor/base/random.h"
#include "tersor/guide/metrics.h"

namespace tersor::guide {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Values Measured(double top1, double file_bytes, double latency_us, double arena_bytes) {
  return {{kValidationTop1, top1},
          {kFileBytes, file_bytes},
          {kLatencyUs, latency_us},
          {kArenaBytes, arena_bytes}};
}

std::vector<size_t> FrontOf(const std::vector<Values>& points) {
  return ParetoFront(points, ModelMetrics());
}

TEST(ParetoFront, TableOfFacts) {
  const Values base = Measured(0.90, 1000, 100, 5000);
  const struct {
    const char* what;
    Values other;
    std::vector<size_t> front;
  } kRows[] = {
      {"worse in all", Measured(0.89, 1001, 200, 5001), {0}},
      {"better in all", Measured(0.91, 999, 50, 4999), {1}},
      {"equal", Measured(0.90, 1000, 100, 5000), {0, 1}},
      {"better in accuracy alone", Measured(0.91, 1000, 100, 5000), {1}},
      {"fewer bytes alone", Measured(0.90, 999, 100, 5000), {1}},
      {"faster alone", Measured(0.90, 1000, 90, 5000), {1}},
      {"smaller arena alone", Measured(0.90, 1000, 100, 4999), {1}},
      {"less accurate, fewer bytes", Measured(0.89, 999, 100, 5000), {0, 1}},
      {"less accurate, faster", Measured(0.89, 1000, 90, 5000), {0, 1}},
      {"less accurate, smaller arena", Measured(0.89, 1000, 100, 4999), {0, 1}},
      {"5 % is of the smaller", Measured(0.90, 1000, 95.1, 5000), {1}},
      {"faster by less than a clock can tell", Measured(0.90, 1000, 96, 5000), {0, 1}},
      {"less accurate, and faster by less than that", Measured(0.89, 1000, 96, 5000), {0}},
      {"more accurate, and slower by less than that", Measured(0.91, 1000, 104, 5000), {1}},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(FrontOf({base, row.other}), row.front) << row.what;
  }
  EXPECT_TRUE(FrontOf({}).empty());
}

TEST(ParetoFront, WithoutToleranceEachMicrosecondCounts) {
  std::vector<automation::Metric> exact(ModelMetrics().begin(), ModelMetrics().end());
  for (automation::Metric& metric : exact) metric.tolerance = 0;
  const std::vector<Values> points = {Measured(0.9, 1000, 100, 0), Measured(0.9, 1000, 99.9, 0)};
  EXPECT_THAT(ParetoFront(points, exact), ElementsAre(1));
}

TEST(ParetoFront, IsNeverEmptyAndNobodyInItIsBeaten) {
  Random random(1, 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<Values> points(1 + random.NextBelow(12));
    for (Values& p : points) {
      p = Measured(static_cast<double>(random.NextBelow(4)),
                   static_cast<double>(random.NextBelow(4)),
                   90 + 4.0 * static_cast<double>(random.NextBelow(6)),
                   static_cast<double>(random.NextBelow(4)));
    }
    const auto front = FrontOf(points);
    ASSERT_FALSE(front.empty());
    for (size_t i = 0; i < points.size(); ++i) {
      const bool beaten = std::any_of(points.begin(), points.end(), [&](const Values& other) {
        return Dominates(other, points[i], ModelMetrics());
      });
      EXPECT_EQ(std::count(front.begin(), front.end(), i), beaten ? 0 : 1) << "point " << i;
    }
  }
}

TEST(Front, GrowsByOnePointAtATime) {
  Front front(ModelMetrics());
  EXPECT_TRUE(front.Add(Measured(0.90, 1000, 100, 5000)).on_front);
  EXPECT_TRUE(front.Add(Measured(0.80, 900, 100, 5000)).on_front);
  const auto beaten = front.Add(Measured(0.79, 900, 100, 5000));
  EXPECT_FALSE(beaten.on_front);
  EXPECT_TRUE(beaten.pushed_out.empty());
  EXPECT_THAT(front.points(), ElementsAre(0, 1));
  const auto best = front.Add(Measured(0.91, 900, 100, 5000));
  EXPECT_TRUE(best.on_front);
  EXPECT_THAT(best.pushed_out, ElementsAre(0, 1));
  EXPECT_THAT(front.points(), ElementsAre(3));
}

// 0 beats 1, and 1 beats 2. But 0 does not beat 2: it is slower by more than the tolerance.
TEST(Front, APointThatWasBeatenStillBeats) {
  Front front(ModelMetrics());
  EXPECT_TRUE(front.Add(Measured(0.90, 1000, 104, 5000)).on_front);
  EXPECT_FALSE(front.Add(Measured(0.90, 1001, 100, 5000)).on_front);
  EXPECT_FALSE(front.Add(Measured(0.90, 1002, 96, 5000)).on_front);
  EXPECT_THAT(front.points(), ElementsAre(0));
}

TEST(Front, AnyMetricsWithTheirDirections) {
  const std::vector<automation::Metric> metrics = {
      {"energy_mj", automation::Direction::kMinimize, "mJ", "energy", true, 0.1},
      {"f1", automation::Direction::kMaximize, "", "F1", true, 0},
      {"comment_length", automation::Direction::kMinimize, "", "comment", false, 0}};
  Front front(metrics);
  EXPECT_TRUE(front.Add({{"energy_mj", 10}, {"f1", 0.5}, {"comment_length", 1}}).on_front);
  EXPECT_FALSE(front.Add({{"energy_mj", 9.5}, {"f1", 0.4}}).on_front) << "9.5 is as good as 10";
  EXPECT_TRUE(front.Add({{"energy_mj", 8}, {"f1", 0.4}, {"comment_length", 99}}).on_front);
  EXPECT_FALSE(front.Add({{"energy_mj", 1}}).on_front) << "it has no f1";
  EXPECT_THAT(front.Add({{"energy_mj", 10}, {"f1", 0.6}}).pushed_out, ElementsAre(0));
  EXPECT_THAT(front.points(), ElementsAre(2, 4));
}

TEST(Limits, TableOfFacts) {
  using Kind = Limit::Kind;
  const Values point = Measured(0.905, 102'400, 80, 65'536);
  const Values reference = Measured(0.915, 409'600, 100, 65'536);
  const struct {
    Limits limits;
    const char* broken;  // "" where the limit is kept
    double excess;
  } kRows[] = {
      {{}, "", 0},
      {{{kFileBytes, Kind::kAtMost, 102'400}}, "", 0},
      {{{kFileBytes, Kind::kAtMost, 102'399}},
       "file of 102,400 bytes, limit 102,399",
       1 / 102'399.},
      {{{kFileBytes, Kind::kAtMost, 81'920}}, "file of 102,400 bytes, limit 81,920", 0.25},
      {{{kLatencyUs, Kind::kAtMost, 80}}, "", 0},
      {{{kLatencyUs, Kind::kAtMost, 79.9}}, "latency of 80.0 us, limit 79.9", 0.1 / 79.9},
      {{{kArenaBytes, Kind::kAtMost, 65'536}}, "", 0},
      {{{kArenaBytes, Kind::kAtMost, 65'535}}, "arena of 65,536 bytes, limit 65,535", 1 / 65'535.},
      {{{kValidationTop1, Kind::kMaxDrop, 0.01}}, "", 0},
      {{{kValidationTop1, Kind::kMaxDrop, 0.009}},
       "accuracy drop of 1.00 points, limit 0.90",
       0.001},
      {{{kValidationTop1, Kind::kAtLeast, 0.905}}, "", 0},
      {{{kValidationTop1, Kind::kAtLeast, 0.91}},
       "accuracy of 90.50 %, at least 91.00 % asked for",
       0.005},
      {{{kFileBytes, Kind::kMaxDrop, 0}}, "", 0},
      {{{kArenaBytes, Kind::kAtLeast, 70'000}},
       "arena of 65,536 bytes, at least 70,000 bytes asked for",
       4464 / 70'000.},
  };
  for (const auto& row : kRows) {
    const auto broken = BrokenLimits(point, row.limits, reference, ModelMetrics());
    if (*row.broken == '\0') {
      EXPECT_TRUE(broken.empty()) << broken[0].text;
    } else {
      ASSERT_EQ(broken.size(), 1u) << row.broken;
      EXPECT_EQ(broken[0].text, row.broken);
      EXPECT_EQ(broken[0].metric, row.limits[0].metric);
      EXPECT_NEAR(broken[0].excess, row.excess, 1e-9) << row.broken;
    }
  }
}

TEST(Limits, WhatWasNotMeasuredIsOutside) {
  const auto broken = BrokenLimits(Measured(1, 1, 1, 1), {{"energy_mj", Limit::Kind::kAtMost, 5}},
                                   {}, ModelMetrics());
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].text, "no energy_mj, which has a limit");
}

TEST(Limits, ADropNeedsAReference) {
  EXPECT_TRUE(BrokenLimits(Measured(0.1, 1, 1, 1), {{kValidationTop1, Limit::Kind::kMaxDrop, 0}},
                           {}, ModelMetrics())
                  .empty());
}

TEST(BestInside, MostAccurateThenFewestBytes) {
  const std::vector<Values> points = {Measured(0.92, 5000, 10, 1), Measured(0.91, 900, 10, 1),
                                      Measured(0.91, 800, 20, 1), Measured(0.91, 800, 10, 1),
                                      Measured(0.80, 100, 1, 1)};
  const Values reference = points[0];
  auto best = [&](const Limits& limits) {
    return BestInside(points, limits, reference, ModelMetrics());
  };
  auto nearest = [&](const Limits& limits) {
    return NearestMiss(points, limits, reference, ModelMetrics());
  };
  EXPECT_EQ(best({}), 0u);
  EXPECT_EQ(best({{kFileBytes, Limit::Kind::kAtMost, 1000}}), 3u);
  EXPECT_EQ(best({{kFileBytes, Limit::Kind::kAtMost, 99}}), std::nullopt);
  EXPECT_EQ(nearest({{kFileBytes, Limit::Kind::kAtMost, 99}}), 4u);
  EXPECT_EQ(nearest({{kValidationTop1, Limit::Kind::kAtLeast, 0.95}}), 0u);
}

// Bytes decide before latency, latency before arena, and of equal points the first is taken.
TEST(BestInside, TiesAreBrokenInTheOrderOfTheObjectives) {
  auto best = [](const std::vector<Values>& points) {
    return BestInside(points, {}, {}, ModelMetrics());
  };
  EXPECT_EQ(best({Measured(0.9, 900, 10, 1), Measured(0.9, 800, 20, 9)}), 1u);
  EXPECT_EQ(best({Measured(0.9, 800, 20, 9), Measured(0.9, 900, 10, 1)}), 0u);
  EXPECT_EQ(best({Measured(0.9, 800, 20, 1), Measured(0.9, 800, 10, 9)}), 1u);
  EXPECT_EQ(best({Measured(0.9, 800, 10, 9), Measured(0.9, 800, 10, 1)}), 1u);
  EXPECT_EQ(best({Measured(0.9, 800, 10, 1), Measured(0.9, 800, 10, 1)}), 0u);
}

TEST(ParseSize, TableOfFacts) {
  const struct {
    const char* text;
    int64_t bytes;  // 0: refused
  } kRows[] = {{"1500", 1500},       {"1500B", 1500}, {"100KB", 102'400}, {"100 kb", 102'400},
               {"100K", 102'400},    {"1KiB", 1024},  {"1.5MB", 1572864}, {"0.5k", 512},
               {"2 GB", 2147483648}, {"", 0},         {"0", 0},           {"KB", 0},
               {"-5KB", 0},          {"5XB", 0},      {"1.2.3", 0},       {"1e3", 0},
               {"9999999999GB", 0},  {"0.1", 0},      {"nan", 0},         {".", 0}};
  for (const auto& row : kRows) {
    const auto bytes = ParseSize(row.text);
    if (row.bytes == 0) {
      ASSERT_FALSE(bytes.ok()) << row.text;
      EXPECT_THAT(bytes.status().message(), HasSubstr("is not a size, expected")) << row.text;
    } else {
      ASSERT_TRUE(bytes.ok()) << row.text;
      EXPECT_EQ(*bytes, row.bytes) << row.text;
    }
  }
}

}  // namespace
}  // namespace tersor::guide
