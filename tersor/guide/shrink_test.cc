#include "tersor/guide/shrink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tersor/base/file.h"
#include "tersor/base/progress.h"
#include "tersor/base/random.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/candidates.h"
#include "tersor/guide/guide_testing.h"
#include "tersor/guide/report.h"

namespace tersor::guide {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using Json = nlohmann::json;

Recipe Quantized(const char* kind) {
  return OneStep(*FindStepType("quantize"), {{"kind", std::string(kind)}});
}

class ShrinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SetProgressMode(ProgressMode::kSilent);
    std::string pattern = ::testing::TempDir() + "tersor_shrink_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    std::filesystem::create_directory(root_ + "/data");
    WriteSplit(root_ + "/data", "train", 64, 1);
    WriteSplit(root_ + "/data", "val", 200, 2);
    WriteSplit(root_ + "/data", "test", 200, 3);
    WriteModel(root_ + "/narrow.tersor", 4, 1);
    WriteModel(root_ + "/wide.tersor", 16, 2);
    options_.models = {root_ + "/narrow.tersor", root_ + "/wide.tersor"};
    options_.data = root_ + "/data";
    options_.folder = root_ + "/study";
    options_.latency_time_s = 0.003;
    options_.command = "tersor shrink narrow.tersor wide.tersor";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Summary ShrinkOrDie() {
    auto summary = Shrink(options_);
    EXPECT_TRUE(summary.ok()) << summary.status().message();
    return summary.ok() ? *std::move(summary) : Summary();
  }

  static double Value(const SummaryPoint& point, const char* metric) {
    return point.point.metric(metric).value_or(-1);
  }

  static const SummaryPoint& Named(const Summary& summary, const std::string& name) {
    const auto found = std::find_if(summary.points.begin(), summary.points.end(),
                                    [&](const SummaryPoint& p) { return p.point.name == name; });
    EXPECT_NE(found, summary.points.end()) << name;
    return *found;
  }

  std::string root_;
  ShrinkOptions options_;
};

TEST_F(ShrinkTest, MeasuresEachCandidateOnItsFile) {
  int64_t events = 0;
  options_.on_point = [&](const ShrinkEvent& event) {
    EXPECT_EQ(event.number, ++events);
    EXPECT_EQ(event.total, 14);
    EXPECT_EQ(event.point.state, automation::PointState::kComplete) << event.point.reason;
    EXPECT_GE(event.front_size, 1u);
  };
  const Summary summary = ShrinkOrDie();
  EXPECT_EQ(events, 14);
  ASSERT_EQ(summary.points.size(), 14u);
  for (const SummaryPoint& point : summary.points) {
    const std::string path = options_.folder + "/models/" + point.point.file;
    EXPECT_EQ(*FileSizeBytes(path), Value(point, kFileBytes));
    EXPECT_TRUE(formats::ImportModel(path).ok());
    EXPECT_GT(Value(point, kValidationTop1), 0.8) << point.point.name;
    EXPECT_GT(Value(point, kLatencyUs), 0);
    EXPECT_GT(Value(point, kArenaBytes), 0);
    EXPECT_GT(Value(point, kMacs), 0);
    EXPECT_GT(Value(point, kParameters), 0);
    const bool reported = point.on_front || point.point.attribute("technique") == "original";
    EXPECT_EQ(point.point.metric(kTestTop1).has_value(), reported) << point.point.name;
  }
  const auto& wide = Named(summary, "wide original");
  const double wide_bytes = Value(wide, kFileBytes);
  EXPECT_LT(Value(Named(summary, "wide full-integer min-max"), kFileBytes), wide_bytes);
  EXPECT_LT(Value(Named(summary, "wide float16"), kFileBytes), wide_bytes);
  ASSERT_TRUE(summary.reference.has_value());
  EXPECT_EQ(Value(summary.points[*summary.reference], kValidationTop1),
            std::max(Value(wide, kValidationTop1),
                     Value(Named(summary, "narrow original"), kValidationTop1)));
}

TEST_F(ShrinkTest, TheSecondRunMeasuresNothingAgain) {
  const Summary first = ShrinkOrDie();
  int kept = 0;
  options_.on_point = [&](const ShrinkEvent& event) { kept += event.kept_before; };
  options_.limits = {{kFileBytes, Limit::Kind::kAtMost, Value(first.points[0], kFileBytes)}};
  const Summary second = ShrinkOrDie();
  EXPECT_EQ(kept, 14);
  ASSERT_EQ(second.points.size(), first.points.size());
  for (size_t i = 0; i < first.points.size(); ++i) {
    EXPECT_EQ(second.points[i].point.metrics, first.points[i].point.metrics);
    EXPECT_EQ(second.points[i].point.created_unix_s, first.points[i].point.created_unix_s);
  }
  EXPECT_EQ(second.limits, options_.limits) << "limits are those of this run";
}

