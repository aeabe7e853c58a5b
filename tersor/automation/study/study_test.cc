#include "tersor/automation/study/study.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tersor/base/file.h"

namespace tersor::automation {
namespace {

using ::testing::HasSubstr;

class StudyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "tersor_study_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Study OpenOrDie(const std::string& folder, Study::Access access = Study::Access::kWrite) {
    auto study = Study::Open(folder, access);
    EXPECT_TRUE(study.ok()) << study.status().message();
    return std::move(study).value();
  }

  static std::string Recipe(int number) { return StrCat("{\"technique\": ", number, "}"); }

  /// Begins, writes and completes the point of Recipe(number): its file holds `number` bytes.
  static Status AddPoint(Study& study, int number) {
    TERSOR_ASSIGN_OR_RETURN(Point point, study.Begin(Recipe(number), StrCat("p", number), ".bin"));
    TERSOR_RETURN_IF_ERROR(
        WriteFileAtomically(study.PathOf(point), std::string(static_cast<size_t>(number), 'x')));
    point.metrics = {
        {"accuracy", number / 1e3}, {kFileBytes, number}, {"latency_us", 2.5 * number}};
    return study.Complete(point);
  }

  std::vector<std::string> ModelFiles() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/models")) {
      files.push_back(entry.path().filename());
    }
    return files;
  }

  std::string folder_;
};

TEST(CanonicalJson, OneFormForEachValue) {
  EXPECT_EQ(*CanonicalJson(R"( {"b": 1, "a": [1,  2.5, "x"]} )"), R"({"a":[1,2.5,"x"],"b":1})");
  EXPECT_EQ(CanonicalJson("{").status().code(), StatusCode::kInvalidArgument);
}

