// Several workers on one study: leases, and what becomes of them. For every storage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "tersor/automation/study/owner.h"
#include "tersor/automation/study/storage_testing.h"
#include "tersor/automation/study/study.h"
#include "tersor/base/file.h"

namespace tersor::automation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRecipe[] = "{\"n\":1}";

class WorkerSuite : public EachStorage {
 protected:
  Study Worker(double lease_s = 60) const {
    auto study = Study::Open(Connect(), folder_, Access::kWrite, {lease_s});
    EXPECT_TRUE(study.ok()) << study.status().message();
    return *std::move(study);
  }

  static Status Finish(Study& study, Point& point, const std::string& content) {
    TERSOR_RETURN_IF_ERROR(WriteFileAtomically(study.PathOf(point), content));
    point.metrics = {{kFileBytes, static_cast<double>(content.size())}, {"accuracy", 0.5}};
    return study.Complete(point);
  }

  // Changes a stored point behind everybody's back, as time or another machine would.
  void Alter(const std::function<void(Point&)>& change) const {
    const Status status = Connect()->Transact(Access::kWrite, [&](Records& records) -> Status {
      TERSOR_ASSIGN_OR_RETURN(auto point, records.Find(kRecipe));
      change(*point);
      return records.Put(*point);
    });
    ASSERT_TRUE(status.ok()) << status.message();
  }
  static void EndLease(Point& point) { point.lease_ends_unix_ms = 1; }

  std::vector<std::string> ModelFiles() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/models")) {
      files.push_back(entry.path().filename());
    }
    return files;
  }
};

TEST_P(WorkerSuite, OneWorkerMakesAPointAtATime) {
  Study one = Worker(), two = Worker();
  auto point = one.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(point.ok()) << point.status().message();
  EXPECT_TRUE(Study::IsBeingMade(**two.Find(kRecipe)));
  const auto again = two.TryBegin(kRecipe, "p", ".bin");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->turn, Turn::kAnother);
  EXPECT_EQ(again->point.id, point->id);
  const auto refused = two.Begin(kRecipe, "p", ".bin");
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr(StrCat("being made by process ", ::getpid())));
  EXPECT_EQ(one.TryBegin(kRecipe, "p", ".bin")->turn, Turn::kAnother) << "not even its own again";

  ASSERT_TRUE(Finish(one, *point, "whole").ok());
  const auto done = two.TryBegin(kRecipe, "p", ".bin");
  EXPECT_EQ(done->turn, Turn::kComplete);
  EXPECT_EQ(done->point, *point);
  EXPECT_FALSE(Study::IsBeingMade(done->point));
}

TEST_P(WorkerSuite, AWorkerThatGoesGivesItsPointBack) {
  Study two = Worker();
  {
    Study one = Worker();
    ASSERT_TRUE(one.Begin(kRecipe, "p", ".bin").ok());
  }
  auto point = two.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(point.ok()) << point.status().message();
  EXPECT_EQ(point->attempt, 2);
  EXPECT_EQ(point->id, 1);
}