TEST_F(ShrinkTest, EachEpochOfAPointIsKeptOnce) {
  options_.models = {root_ + "/narrow.tersor"};
  const std::string two = "finetune: {epochs: 2, batch_size: 32, learning_rate: 0.001}";
  options_.candidates = *ParseRecipes(
      StrCat("candidates:\n  - steps: [", two, ", quantize: {kind: float16}]\n  - steps: [", two,
             ", quantize: {kind: weight-only}]\n  - steps: [", two, ", ", two, "]\n"));
  {  // An earlier attempt that was cut off had said more, and other values.
    const auto sources = LoadSources(options_);
    ASSERT_TRUE(sources.ok()) << sources.status().message();
    const auto candidates = MakeCandidates(options_, *sources);
    auto study = automation::Study::Open(options_.folder);
    ASSERT_TRUE(study.ok() && candidates.ok() && candidates->size() == 4u);
    ASSERT_TRUE(study->DefineMetrics(ModelMetrics()).ok());
    const auto point = study->Begin(candidates->at(1).json, "cut off", ".tersor");
    ASSERT_TRUE(point.ok()) << point.status().message();
    for (int64_t epoch = 1; epoch <= 5; ++epoch) {
      ASSERT_TRUE(study->Report(*point, kValidationTop1, epoch, -1).ok());
    }
  }
  std::vector<std::map<int64_t, double>> before;
  for (int run = 0; run < 2; ++run) {
    const Summary summary = ShrinkOrDie();
    ASSERT_EQ(summary.points.size(), 4u);
    const auto study = automation::Study::Open(options_.folder, automation::Access::kRead);
    ASSERT_TRUE(study.ok()) << study.status().message();
    std::vector<std::map<int64_t, double>> steps;
    const std::string tuned = "finetune epochs=2 batch_size=32 learning_rate=0.001";
    for (const std::string& name : {std::string("original"), tuned + ", float16",
                                    tuned + ", weight-only", tuned + ", " + tuned}) {
      const auto found =
          study->Steps(Named(summary, StrCat("narrow ", name)).point, kValidationTop1);
      ASSERT_TRUE(found.ok()) << found.status().message();
      steps.push_back(*found);
    }
    EXPECT_TRUE(steps[0].empty()) << "the original is not trained";
    EXPECT_THAT(steps[1], ElementsAre(Pair(1, Gt(0.5)), Pair(2, Gt(0.5))));
    EXPECT_EQ(steps[2], steps[1]) << "the steps in common are trained once and told of both";
    ASSERT_THAT(steps[3], ElementsAre(Pair(1, Gt(0.5)), Pair(2, Gt(0.5)), Pair(3, Gt(0.5)),
                                      Pair(4, Gt(0.5))));
    EXPECT_EQ(steps[3].at(2), steps[1].at(2));
    EXPECT_TRUE(run == 0 || steps == before) << "a point that is kept is not told again";
    before = steps;
  }
}

TEST_F(ShrinkTest, LimitsChooseTheBest) {
  options_.candidates = {Recipe{}, Quantized("full-integer")};
  const Summary all = ShrinkOrDie();
  const auto& small = Named(all, "narrow full-integer mse");
  options_.limits = {{kFileBytes, Limit::Kind::kAtMost, Value(small, kFileBytes)}};
  const Summary limited = ShrinkOrDie();
  ASSERT_TRUE(limited.best.has_value());
  EXPECT_EQ(limited.points[*limited.best].point.name, small.point.name);

  options_.limits = {{kFileBytes, Limit::Kind::kAtMost, 10}};
  const Summary none = ShrinkOrDie();
  EXPECT_FALSE(none.best.has_value());
  EXPECT_THAT(NearestMissText(none), HasSubstr("no model is inside the limits: the nearest, narrow "
                                               "full-integer mse, has file of"));
  const Json json = Json::parse(FrontJson(none, "study"));
  EXPECT_TRUE(json["best"].is_null());
  EXPECT_EQ(json["message"], NearestMissText(none));
}

TEST_F(ShrinkTest, FrontJsonSaysWhatEachFileIs) {
  const Summary summary = ShrinkOrDie();
  const Json json = Json::parse(FrontJson(summary, options_.folder));
  ASSERT_EQ(json["front"].size(), summary.front.size());
  for (const Json& point : json["front"]) {
    EXPECT_EQ(*FileSizeBytes(point["file"]), point["file_bytes"].get<int64_t>());
    EXPECT_TRUE(point["top1"].is_number() && point["validation_top1"].is_number());
    EXPECT_TRUE(point["latency_us"].is_number() && point["arena_bytes"].is_number());
    EXPECT_TRUE(point["recipe"]["steps"].is_array());
  }
  EXPECT_EQ(json["best"]["file"], json["front"][0]["file"]) << "without limits: the most accurate";
  EXPECT_EQ(*ReadFile(options_.folder + "/front.json"), FrontJson(summary, ""));
}

