// The study: every measured point, kept from the moment that it was measured.
//
//   TERSOR_ASSIGN_OR_RETURN(Study study, Study::Open("out"));
//   TERSOR_ASSIGN_OR_RETURN(Point point, study.Begin(recipe, "small full_integer", ".tersor"));
//   ... write study.PathOf(point) by write-then-rename, measure it, fill the point ...
//   TERSOR_RETURN_IF_ERROR(study.Complete(point));
//
// A study is a folder: study.sqlite (the points), models/ (their files) and study.lock. The
// promise:
//  - When Complete() has returned, the point and its file survive kill -9 and a loss of power: the
//    database is in WAL mode and syncs at each commit, and the file is there before its row is.
//  - Killed at any moment, the study opens again. A point that was not complete is begun anew;
//    files in models/ that no complete point owns are removed when it is opened.
//  - One process writes: a second one is refused with a message that names the first. Any number
//    may read meanwhile.
//  - Damage is an error that names the file; so are a full disk and an unreadable folder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"

namespace tersor::automation {

enum class PointState : uint8_t {
  kRunning,   ///< begun; when nobody has the study open: cut off
  kComplete,  ///< measured, its file is there
  kFailed,    ///< could not be made; `reason` says why
};

std::string_view PointStateName(PointState state);  ///< "running", "complete", "failed"

/// One model: how it was made, what it is worth and what it costs.
struct Point {
  int64_t id = 0;      ///< in order of their beginning, from 1
  std::string recipe;  ///< canonical JSON; a study holds one point for each recipe
  std::string name;    ///< for people
  std::string file;    ///< name in models/, of letters, digits, '.', '_' and '-'
  PointState state = PointState::kRunning;
  std::string reason;               ///< of a failure
  double top1 = 0;                  ///< on the split that selects, in [0, 1]
  std::optional<double> test_top1;  ///< on the test split; report only, never to select
  int64_t file_bytes = 0;
  double latency_us = 0;
  int64_t arena_bytes = 0;
  int64_t macs = 0;
  int64_t parameters = 0;
  int64_t created_unix_s = 0;  ///< when it was begun
};

/// The same JSON value in one form: keys sorted, no spaces. Fails on what is no JSON.
Result<std::string> CanonicalJson(std::string_view json);

/// FNV-1a, 64 bits, as 16 hexadecimal digits.
std::string HashText(std::string_view text);

/// An open study. Movable; not for several threads at once.
class Study {
 public:
  enum class Access : uint8_t { kWrite, kRead };

  /// kWrite makes the folder where there is none, takes the lock and removes orphaned files; a
  /// complete point whose file is gone or has another size becomes a failed one. kRead changes
  /// nothing and needs a study that is there.
  static Result<Study> Open(const std::string& folder, Access access = Access::kWrite);
  Study(Study&&) noexcept;
  Study& operator=(Study&&) noexcept;
  ~Study();

  const std::string& folder() const;
  std::string PathOf(const Point& point) const;  ///< of its file

  /// All points by id.
  Result<std::vector<Point>> Points() const;
  /// The point with this recipe (any JSON text of it), if there is one.
  Result<std::optional<Point>> Find(std::string_view recipe) const;

  /// Begins a point, or begins anew the failed or cut-off one of this recipe. Refuses a recipe that
  /// is complete. `extension` is the file's (".tersor").
  Result<Point> Begin(std::string_view recipe, std::string_view name, std::string_view extension);
  /// Commits the measured point. Its file must be there, with file_bytes bytes; it is synced first.
  Status Complete(const Point& point);
  /// Commits that the point could not be made, and removes its file if there is one.
  Status Fail(const Point& point, std::string_view reason);
  Status SetTestTop1(const Point& point, double top1);

  /// Facts about the study as a whole: "command", "machine", ...
  Result<std::map<std::string, std::string>> Facts() const;
  Status SetFact(std::string_view key, std::string_view value);
  /// Sets a fact that all points of a study share ("data"), or fails if it is set to something
  /// else.
  Status RequireFact(std::string_view key, std::string_view value);

 private:
  struct Impl;
  explicit Study(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tersor::automation
