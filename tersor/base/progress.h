// Progress of long work, with the time that is left, on standard error.
//
// On a terminal one line that rewrites itself, at most ten times a second; otherwise a line every
// few seconds; nothing when silent (--quiet, --json).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace tersor {

enum class ProgressMode : uint8_t {
  kAuto,      ///< kTerminal where the stream is one, else kLines
  kTerminal,  ///< one line that rewrites itself
  kLines,     ///< a line every 5 s, and one at the end
  kSilent,    ///< nothing
};

/// For the whole process; applies to the Progress objects made from then on. The stream stays the
/// caller's.
void SetProgressMode(ProgressMode mode, std::FILE* stream = stderr);

/// "0.8 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
std::string FormatDuration(double seconds);

/// What a line says: "train  60 % (600 of 1000 images)  250/s  1.6 s left  loss 0.41". `total` of
/// 0: not known, so no share and no time left.
struct ProgressState {
  std::string_view title, unit, note;
  int64_t done = 0, total = 0;
  double elapsed_s = 0;
};
std::string FormatProgress(const ProgressState& state);

/// One piece of work, shown from its making to its end. Several may live at once, the last one made
/// is shown. Any thread may call Advance and SetNote; the cost between two updates of the display
/// is an atomic addition and a look at the clock.
class Progress {
 public:
  explicit Progress(std::string title, int64_t total = 0, std::string unit = "");
  /// Shows the end unless Finish() did.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(int64_t count = 1);
  /// Text shown behind the rest ("loss 0.41"), at the next update.
  void SetNote(std::string note);
  /// Shows the last line, which stays: what was done and how long it took.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  void Show(Clock::time_point now, bool last);

  const std::string title_, unit_;
  const int64_t total_;
  const Clock::time_point begin_;
  std::FILE* stream_;
  ProgressMode mode_;
  std::atomic<int64_t> done_{0};
  std::atomic<int64_t> next_update_us_{0};  ///< since begin_
  std::mutex mutex_;
  std::string note_;
  bool finished_ = false;
};

/// Calls `write` with the progress line taken off the terminal and no other thread drawing one; the
/// line comes back at its next update. For those who write to standard error meanwhile (the log).
void WriteBesideProgress(void (*write)(void* context), void* context);

}  // namespace tersor
