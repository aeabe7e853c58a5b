#include "tersor/guide/front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tersor/base/random.h"

namespace tersor::guide {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ParetoFront, TableOfFacts) {
  const Measured base{0.90, 1000, 100, 5000};
  const struct {
    const char* what;
    Measured other;
    std::vector<size_t> front;
  } kRows[] = {
      {"worse in all", {0.89, 1001, 200, 5001}, {0}},
      {"better in all", {0.91, 999, 50, 4999}, {1}},
      {"equal", {0.90, 1000, 100, 5000}, {0, 1}},
      {"better in accuracy alone", {0.91, 1000, 100, 5000}, {1}},
      {"fewer bytes alone", {0.90, 999, 100, 5000}, {1}},
      {"faster alone", {0.90, 1000, 90, 5000}, {1}},
      {"smaller arena alone", {0.90, 1000, 100, 4999}, {1}},
      {"less accurate, fewer bytes", {0.89, 999, 100, 5000}, {0, 1}},
      {"less accurate, faster", {0.89, 1000, 90, 5000}, {0, 1}},
      {"less accurate, smaller arena", {0.89, 1000, 100, 4999}, {0, 1}},
      {"faster by less than a clock can tell", {0.90, 1000, 96, 5000}, {0, 1}},
      {"less accurate, and faster by less than that", {0.89, 1000, 96, 5000}, {0}},
      {"more accurate, and slower by less than that", {0.91, 1000, 104, 5000}, {1}},
  };
  for (const auto& row : kRows) {
    const Measured points[] = {base, row.other};
    EXPECT_EQ(ParetoFront(points), row.front) << row.what;
  }
  EXPECT_TRUE(ParetoFront({}).empty());
}

TEST(ParetoFront, WithoutToleranceEachMicrosecondCounts) {
  const Measured points[] = {{0.9, 1000, 100, 0}, {0.9, 1000, 99.9, 0}};
  EXPECT_THAT(ParetoFront(points, 0), ElementsAre(1));
}

TEST(ParetoFront, IsNeverEmptyAndNobodyInItIsBeaten) {
  Random random(1, 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<Measured> points(1 + random.NextBelow(12));
    for (Measured& p : points) {
      p = {static_cast<double>(random.NextBelow(4)), static_cast<int64_t>(random.NextBelow(4)),
           90 + 4.0 * static_cast<double>(random.NextBelow(6)),
           static_cast<int64_t>(random.NextBelow(4))};
    }
    const auto front = ParetoFront(points);
    ASSERT_FALSE(front.empty());
    for (size_t i : front) {
      for (const Measured& other : points) EXPECT_FALSE(Dominates(other, points[i]));
    }
  }
}

Limits With(void (*set)(Limits&)) {
  Limits limits;
  set(limits);
  return limits;
}

TEST(Limits, TableOfFacts) {
  const Measured point{0.905, 102'400, 80, 65'536};
  constexpr double kReference = 0.915;
  const struct {
    Limits limits;
    const char* broken;  // "" where the limit is kept
  } kRows[] = {
      {{}, ""},
      {With([](Limits& l) { l.max_bytes = 102'400; }), ""},
      {With([](Limits& l) { l.max_bytes = 102'399; }), "file of 102,400 bytes, limit 102,399"},
      {With([](Limits& l) { l.max_latency_us = 80; }), ""},
      {With([](Limits& l) { l.max_latency_us = 79.9; }), "latency of 80.0 us, limit 79.9"},
      {With([](Limits& l) { l.max_arena_bytes = 65'536; }), ""},
      {With([](Limits& l) { l.max_arena_bytes = 65'535; }), "arena of 65,536 bytes, limit 65,535"},
      {With([](Limits& l) { l.max_accuracy_drop = 1; }), ""},
      {With([](Limits& l) { l.max_accuracy_drop = 0.9; }),
       "accuracy drop of 1.00 points, limit 0.90"},
      {With([](Limits& l) { l.min_accuracy = 90.5; }), ""},
      {With([](Limits& l) { l.min_accuracy = 91; }),
       "accuracy of 90.50 %, at least 91.00 % asked for"},
  };
  for (const auto& row : kRows) {
    const auto broken = BrokenLimits(point, row.limits, kReference);
    if (*row.broken == '\0') {
      EXPECT_TRUE(broken.empty()) << broken[0].text;
    } else {
      ASSERT_EQ(broken.size(), 1u) << row.broken;
      EXPECT_EQ(broken[0].text, row.broken);
      EXPECT_GT(broken[0].excess, 0) << row.broken;
    }
  }
}

TEST(BestInside, MostAccurateThenFewestBytes) {
  const Measured points[] = {{0.92, 5000, 10, 1},
                             {0.91, 900, 10, 1},
                             {0.91, 800, 20, 1},
                             {0.91, 800, 10, 1},
                             {0.80, 100, 1, 1}};
  EXPECT_EQ(BestInside(points, {}, 0.92), 0u);
  EXPECT_EQ(BestInside(points, With([](Limits& l) { l.max_bytes = 1000; }), 0.92), 3u);
  EXPECT_EQ(BestInside(points, With([](Limits& l) { l.max_bytes = 99; }), 0.92), std::nullopt);
  EXPECT_EQ(NearestMiss(points, With([](Limits& l) { l.max_bytes = 99; }), 0.92), 4u);
  EXPECT_EQ(NearestMiss(points, With([](Limits& l) { l.min_accuracy = 95; }), 0.92), 0u);
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
      EXPECT_THAT(bytes.status().message(), HasSubstr("is no size, expected")) << row.text;
    } else {
      ASSERT_TRUE(bytes.ok()) << row.text;
      EXPECT_EQ(*bytes, row.bytes) << row.text;
    }
  }
}

}  // namespace
}  // namespace tersor::guide
