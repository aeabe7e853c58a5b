#include "tersor/base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tersor/base/log.h"

namespace tersor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A stream of its own for what the process shows.
class Stream {
 public:
  explicit Stream(ProgressMode mode) : file_(std::tmpfile()) { SetProgressMode(mode, file_); }
  ~Stream() {
    SetProgressMode(ProgressMode::kAuto);
    std::fclose(file_);
  }
  std::string Text() const {
    std::string text(static_cast<size_t>(std::ftell(file_)), '\0');
    EXPECT_EQ(::pread(::fileno(file_), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  std::FILE* file_;
};

TEST(FormatDuration, UsesTwoUnitsAtMost) {
  EXPECT_EQ(FormatDuration(-1), "0.0 s");
  EXPECT_EQ(FormatDuration(0.84), "0.8 s");
  EXPECT_EQ(FormatDuration(9.96), "10 s");
  EXPECT_EQ(FormatDuration(59.6), "1 min 0 s");
  EXPECT_EQ(FormatDuration(200), "3 min 20 s");
  EXPECT_EQ(FormatDuration(7500), "2 h 5 min");
  EXPECT_EQ(FormatDuration(273600), "3 d 4 h");
}

TEST(FormatProgress, SaysShareRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress({"train", "images", "loss 0.41", 600, 1000, 2.4}),
            "train  60 % (600 of 1000 images)  250/s  1.6 s left  loss 0.41");
  EXPECT_EQ(FormatProgress({"scan", "", "", 3, 0, 2}), "scan  3  1.5/s");
  EXPECT_EQ(FormatProgress({"scan", "files", "", 0, 8, 0}), "scan  0 % (0 of 8 files)");
  EXPECT_EQ(FormatProgress({"scan", "", "", 8, 8, 2}), "scan  100 % (8 of 8)  4/s");
}

TEST(Progress, OnATerminalOneLineRewritesItself) {
  const Stream stream(ProgressMode::kTerminal);
  {
    Progress progress("work", 4);
    progress.SetNote("busy");
    progress.Advance();
    EXPECT_THAT(stream.Text(), StartsWith("work  25 % (1 of 4)"));
    EXPECT_THAT(stream.Text(), testing::EndsWith("left  busy"));
    progress.Advance(3);
  }
  EXPECT_THAT(stream.Text(), HasSubstr("left  busy\r\x1b[Kwork  100 % (4 of 4)"));
  EXPECT_THAT(stream.Text(), testing::EndsWith(" s\n"));
}

TEST(Progress, ElsewhereOnlyWholeLines) {
  const Stream stream(ProgressMode::kAuto);  // a file is no terminal
  Progress progress("work", 2);
  progress.Advance(2);
  EXPECT_EQ(stream.Text(), "");
  progress.Finish();
  progress.Finish();
  const std::string text = stream.Text();
  EXPECT_THAT(text, StartsWith("work  100 % (2 of 2)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, SilentSaysNothing) {
  const Stream stream(ProgressMode::kSilent);
  { Progress("work", 1).Advance(); }
  EXPECT_EQ(stream.Text(), "");
}

TEST(Progress, TheInnermostIsShownAndTheLogMakesItGiveWay) {
  const Stream stream(ProgressMode::kTerminal);
  Progress outer("outer", 2);
  {
    Progress inner("inner", 2);
    outer.Advance();
    EXPECT_EQ(stream.Text(), "");
    inner.Advance();
    EXPECT_THAT(stream.Text(), StartsWith("inner"));
    WriteBesideProgress([](void*) {}, nullptr);
    EXPECT_THAT(stream.Text(), testing::EndsWith("\r\x1b[K"));
  }
}

TEST(Progress, CountsFromManyThreads) {
  const Stream stream(ProgressMode::kTerminal);
  Progress progress("work", 4000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) progress.Advance();
    });
  }
  for (std::thread& thread : threads) thread.join();
  progress.Finish();
  EXPECT_THAT(stream.Text(), HasSubstr("100 % (4000 of 4000)"));
}

TEST(Log, WritesWhatIsAtOrAboveTheLimit) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kWarning, LogLevel::kOff}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
  EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
  SetLogLevel(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  LogInfo("not this");
  LogWarning("entry ", 3, " has {} braces");
  LogError("and this");
  const std::string text = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kInfo);
  EXPECT_EQ(text, "tersor: warning: entry 3 has {} braces\ntersor: error: and this\n");
}

}  // namespace
}  // namespace tersor