TEST_P(WorkerSuite, AnEndedLeaseIsTakenOverAndItsWorkerRefused) {
  Study slow = Worker(), other = Worker();
  auto lost = slow.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(WriteFileAtomically(slow.PathOf(*lost), "slow").ok());
  Alter(EndLease);
  auto point = other.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(point.ok()) << point.status().message();
  EXPECT_NE(slow.PathOf(*lost), other.PathOf(*point));
  EXPECT_FALSE(*slow.Holds(*lost));
  EXPECT_TRUE(*other.Holds(*point));

  ASSERT_TRUE(other.Report(*point, "loss", 1, 0.5).ok());
  for (const Status& status :
       {Finish(slow, *lost, "slow"), slow.Fail(*lost, "mine"), slow.Report(*lost, "loss", 1, 99)}) {
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr("attempt 1 is over"));
  }
  EXPECT_EQ(other.Steps(*point, "loss")->at(1), 0.5);
  ASSERT_TRUE(Finish(other, *point, "other").ok());
  EXPECT_EQ(Finish(slow, *lost, "slow").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(*ReadFile(other.PathOf(*point)), "other");
  EXPECT_EQ(slow.SetMetric(*lost, "accuracy", 0).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ((*other.Find(kRecipe))->metric("accuracy"), 0.5);
}

// An owner on this machine that is there no more has lost its lease at once. One on another machine
// may be alive, and keeps it.
TEST_P(WorkerSuite, TheLeaseOfADeadProcessEndsAtOnce) {
  Study study = Worker();
  ASSERT_TRUE(study.Begin(kRecipe, "p", ".bin").ok());
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string me = ThisProcess();
    ::_exit(::write(pipe[1], me.data(), me.size()) > 0 ? 0 : 1);
  }
  char name[500] = "";
  ASSERT_GT(::read(pipe[0], name, sizeof(name) - 1), 0);
  const std::string owner = name;
  // The child may have ended already, but is a process of the system until it is waited for.
  int state = 0;
  ::waitpid(child, &state, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  Alter(
      [&](Point& point) { point.owner = owner.substr(0, owner.find('@')) + "@there elsewhere 7"; });
  EXPECT_EQ(study.TryBegin(kRecipe, "p", ".bin")->turn, Turn::kAnother);
  Alter([&](Point& point) { point.owner = owner; });
  EXPECT_EQ(study.TryBegin(kRecipe, "p", ".bin")->turn, Turn::kOurs);
}

TEST(Owner, IsGoneOnlyWhenThatIsCertain) {
  const std::string me = ThisProcess();
  EXPECT_FALSE(IsGone(me));
  EXPECT_THAT(OwnerText(me), HasSubstr(StrCat("process ", ::getpid(), " on ")));
  EXPECT_TRUE(IsGone(me.substr(0, me.rfind(' ')) + " 1")) << "a number that was given out again";
  for (const char* unknown : {"", "nobody", "1@host elsewhere 5", "1@host - -", "x@host a b"}) {
    EXPECT_FALSE(IsGone(unknown)) << unknown;
  }
}

TEST_P(WorkerSuite, TheHeartbeatRenewsALeaseBeforeItEnds) {
  Study study = Worker(0.9), other = Worker();
  ASSERT_TRUE(study.Begin(kRecipe, "p", ".bin").ok());
  const int64_t first_end = (*study.Find(kRecipe))->lease_ends_unix_ms;
  int64_t end = first_end;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (end == first_end) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "nobody renews the lease";
    std::this_thread::yield();
    end = (*study.Find(kRecipe))->lease_ends_unix_ms;
  }
  EXPECT_GT(end, first_end);
  EXPECT_TRUE(*study.Holds(**study.Find(kRecipe)));
}

TEST_P(WorkerSuite, AFileBelongsToItsLease) {
  Study one = Worker();
  auto point = one.Begin(kRecipe, "p", ".bin");
  const std::string path = one.PathOf(*point);
  ASSERT_TRUE(WriteFileAtomically(path, "half").ok());
  ASSERT_TRUE(WriteFileAtomically(path + ".tmp.77", "being written").ok());
  { Worker(); }
  EXPECT_TRUE(FileExists(path) && FileExists(path + ".tmp.77")) << "its worker lives";
  Alter(EndLease);
  { Worker(); }
  EXPECT_THAT(ModelFiles(), IsEmpty()) << "nobody's";
  EXPECT_EQ(Finish(one, *point, "later").code(), StatusCode::kOk) << "and nobody else has begun it";
  EXPECT_THAT(ModelFiles(), ElementsAre("p-" + HashText(kRecipe) + ".bin"));
}

TEST_P(WorkerSuite, WhoTakesAPointOverRemovesWhatWasWrittenOfIt) {
  Study dead = Worker(), other = Worker();
  const auto point = dead.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(WriteFileAtomically(dead.PathOf(*point) + ".tmp.77", "being written").ok());
  Alter(EndLease);
  const auto again = other.Begin(kRecipe, "p", ".bin");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_THAT(ModelFiles(), IsEmpty());
  ASSERT_TRUE(WriteFileAtomically(other.PathOf(*again) + ".tmp.78", "being written").ok());
  EXPECT_TRUE(other.Fail(*again, "no more memory").ok());
  EXPECT_THAT(ModelFiles(), IsEmpty());
}