TEST_F(ShrinkTest, TheReportHoldsEachPointAndRefersToNothingOutside) {
  options_.limits = {{kFileBytes, Limit::Kind::kAtMost, 5000},
                     {kValidationTop1, Limit::Kind::kMaxDrop, 0.02}};
  const Summary summary = ShrinkOrDie();
  const std::string page = *ReadFile(options_.folder + "/report.html");
  for (const SummaryPoint& point : summary.points) {
    EXPECT_THAT(page, HasSubstr("href=\"models/" + point.point.file + "\""));
    EXPECT_THAT(page, HasSubstr(point.point.name));
  }
  EXPECT_THAT(page, HasSubstr(options_.command));
  for (const char* reference : {"http:", "https:", "//", "src=", "@import", "url(", "<link"}) {
    const std::string found(reference);
    // Comments of the script begin with two slashes and a space.
    for (size_t at = page.find(found); at != std::string::npos; at = page.find(found, at + 1)) {
      EXPECT_EQ(page.substr(at, 3), "// ") << page.substr(at, 60);
    }
  }
  const std::string csv = *ReadFile(options_.folder + "/front.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 15) << "a header, and each point";
}

TEST_F(ShrinkTest, NamesFromFilesCannotBreakThePage) {
  std::filesystem::rename(options_.models[0], root_ + "/<b>&\"'.tersor");
  options_.models = {root_ + "/<b>&\"'.tersor"};
  options_.candidates = {Recipe{}};
  options_.command = "tersor shrink '</script><script>alert(1)</script>'";
  ShrinkOrDie();
  const std::string page = *ReadFile(options_.folder + "/report.html");
  EXPECT_THAT(page, Not(HasSubstr("<b>&")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;&quot;"));
}

TEST_F(ShrinkTest, ACandidateThatFailsIsSaidAndTheOthersGoOn) {
  // An integer model cannot be quantized again.
  options_.candidates = {Recipe{}, Quantized("full-integer")};
  options_.models = {root_ + "/narrow.tersor"};
  const Summary integer = ShrinkOrDie();
  options_.models = {options_.folder + "/models/" +
                     Named(integer, "narrow full-integer mse").point.file};
  options_.folder = root_ + "/second";
  const Summary summary = ShrinkOrDie();
  EXPECT_EQ(summary.points.size(), 1u);
  ASSERT_EQ(summary.failed.size(), 1u);
  EXPECT_THAT(summary.failed[0].reason, HasSubstr("expected f32"));
  EXPECT_THAT(*ReadFile(options_.folder + "/report.html"), HasSubstr("expected f32"));
}

TEST_F(ShrinkTest, WhatCannotBeReadIsOneClearErrorAndLeavesNoFolder) {
  options_.models.push_back(root_ + "/missing.tersor");
  EXPECT_THAT(Shrink(options_).status().message(), HasSubstr("missing.tersor"));
  options_.models.pop_back();
  options_.data = root_ + "/no-data";
  EXPECT_THAT(Shrink(options_).status().message(), HasSubstr("no-data"));
  EXPECT_FALSE(FileExists(options_.folder));
}

TEST_F(ShrinkTest, AStudyOfOtherDataIsNotMixed) {
  options_.candidates = {Recipe{}};
  ShrinkOrDie();
  options_.limit = 50;
  EXPECT_THAT(Shrink(options_).status().message(),
              HasSubstr("its points cannot be compared, use another folder"));
}

// Data are what is in them, not how their path is written.
TEST_F(ShrinkTest, TheSameDataByAnotherPathAreTheSame) {
  options_.candidates = {Recipe{}};
  ShrinkOrDie();
  std::filesystem::copy(options_.data, root_ + "/copy", std::filesystem::copy_options::recursive);
  options_.data = root_ + "/./copy";
  ShrinkOrDie();
  WriteSplit(root_ + "/copy", "val", 40, 77);
  EXPECT_THAT(Shrink(options_).status().message(), HasSubstr("was made with data content"));
  options_.data = root_ + "/data";
  ShrinkOrDie();
  WriteSplit(root_ + "/data", "train", 96, 78);
  EXPECT_THAT(Shrink(options_).status().message(), HasSubstr("was made with data content"));
}

// Three splits that can be told apart: the train split is brighter, and in the test split three
// quarters of the labels are the wrong way round.
class SplitsTest : public ShrinkTest {
 protected:
  void SetUp() override {
    ShrinkTest::SetUp();
    const std::string data = root_ + "/apart";
    std::filesystem::create_directory(data);
    constexpr uint32_t kLittleNoise = 2;
    WriteSplit(data, "train", 96, 1);
    WriteSplit(data, "val", 40, 2, kLittleNoise);
    WriteSplit(data, "test", 24, 3, kLittleNoise,
               [](int32_t side, int64_t i) { return i % 8 < 2 ? side : 1 - side; });
    WriteModel(root_ + "/right.tersor", 8, 1, 1);
    WriteModel(root_ + "/wrong.tersor", 4, 2, 0);
    options_.models = {root_ + "/right.tersor", root_ + "/wrong.tersor"};
    options_.data = data;
  }
};

TEST_F(SplitsTest, TheValidationSplitSelectsAndTheTestSplitIsReported) {
  options_.candidates = {Recipe{}};
  const Summary summary = ShrinkOrDie();
  const auto& right = Named(summary, "right original");
  const auto& wrong = Named(summary, "wrong original");
  EXPECT_EQ(Value(right, kValidationTop1), 1.0);
  EXPECT_EQ(Value(right, kTestTop1), 0.25);
  EXPECT_EQ(Value(wrong, kValidationTop1), 0.0);
  EXPECT_EQ(Value(wrong, kTestTop1), 0.75);
  ASSERT_TRUE(summary.best.has_value());
  EXPECT_EQ(summary.points[*summary.best].point.name, "right original");
  const Json json = Json::parse(FrontJson(summary, ""));
  EXPECT_EQ(json["best"]["name"], "right original");
  EXPECT_EQ(json["best"]["top1"], 0.25);
  EXPECT_EQ(json["best"]["validation_top1"], 1.0);
}

TEST_F(SplitsTest, TheLimitsAreThoseOfTheValidationSplit) {
  options_.candidates = {Recipe{}};
  options_.limits = {{kValidationTop1, Limit::Kind::kAtLeast, 0.9}};
  const Summary summary = ShrinkOrDie();
  ASSERT_TRUE(summary.best.has_value());
  EXPECT_EQ(summary.points[*summary.best].point.name, "right original");
}

TEST_F(SplitsTest, CalibrationSeesTheTrainSplit) {
  options_.candidates = {
      OneStep(*FindStepType("quantize"), {{"calibration", std::string("min-max")}})};
  options_.models = {root_ + "/right.tersor"};
  const Summary summary = ShrinkOrDie();
  const auto& small = Named(summary, "right full-integer min-max");
  const auto graph = formats::ImportModel(options_.folder + "/models/" + small.point.file);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const auto& type = graph->value(graph->inputs()[0]).type();
  ASSERT_TRUE(type.quantization.has_value());
  // Pixels of the train split end near 254, which is 1, those of the others at 26.
  EXPECT_NEAR(type.quantization->scales[0], 2.0 / 255, 0.1 / 255);
}

// A child shrinks and is killed somewhere; what was complete stays, and the next run goes on.
TEST_F(ShrinkTest, KilledAtAnyMomentGoesOn) {
  constexpr int kRounds = 20;
  Random random(5, 0);
  size_t complete = 0;
  for (int round = 0; round < kRounds; ++round) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(Shrink(options_).ok() ? 0 : 1);
    ::usleep(static_cast<useconds_t>(random.NextBelow(60'000)));
    ::kill(child, SIGKILL);
    int state = 0;
    ::waitpid(child, &state, 0);
    ASSERT_TRUE(WIFSIGNALED(state) || WEXITSTATUS(state) == 0);
    if (!FileExists(options_.folder + "/study.sqlite")) continue;
    const auto study = automation::Study::Open(options_.folder);
    ASSERT_TRUE(study.ok()) << study.status().message();
    const auto summary = Summarize(*study);
    ASSERT_TRUE(summary.ok()) << summary.status().message();
    EXPECT_GE(summary->points.size(), complete) << "no point is lost";
    complete = summary->points.size();
    for (const SummaryPoint& point : summary->points) {
      EXPECT_TRUE(formats::ImportModel(study->PathOf(point.point)).ok()) << "no file by half";
    }
  }
  EXPECT_EQ(ShrinkOrDie().points.size(), 14u);
}

TEST_F(ShrinkTest, AFullDiskEndsItWithOneClearError) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {4000, 4000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(10);
    const auto summary = Shrink(options_);
    if (summary.ok()) ::_exit(11);
    const bool named = summary.status().message().find(options_.folder) != std::string::npos;
    ::_exit(named ? 0 : 12);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << WEXITSTATUS(state);
  EXPECT_EQ(ShrinkOrDie().points.size(), 14u) << "with room again, it goes on";
}

}  // namespace
}  // namespace tersor::guide