TEST(HashText, IsFnv1a) {
  EXPECT_EQ(HashText(""), "cbf29ce484222325");
  EXPECT_EQ(HashText("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(HashText("foobar"), "85944171f73967e8");
}

TEST_F(StudyTest, KeepsWhatAPointSays) {
  {
    Study study = OpenOrDie(folder_);
    ASSERT_TRUE(AddPoint(study, 7).ok());
    const auto point = study.Find(Recipe(7));
    ASSERT_TRUE(point.ok() && point->has_value());
    ASSERT_TRUE(study.SetMetric(**point, "test_accuracy", 0.25).ok());
    ASSERT_TRUE(study.SetFact("command", "tersor shrink").ok());
  }
  const Study study = OpenOrDie(folder_);
  const auto points = study.Points();
  ASSERT_EQ(points->size(), 1u);
  const Point& point = points->front();
  EXPECT_EQ(point.id, 1);
  EXPECT_EQ(point.recipe, R"({"technique":7})");
  EXPECT_EQ(point.name, "p7");
  EXPECT_EQ(point.file, "p7-" + HashText(point.recipe) + ".bin");
  EXPECT_EQ(point.state, PointState::kComplete);
  EXPECT_EQ(point.metric("accuracy"), 0.007);
  EXPECT_EQ(point.metric("test_accuracy"), 0.25);
  EXPECT_EQ(point.metric(kFileBytes), 7);
  EXPECT_EQ(point.metric("latency_us"), 17.5);
  EXPECT_EQ(point.metric("energy"), std::nullopt);
  EXPECT_GT(point.created_unix_s, 1'600'000'000);
  EXPECT_EQ(study.Facts()->at("command"), "tersor shrink");
}

TEST_F(StudyTest, OnePointForEachRecipe) {
  Study study = OpenOrDie(folder_);
  ASSERT_TRUE(AddPoint(study, 1).ok());
  EXPECT_EQ(AddPoint(study, 1).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(study.Find(R"({  "technique":1})")->has_value()) << "spaces make no new recipe";
  EXPECT_FALSE(study.Find(Recipe(2))->has_value());
  EXPECT_EQ(study.Begin("no json", "x", ".bin").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(StudyTest, AFailedPointSaysWhyAndMayBeTriedAgain) {
  Study study = OpenOrDie(folder_);
  const auto point = study.Begin(Recipe(3), "p3", ".bin");
  ASSERT_TRUE(WriteFileAtomically(study.PathOf(*point), "half").ok());
  ASSERT_TRUE(study.Fail(*point, "no kernel").ok());
  EXPECT_FALSE(FileExists(study.PathOf(*point)));
  EXPECT_EQ((*study.Find(Recipe(3)))->state, PointState::kFailed);
  EXPECT_EQ((*study.Find(Recipe(3)))->reason, "no kernel");
  ASSERT_TRUE(AddPoint(study, 3).ok());
  EXPECT_EQ((*study.Find(Recipe(3)))->state, PointState::kComplete);
  EXPECT_EQ((*study.Find(Recipe(3)))->id, point->id);
}

TEST_F(StudyTest, NoCompleteRowWithoutItsFile) {
  Study study = OpenOrDie(folder_);
  auto point = study.Begin(Recipe(4), "p4", ".bin");
  point->metrics[kFileBytes] = 4;
  EXPECT_EQ(study.Complete(*point).code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(study.PathOf(*point), "four!").ok());
  EXPECT_THAT(study.Complete(*point).message(), HasSubstr("has 5 bytes, 4 were measured"));
}

TEST_F(StudyTest, OpeningRemovesOrphansAndNothingElse) {
  std::string kept;
  {
    Study study = OpenOrDie(folder_);
    ASSERT_TRUE(AddPoint(study, 5).ok());
    kept = (*study.Find(Recipe(5)))->file;
    const auto running = study.Begin(Recipe(6), "p6", ".bin");
    ASSERT_TRUE(WriteFileAtomically(study.PathOf(*running), "orphan").ok());
    ASSERT_TRUE(WriteFileAtomically(study.PathOf(*running) + ".tmp.12", "cut off").ok());
  }
  for (const char* name : {"notes.txt", "my-model.tersor", "x-0123456789abcde.bin"}) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/models/" + name, "a person's").ok());
  }
  OpenOrDie(folder_);
  EXPECT_THAT(ModelFiles(), ::testing::UnorderedElementsAre(kept, "notes.txt", "my-model.tersor",
                                                            "x-0123456789abcde.bin"));
}

TEST_F(StudyTest, APointWhoseFileWasRemovedOrCutIsNoLongerComplete) {
  std::string gone, cut;
  {
    Study study = OpenOrDie(folder_);
    ASSERT_TRUE(AddPoint(study, 8).ok());
    ASSERT_TRUE(AddPoint(study, 9).ok());
    gone = study.PathOf(**study.Find(Recipe(8)));
    cut = study.PathOf(**study.Find(Recipe(9)));
  }
  std::filesystem::remove(gone);
  std::filesystem::resize_file(cut, 2);
  Study study = OpenOrDie(folder_);
  EXPECT_EQ((*study.Find(Recipe(8)))->reason, "its file is gone");
  EXPECT_EQ((*study.Find(Recipe(9)))->reason, "its file has 2 bytes, 9 were measured");
  EXPECT_FALSE(FileExists(cut));
  EXPECT_TRUE(AddPoint(study, 8).ok());
}

TEST_F(StudyTest, SeveralWritersAndAnyNumberOfReaders) {
  Study study = OpenOrDie(folder_);
  ASSERT_TRUE(AddPoint(study, 1).ok());
  Study second = OpenOrDie(folder_);
  ASSERT_TRUE(AddPoint(second, 5).ok());
  Study reader = OpenOrDie(folder_, Study::Access::kRead);
  ASSERT_TRUE(AddPoint(study, 2).ok());
  EXPECT_EQ(reader.Points()->size(), 3u) << "a reader sees what is committed meanwhile";
  EXPECT_EQ(AddPoint(reader, 3).code(), StatusCode::kFailedPrecondition);
}

TEST_F(StudyTest, SharedFactsMustAgree) {
  Study study = OpenOrDie(folder_);
  EXPECT_TRUE(study.RequireFact("data", "fashion-mnist").ok());
  EXPECT_TRUE(study.RequireFact("data", "fashion-mnist").ok());
  EXPECT_THAT(study.RequireFact("data", "other").message(),
              HasSubstr("was made with data 'fashion-mnist', this run has 'other'"));
}

TEST_F(StudyTest, WhatIsNoStudyIsSaidSo) {
  EXPECT_EQ(Study::Open(folder_, Study::Access::kRead).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/file", "x").ok());
  EXPECT_FALSE(Study::Open(folder_ + "/file").ok());
  EXPECT_EQ(Study::Open(folder_ + "/none", Study::Access::kRead).status().code(),
            StatusCode::kNotFound);
  // "SQLite format 3" with tables of somebody else: a fresh database with another id.
  { OpenOrDie(folder_); }
  std::fstream file(folder_ + "/study.sqlite", std::ios::in | std::ios::out | std::ios::binary);
  constexpr int kApplicationIdOffset = 68;
  file.seekp(kApplicationIdOffset);
  file.write("ABCD", 4);
  file.close();
  EXPECT_THAT(Study::Open(folder_).status().message(), HasSubstr("not of a study"));
}

TEST_F(StudyTest, ANewerSchemaIsRefused) {
  { OpenOrDie(folder_); }
  std::fstream file(folder_ + "/study.sqlite", std::ios::in | std::ios::out | std::ios::binary);
  constexpr int kUserVersionOffset = 60;
  file.seekp(kUserVersionOffset);
  file.write("\0\0\0\7", 4);
  file.close();
  EXPECT_THAT(
      Study::Open(folder_).status().message(),
      HasSubstr("schema version 7, this build reads up to version 2: use the newer tersor"));
}

// Each of some threads opens `folder` for writing, all at the same moment.
void OpenAtOnce(const std::string& folder) {
  constexpr int kThreads = 6;
  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (++ready; ready < kThreads;) std::this_thread::yield();
      const auto study = Study::Open(folder);
      EXPECT_TRUE(study.ok()) << study.status().message();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(StudyTest, ManyMayBeginAStudyAtTheSameMoment) {
  for (int round = 0; round < 5; ++round) OpenAtOnce(StrCat(folder_, "/", round));
}

// The program of schema 1 has written this study of two points (tests/golden/README.md).
TEST_F(StudyTest, AStudyOfSchema1IsBroughtUpToDate) {
  std::filesystem::copy("tests/golden/v1/study", folder_, std::filesystem::copy_options::recursive);
  const std::string before = *ReadFile(folder_ + "/study.sqlite");
  const auto read = OpenOrDie(folder_, Study::Access::kRead).Points();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(*ReadFile(folder_ + "/study.sqlite"), before) << "reading changes nothing";

  OpenAtOnce(folder_);
  const Study study = OpenOrDie(folder_, Study::Access::kRead);
  EXPECT_EQ(*study.Points(), *read);
  const Point& point = read->front();
  EXPECT_EQ(point.name, "model_f32 original");
  EXPECT_EQ(point.state, PointState::kComplete);
  EXPECT_EQ(point.metric(kFileBytes), 41800);
  EXPECT_EQ(point.metric("latency_us"), 13.15);
  EXPECT_EQ(point.metric("arena_bytes"), 110592);
  EXPECT_EQ(point.attribute("technique"), "original");
  EXPECT_EQ(point.attribute("reference"), "yes");
  EXPECT_EQ(read->back().attribute("reference"), "");
  EXPECT_EQ(study.Metrics()->size(), 7u);
  EXPECT_EQ(study.Facts()->at("data"), "data");
}

TEST_F(StudyTest, AStudyThatAnOlderProgramWritesToIsLeftAlone) {
  std::filesystem::copy("tests/golden/v1/study", folder_, std::filesystem::copy_options::recursive);
  // It holds this lock as long as it writes.
  const int lock = ::open((folder_ + "/study.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  const auto refused = Study::Open(folder_);
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("an older tersor is writing to this study"));
  EXPECT_EQ(OpenOrDie(folder_, Study::Access::kRead).Points()->size(), 2u);
  ::close(lock);
  OpenOrDie(folder_);
  EXPECT_FALSE(FileExists(folder_ + "/study.lock"));
}

TEST_F(StudyTest, DamageIsAnErrorNotACrash) {
  {
    Study study = OpenOrDie(folder_);
    for (int i = 1; i <= 40; ++i) ASSERT_TRUE(AddPoint(study, i).ok());
  }
  const std::string path = folder_ + "/study.sqlite";
  const std::string whole = *ReadFile(path);
  auto overwrite = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  };
  int refused = 0;
  for (size_t size = 1; size < whole.size(); size += 1009) {
    overwrite(whole.substr(0, size));
    const auto study = Study::Open(folder_, Study::Access::kRead);
    if (!study.ok()) {
      ++refused;
      EXPECT_THAT(study.status().message(), HasSubstr(path));
    }
  }
  EXPECT_GT(refused, 10);
  for (size_t at = 16; at < whole.size(); at += 211) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x5a);
    overwrite(changed);
    const auto study = Study::Open(folder_, Study::Access::kRead);
    if (study.ok()) (void)study->Points().ok();
  }
  overwrite("this is no database, whatever its name says");
  EXPECT_THAT(Study::Open(folder_).status().message(), HasSubstr("damaged"));
}

TEST_F(StudyTest, AFolderThatMayNotBeReadIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every folder";
  ASSERT_EQ(::chmod(folder_.c_str(), 0), 0);
  EXPECT_FALSE(Study::Open(folder_).ok());
  EXPECT_FALSE(Study::Open(folder_, Study::Access::kRead).ok());
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
}

// Runs `work` in a child and gives how it ended.
template <typename Work>
int InChild(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int state = 0;
  ::waitpid(child, &state, 0);
  return state;
}

TEST_F(StudyTest, AFullDiskIsOneClearErrorAndLosesNothing) {
  {
    Study study = OpenOrDie(folder_);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(AddPoint(study, i).ok());
  }
  const int state = InChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {96 << 10, 96 << 10};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
    auto study = Study::Open(folder_);
    if (!study.ok()) return 11;
    for (int i = 4; i < 1000; ++i) {
      const Status status = AddPoint(*study, i);
      if (status.ok()) continue;
      const bool clear =
          status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kIoError;
      return clear && status.message().find(folder_) != std::string::npos ? 0 : 12;
    }
    return 13;
  });
  ASSERT_TRUE(WIFEXITED(state));
  EXPECT_EQ(WEXITSTATUS(state), 0);
  Study study = OpenOrDie(folder_);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ((*study.Find(Recipe(i)))->state, PointState::kComplete);
  EXPECT_TRUE(AddPoint(study, 1000).ok()) << "and it goes on";
}

// A child adds points and says after each Complete() that it is kept; it is killed somewhere. What
// it said must be there, and nothing must be there by half.
TEST_F(StudyTest, KilledAtAnyMomentLosesNoPointThatWasKept) {
  constexpr int kRounds = 20;
  int next = 1, kept = 0;
  for (int round = 0; round < kRounds; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto study = Study::Open(folder_);
      for (int i = next; study.ok() && AddPoint(*study, i).ok(); ++i) {
        if (::write(pipe[1], &i, sizeof(i)) != sizeof(i)) break;
      }
      ::_exit(1);
    }
    ::close(pipe[1]);
    // The child is somewhere in its next point when these answers have been read.
    int said = 0;
    for (int i = 0; i <= round % 3; ++i) {
      ASSERT_EQ(::read(pipe[0], &said, sizeof(said)), ssize_t{sizeof(said)});
    }
    ::usleep(static_cast<useconds_t>(137 * round));
    ::kill(child, SIGKILL);
    int state = 0;
    ::waitpid(child, &state, 0);
    ASSERT_TRUE(WIFSIGNALED(state));
    for (int more = 0; ::read(pipe[0], &more, sizeof(more)) == ssize_t{sizeof(more)};) said = more;
    ::close(pipe[0]);
    kept = said;

    Study study = OpenOrDie(folder_);
    const auto points = study.Points();
    ASSERT_TRUE(points.ok()) << points.status().message();
    int complete = 0;
    for (const Point& point : *points) {
      if (point.state != PointState::kComplete) continue;
      ++complete;
      EXPECT_EQ(*FileSizeBytes(study.PathOf(point)), point.metric(kFileBytes));
    }
    EXPECT_GE(complete, kept) << "round " << round;
    EXPECT_LE(complete, kept + 1) << "round " << round;
    EXPECT_EQ(ModelFiles().size(), static_cast<size_t>(complete)) << "no orphan stays";
    next = complete + 1;
  }
  EXPECT_GE(kept, kRounds);
}

}  // namespace
}  // namespace tersor::automation