TEST_P(WorkerSuite, BegunAgainAPointSaysNothingOfBefore) {
  Study study = Worker();
  auto point = study.Begin(kRecipe, "p", ".bin", {{"technique", "first"}, {"note", "old"}});
  ASSERT_TRUE(study.Report(*point, "loss", 1, 0.5).ok());
  ASSERT_TRUE(Finish(study, *point, "first").ok());
  ASSERT_TRUE(study.SetMetric(*point, "test_accuracy", 0.75).ok());
  EXPECT_EQ(study.Steps(*point, "loss")->size(), 1u) << "steps stay with a complete point";
  ASSERT_TRUE(std::filesystem::remove(study.PathOf(*point)));

  Study second = Worker();
  EXPECT_EQ((*second.Find(kRecipe))->state, PointState::kFailed);
  auto again = second.Begin(kRecipe, "p", ".bin", {{"technique", "second"}});
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_TRUE(second.Steps(*again, "loss")->empty());
  EXPECT_TRUE(again->metrics.empty());
  EXPECT_EQ(**second.Find(kRecipe), *again);
  ASSERT_TRUE(Finish(second, *again, "second time").ok());
  const Point stored = **second.Find(kRecipe);
  EXPECT_EQ(stored.metric("test_accuracy"), std::nullopt) << "it was that of another file";
  EXPECT_EQ(stored.attributes, (std::map<std::string, std::string>{{"technique", "second"}}));
  EXPECT_EQ(stored.reason, "");
  EXPECT_EQ(study.SetMetric(*point, "test_accuracy", 0.1).code(), StatusCode::kFailedPrecondition);
}

TEST_P(WorkerSuite, WhatIsNoNumberIsNoMeasurement) {
  Study study = Worker();
  auto point = study.Begin(kRecipe, "p", ".bin");
  point->metrics["accuracy"] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(study.Complete(*point).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(study.Report(*point, "loss", 1, point->metrics["accuracy"]).ok()) << "a loss may be";
  point->metrics["accuracy"] = 0.5;
  EXPECT_TRUE(study.Complete(*point).ok()) << "a point needs no file";
  EXPECT_EQ(study.SetMetric(*point, "test", HUGE_VAL).code(), StatusCode::kInvalidArgument);
}

TEST_P(WorkerSuite, MetricsKeepTheirDirection) {
  Study study = Worker();
  const Metric latency{"latency_us", Direction::kMinimize, "us", "latency", true, 0.05};
  Metric exact = latency, upward = latency, told = latency;
  exact.tolerance = 0;
  upward.direction = Direction::kMaximize;
  told.objective = false;
  ASSERT_TRUE(study.DefineMetrics(std::array{latency}).ok());
  ASSERT_TRUE(study.DefineMetrics(std::array{exact}).ok());
  EXPECT_THAT(*study.Metrics(), ElementsAre(exact));
  for (const Metric& other : {upward, told}) {
    EXPECT_THAT(study.DefineMetrics(std::array{other}).message(),
                HasSubstr("has the metric latency_us to minimize"));
  }
  EXPECT_THAT(*study.Metrics(), ElementsAre(exact));
}

// Workers that know nothing of each other go through the same recipes.
TEST_P(WorkerSuite, WorkersShareTheWorkAndEachPointIsMadeOnce) {
  constexpr int kPoints = 12, kWorkers = 3;
  const Study watcher = Worker();
  std::vector<std::thread> threads;
  std::array<int, kWorkers> made{};
  for (size_t w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&, w] {
      Study study = Worker();
      for (int done = 0; done < kPoints;) {
        done = 0;
        for (int i = 0; i < kPoints; ++i) {
          auto begun = study.TryBegin(StrCat("{\"n\":", i, "}"), StrCat("p", i), ".bin");
          ASSERT_TRUE(begun.ok()) << begun.status().message();
          done += begun->turn == Turn::kComplete;
          if (begun->turn != Turn::kOurs) continue;
          ASSERT_TRUE(Finish(study, begun->point, StrCat("by ", w)).ok());
          ++made[w];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made[0] + made[1] + made[2], kPoints);
  const auto points = *watcher.Points();
  EXPECT_EQ(points.size(), size_t{kPoints});
  for (const Point& point : points) {
    EXPECT_EQ(point.state, PointState::kComplete);
    EXPECT_EQ(point.attempt, 1);
  }
  EXPECT_EQ(ModelFiles().size(), size_t{kPoints});
}

TERSOR_FOR_EACH_STORAGE(WorkerSuite);

TEST(FlatParameters, NamesSayThePath) {
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(FlatParameters(R"({"a": {"b": 2}, "c": ["x", true], "d": null, "e": 0.5})"),
            (Map{{"a.b", "2"}, {"c.0", "x"}, {"c.1", "true"}, {"d", "null"}, {"e", "0.5"}}));
  EXPECT_EQ(FlatParameters("[1]"), Map());
  EXPECT_EQ(FlatParameters("no json"), Map());
}

}  // namespace
}  // namespace tersor::automation
