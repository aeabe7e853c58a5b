// What every storage promises, whatever it keeps its history in.
#include "tersor/automation/study/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tersor/automation/study/storage_testing.h"

namespace tersor::automation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StorageSuite : public EachStorage {
 protected:
  static Point NewPoint(int number) {
    Point point;
    point.recipe = StrCat("{\"n\":", number, "}");
    point.name = StrCat("p", number);
    point.file = StrCat("p", number, ".bin");
    return point;
  }

  // One transaction, which must succeed.
  static void Do(Storage& storage, Access access, const std::function<void(Records&)>& work) {
    const Status status = storage.Transact(access, [&](Records& records) {
      work(records);
      return OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status.message();
  }
  static void Put(Storage& storage, Point& point) {
    Do(storage, Access::kWrite, [&](Records& r) { EXPECT_TRUE(r.Put(point).ok()); });
  }
  static std::vector<Point> PointsOf(Storage& storage) {
    std::vector<Point> points;
    Do(storage, Access::kRead, [&](Records& r) { points = *r.Points(); });
    return points;
  }
};

TEST_P(StorageSuite, APointComesBackAsItWasPut) {
  const auto storage = Connect();
  Point point = NewPoint(1);
  point.name = "naïve \"name\", with a comma\nand a line";
  point.state = PointState::kFailed;
  point.reason = "it's so";
  point.metrics = {
      {"accuracy", 0.1}, {"bytes", 9007199254740991.0}, {"tiny", 5e-324}, {"low", -1e300}};
  point.attributes = {{"technique", "full-integer"}, {"empty", ""}};
  point.created_unix_s = 1'700'000'000;
  point.attempt = 3;
  point.owner = "12@host space 99";
  point.lease_ends_unix_ms = 1'700'000'060'123;
  Put(*storage, point);
  EXPECT_EQ(point.id, 1);
  EXPECT_THAT(PointsOf(*storage), ElementsAre(point));
  Do(*storage, Access::kRead, [&](Records& r) {
    EXPECT_EQ(*r.Find(point.recipe), point);
    EXPECT_EQ(*r.Find("{\"n\": 1}"), std::nullopt) << "recipes are compared byte by byte";
  });
}

TEST_P(StorageSuite, PutReplacesTheWholePoint) {
  const auto storage = Connect();
  Point one = NewPoint(1), two = NewPoint(2);
  one.metrics = {{"accuracy", 0.5}, {"test", 0.4}};
  one.attributes = {{"a", "b"}};
  two.metrics = {{"accuracy", 0.25}};
  Put(*storage, one);
  Put(*storage, two);
  EXPECT_EQ(two.id, 2);
  one.metrics = {{"accuracy", 0.75}};
  one.attributes.clear();
  one.state = PointState::kComplete;
  one.file = "other.bin";
  Put(*storage, one);
  EXPECT_THAT(PointsOf(*storage), ElementsAre(one, two));
}

TEST_P(StorageSuite, RecipesAndFilesAreThoseOfOnePoint) {
  const auto storage = Connect();
  Point one = NewPoint(1), same_recipe = NewPoint(1), same_file = NewPoint(2);
  Put(*storage, one);
  same_recipe.file = "x.bin";
  same_file.file = one.file;
  for (Point* point : {&same_recipe, &same_file}) {
    EXPECT_FALSE(storage->Transact(Access::kWrite, [&](Records& r) { return r.Put(*point); }).ok());
  }
  EXPECT_THAT(PointsOf(*storage), ElementsAre(one));
}

TEST_P(StorageSuite, AFailedTransactionLeavesNothing) {
  const auto storage = Connect();
  Point one = NewPoint(1);
  one.metrics = {{"accuracy", 0.5}};
  Put(*storage, one);
  const Status status = storage->Transact(Access::kWrite, [&](Records& r) -> Status {
    Point changed = one, added = NewPoint(2);
    changed.metrics["accuracy"] = 1;
    EXPECT_TRUE(r.Put(changed).ok());
    EXPECT_TRUE(r.Put(added).ok());
    EXPECT_TRUE(r.PutStep(1, "loss", 1, 2).ok());
    EXPECT_TRUE(r.PutMetric({"m", Direction::kMinimize, "", "", true, 0}).ok());
    EXPECT_TRUE(r.PutFact("key", "value").ok());
    EXPECT_EQ(r.Points()->size(), 2u) << "a transaction sees what it wrote";
    return IoError("not today");
  });
  EXPECT_EQ(status.message(), "not today");
  EXPECT_THAT(PointsOf(*storage), ElementsAre(one));
  Do(*storage, Access::kRead, [&](Records& r) {
    EXPECT_TRUE(r.Steps(1, "loss")->empty());
    EXPECT_TRUE(r.Metrics()->empty());
    EXPECT_TRUE(r.Facts()->empty());
  });
}

TEST_P(StorageSuite, StepsAreKeptByPointAndMetric) {
  const auto storage = Connect();
  Do(*storage, Access::kWrite, [](Records& r) {
    EXPECT_TRUE(r.PutStep(1, "loss", 2, 0.5).ok());
    EXPECT_TRUE(r.PutStep(1, "loss", 1, 0.75).ok());
    EXPECT_TRUE(r.PutStep(1, "loss", 2, 0.25).ok()) << "replaces";
    EXPECT_TRUE(r.PutStep(1, "loss", 3, std::numeric_limits<double>::quiet_NaN()).ok());
    EXPECT_TRUE(r.PutStep(1, "accuracy", 1, 7).ok());
    EXPECT_TRUE(r.PutStep(2, "loss", 1, 8).ok());
  });
  Do(*storage, Access::kWrite, [](Records& r) {
    const auto steps = *r.Steps(1, "loss");
    EXPECT_EQ(steps.size(), 3u);
    EXPECT_EQ(steps.at(1), 0.75);
    EXPECT_EQ(steps.at(2), 0.25);
    EXPECT_TRUE(std::isnan(steps.at(3)));
    EXPECT_EQ(r.Steps(1, "accuracy")->at(1), 7);
    EXPECT_TRUE(r.RemoveSteps(1).ok());
    EXPECT_TRUE(r.Steps(1, "loss")->empty() && r.Steps(1, "accuracy")->empty());
    EXPECT_EQ(r.Steps(2, "loss")->at(1), 8);
  });
}

TEST_P(StorageSuite, MetricsKeepTheOrderInWhichTheyCame) {
  const auto storage = Connect();
  const Metric z{"z", Direction::kMaximize, "share", "last letter", true, 0.05};
  const Metric a{"a", Direction::kMinimize, "bytes", "first letter", false, 0};
  Metric changed = z;
  changed.title = "another title";
  changed.direction = Direction::kMinimize;
  Do(*storage, Access::kWrite, [&](Records& r) {
    EXPECT_TRUE(r.PutMetric(z).ok() && r.PutMetric(a).ok());
    EXPECT_THAT(*r.Metrics(), ElementsAre(z, a));
    EXPECT_TRUE(r.PutMetric(changed).ok());
    EXPECT_THAT(*r.Metrics(), ElementsAre(changed, a));
  });
}

TEST_P(StorageSuite, FactsAreReplaced) {
  const auto storage = Connect();
  Do(*storage, Access::kWrite, [](Records& r) {
    EXPECT_TRUE(r.PutFact("data", "old").ok() && r.PutFact("data", "new").ok());
    EXPECT_TRUE(r.PutFact("seed", "").ok());
    EXPECT_EQ(*r.Facts(), (std::map<std::string, std::string>{{"data", "new"}, {"seed", ""}}));
  });
}

TEST_P(StorageSuite, AnotherConnectionSeesWhatIsCommitted) {
  const auto one = Connect(), two = Connect();
  const auto reader = Connect(Access::kRead);
  Point point = NewPoint(1);
  Put(*one, point);
  EXPECT_THAT(PointsOf(*two), ElementsAre(point));
  EXPECT_THAT(PointsOf(*reader), ElementsAre(point));
  point.name = "changed";
  Put(*two, point);
  EXPECT_THAT(PointsOf(*one), ElementsAre(point));
}

TEST_P(StorageSuite, AReaderNeedsAHistory) {
  const auto reader = GetParam().open(folder_ + "/none", Access::kRead);
  EXPECT_EQ(reader.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(reader.status().message(), HasSubstr(folder_ + "/none"));
}

// Each of some threads, half of them on a connection of their own, adds to one number. Had two of
// them read the same value before they wrote, the sum would be short.
TEST_P(StorageSuite, WritersWaitForEachOther) {
  constexpr int kThreads = 4, kTimes = 25;
  const auto shared = Connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, own = t % 2 == 0 ? shared : Connect()] {
      for (int i = 0; i < kTimes; ++i) {
        Do(*own, Access::kWrite, [](Records& r) {
          const auto facts = *r.Facts();
          const int before = facts.count("sum") > 0 ? std::stoi(facts.at("sum")) : 0;
          EXPECT_TRUE(r.PutFact("sum", std::to_string(before + 1)).ok());
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Do(*shared, Access::kRead,
     [](Records& r) { EXPECT_EQ(r.Facts()->at("sum"), std::to_string(kThreads * kTimes)); });
}

TERSOR_FOR_EACH_STORAGE(StorageSuite);

}  // namespace
}  // namespace tersor::automation
