// The study: every measured point, kept from the moment at which it was measured.
//
//   TERSOR_ASSIGN_OR_RETURN(Study study, Study::Open("out"));
//   TERSOR_RETURN_IF_ERROR(study.DefineMetrics(metrics));
//   TERSOR_ASSIGN_OR_RETURN(Point point, study.Begin(recipe, "small full_integer", ".tersor"));
//   ... write study.PathOf(point) by write-then-rename, measure it, fill point.metrics ...
//   TERSOR_RETURN_IF_ERROR(study.Complete(point));
//
// A study is a folder: study.sqlite (the history: storage.h) and models/ (the files of the points).
//
// Several processes may work on one study. Each point is made by one of them at a time: a worker
// that begins a point holds a *lease* on it, which a thread of the study renews as long as the
// process lives. When a worker ends, its lease ends as well: at once where it gave it back or where
// its process is seen to be gone from this machine, and otherwise after StudyOptions::lease_s. The
// point may then be begun by another worker.
//
// The promise:
//  - When Complete() has returned, the point and its file survive kill -9 and a loss of power: the
//    database is in WAL mode and syncs at each commit, and the file is there before its row is.
//  - Killed at any moment, the study opens again. A point that was not complete is begun again;
//    files in models/ that neither a complete point nor a lease that holds owns are removed when a
//    study is opened for writing.
//  - A worker that has lost its lease, because it was stopped for too long, cannot write any more:
//    its point belongs to somebody else, and its file is one of its own.
//  - Any number of processes may read meanwhile.
//  - Damage is an error that names the file; so are a full disk and an unreadable folder.
//  - A study that an older program has made is brought up to date when it is opened for writing, in
//    one transaction; opened for reading it is not changed. One of a newer program is refused.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/automation/study/point.h"
#include "tersor/automation/study/storage.h"
#include "tersor/base/status.h"

namespace tersor::automation {

struct StudyOptions {
  /// How long a lease holds without a sign of life from its worker, in seconds. It is renewed three
  /// times as often. Shorter: points of a lost machine are taken over sooner; longer: a machine may
  /// be stopped for longer without losing its work.
  double lease_s = 60;
};

/// Whose turn a point is, after TryBegin().
enum class Turn : uint8_t {
  kOurs,      ///< the caller holds the lease and makes it
  kComplete,  ///< it is there already
  kAnother,   ///< another worker makes it now: ask again later
};

struct Begun {
  Turn turn = Turn::kOurs;
  Point point;
};

/// An open study, which is one worker. Movable; not for several threads at once. Its destructor
/// gives back the leases that it still holds.
class Study {
 public:
  using Access = automation::Access;

  /// Opens the study in `folder`. kWrite makes the folder where there is none and removes orphaned
  /// files; a complete point whose file is gone or has another size becomes a failed one. kRead
  /// changes nothing and needs a study that is there.
  static Result<Study> Open(const std::string& folder, Access access = Access::kWrite,
                            const StudyOptions& options = {});
  /// The same with a history that is kept elsewhere; `folder` holds the files alone.
  static Result<Study> Open(std::shared_ptr<Storage> storage, const std::string& folder,
                            Access access = Access::kWrite, const StudyOptions& options = {});
  Study(Study&&) noexcept;
  Study& operator=(Study&&) noexcept;
  ~Study();

  const std::string& folder() const;
  std::string PathOf(const Point& point) const;  ///< of its file

  /// All points by id.
  Result<std::vector<Point>> Points() const;
  /// The point with this recipe (any JSON text of it), if there is one.
  Result<std::optional<Point>> Find(std::string_view recipe) const;
  /// Whether a worker makes this point now.
  static bool IsBeingMade(const Point& point);

  /// Takes the lease on the point of this recipe, if it is free: it is new, failed or cut off. Then
  /// the point begins again without anything that an earlier attempt has said. `extension` is that
  /// of its file: ".tersor". `attributes` are whatever the caller wants to keep with the point.
  Result<Begun> TryBegin(std::string_view recipe, std::string_view name, std::string_view extension,
                         const std::map<std::string, std::string>& attributes = {});
  /// The same for a caller that expects the point to be free: kFailedPrecondition where it is not.
  Result<Point> Begin(std::string_view recipe, std::string_view name, std::string_view extension,
                      const std::map<std::string, std::string>& attributes = {});
  /// Whether this study still holds the lease of a point that it began.
  Result<bool> Holds(const Point& point) const;

  // The functions below that write a point give kFailedPrecondition, and change nothing, where
  // another worker has begun it meanwhile.

  /// Commits the measured point with its metrics and attributes. If it has the metric file_bytes,
  /// its file must exist and have that many bytes. The file gets its final name, and so does
  /// `point`.
  Status Complete(Point& point);
  /// Commits that the point could not be made, and removes its file if there is one.
  Status Fail(const Point& point, std::string_view reason);
  /// Adds a metric to a complete point, or replaces it.
  Status SetMetric(const Point& point, std::string_view metric, double value);

  /// Intermediate values of a point that is being made, such as the loss after each epoch.
  Status Report(const Point& point, std::string_view metric, int64_t step, double value);
  Result<std::map<int64_t, double>> Steps(const Point& point, std::string_view metric) const;

  /// Says which metrics the points of this study have. A metric that the study has already keeps
  /// its direction and whether it is an objective: kFailedPrecondition where these differ.
  Status DefineMetrics(std::span<const Metric> metrics);
  Result<std::vector<Metric>> Metrics() const;

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
