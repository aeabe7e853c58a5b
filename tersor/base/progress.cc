#include "tersor/base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tersor {
namespace {

constexpr int64_t kTerminalPeriodUs = 100'000;
constexpr int64_t kLinesPeriodUs = 5'000'000;

/// What the process shows.
struct Display {
  std::mutex mutex;
  ProgressMode mode = ProgressMode::kAuto;
  std::FILE* stream = stderr;
  std::vector<const Progress*> live;  ///< the last one is shown
  std::FILE* line_on = nullptr;       ///< where an unfinished line stands
};

Display& TheDisplay() {
  static Display& display = *new Display;  // lives until the process ends: threads may log late
  return display;
}

/// Takes the unfinished line off the terminal. With the display's mutex held.
void Erase(Display& display) {
  if (display.line_on == nullptr) return;
  std::fputs("\r\x1b[K", display.line_on);
  std::fflush(display.line_on);
  display.line_on = nullptr;
}

size_t TerminalWidth(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// At most `width` columns of UTF-8 text, cut between characters.
std::string Cut(std::string text, size_t width) {
  size_t columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && ++columns > width) return text.substr(0, i);
  }
  return text;
}

std::string FormatRate(double rate) {
  return rate < 100 ? fmt::format("{:.3g}/s", rate) : fmt::format("{:.0f}/s", rate);
}

}  // namespace

void SetProgressMode(ProgressMode mode, std::FILE* stream) {
  Display& display = TheDisplay();
  std::lock_guard lock(display.mutex);
  display.mode = mode;
  display.stream = stream;
}

std::string FormatDuration(double seconds) {
  if (!(seconds >= 0)) seconds = 0;
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::min(seconds + 0.5, 1e15));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string FormatProgress(const ProgressState& state) {
  std::string text(state.title);
  const std::string unit = state.unit.empty() ? "" : fmt::format(" {}", state.unit);
  if (state.total > 0) {
    const double share = static_cast<double>(state.done) / static_cast<double>(state.total);
    text += fmt::format("  {:.0f} % ({} of {}{})", 100 * share, state.done, state.total, unit);
  } else {
    text += fmt::format("  {}{}", state.done, unit);
  }
  if (state.done > 0 && state.elapsed_s > 0) {
    const double rate = static_cast<double>(state.done) / state.elapsed_s;
    text += "  " + FormatRate(rate);
    if (state.total > state.done) {
      const auto left = static_cast<double>(state.total - state.done);
      text += fmt::format("  {} left", FormatDuration(left / rate));
    }
  }
  if (!state.note.empty()) text += fmt::format("  {}", state.note);
  return text;
}

Progress::Progress(std::string title, int64_t total, std::string unit)
    : title_(std::move(title)), unit_(std::move(unit)), total_(total), begin_(Clock::now()) {
  Display& display = TheDisplay();
  {
    std::lock_guard lock(display.mutex);
    stream_ = display.stream;
    mode_ = display.mode;
    display.live.push_back(this);
  }
  if (mode_ == ProgressMode::kAuto) {
    mode_ = ::isatty(::fileno(stream_)) ? ProgressMode::kTerminal : ProgressMode::kLines;
  }
  if (mode_ == ProgressMode::kLines) next_update_us_ = kLinesPeriodUs;
}

Progress::~Progress() { Finish(); }

void Progress::Advance(int64_t count) {
  done_.fetch_add(count, std::memory_order_relaxed);
  if (mode_ == ProgressMode::kSilent) return;
  const Clock::time_point now = Clock::now();
  const int64_t now_us =
      std::chrono::duration_cast<std::chrono::microseconds>(now - begin_).count();
  int64_t due_us = next_update_us_.load(std::memory_order_relaxed);
  if (now_us < due_us) return;
  const int64_t period_us = mode_ == ProgressMode::kTerminal ? kTerminalPeriodUs : kLinesPeriodUs;
  // Of the threads that come at the same time one shows the update.
  if (next_update_us_.compare_exchange_strong(due_us, now_us + period_us)) Show(now, false);
}

void Progress::SetNote(std::string note) {
  std::lock_guard lock(mutex_);
  note_ = std::move(note);
}

void Progress::Finish() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
  }
  if (mode_ != ProgressMode::kSilent) Show(Clock::now(), true);
  Display& display = TheDisplay();
  std::lock_guard lock(display.mutex);
  std::erase(display.live, this);
}

void Progress::Show(Clock::time_point now, bool last) {
  const double elapsed_s = std::chrono::duration<double>(now - begin_).count();
  std::string text;
  {
    std::lock_guard lock(mutex_);
    text = FormatProgress({title_, unit_, note_, done_.load(), total_, elapsed_s});
  }
  if (last) text += "  took " + FormatDuration(elapsed_s);
  Display& display = TheDisplay();
  std::lock_guard lock(display.mutex);
  if (!last && (display.live.empty() || display.live.back() != this)) return;
  Erase(display);
  if (mode_ == ProgressMode::kTerminal && !last) {
    std::fputs(Cut(std::move(text), TerminalWidth(stream_) - 1).c_str(), stream_);
    display.line_on = stream_;
  } else {
    std::fputs((text + "\n").c_str(), stream_);
  }
  std::fflush(stream_);
}

void WriteBesideProgress(void (*write)(void* context), void* context) {
  Display& display = TheDisplay();
  std::lock_guard lock(display.mutex);
  Erase(display);
  write(context);
}

}  // namespace tersor
