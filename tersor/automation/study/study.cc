#include "tersor/automation/study/study.h"

#include <chrono>
#include <cmath>
#include <mutex>
#include <utility>

#include "tersor/automation/study/heartbeat.h"
#include "tersor/automation/study/model_files.h"
#include "tersor/automation/study/owner.h"
#include "tersor/base/file.h"
#include "tersor/base/log.h"

namespace tersor::automation {
namespace {

int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Whether a row still is what its worker believes: nobody has begun the point since.
bool IsSameAttempt(const std::optional<Point>& row, const Point& point, PointState state) {
  return row.has_value() && row->attempt == point.attempt && row->state == state;
}

}  // namespace

struct Study::Impl {
  Impl(std::shared_ptr<Storage> storage, std::string folder, Access access,
       const StudyOptions& options)
      : storage(std::move(storage)),
        folder(std::move(folder)),
        files(this->folder + "/models"),
        access(access),
        options(options) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    heartbeat.Stop();
    if (!held.empty()) (void)ForEachHeld([](Point& row) { row.lease_ends_unix_ms = 0; }).ok();
  }

  Status CheckWriter() const {
    if (access == Access::kWrite) return OkStatus();
    return FailedPrecondition("study ", folder, " is open for reading only");
  }

  Status Read(const std::function<Status(Records&)>& work) const {
    return storage->Transact(Access::kRead, work);
  }
  Status Write(const std::function<Status(Records&)>& work) const {
    TERSOR_RETURN_IF_ERROR(CheckWriter());
    return storage->Transact(Access::kWrite, work);
  }

  // Makes the history and the files agree again after a kill, or after somebody removed files.
  Status Reconcile() const {
    return Write([&](Records& records) -> Status {
      TERSOR_ASSIGN_OR_RETURN(auto points, records.Points());
      std::vector<Point> owners;
      for (Point& point : points) {
        if (IsBeingMade(point)) owners.push_back(point);
        if (point.state != PointState::kComplete) continue;
        const std::string flaw = files.Flaw(point);
        if (flaw.empty()) {
          owners.push_back(point);
          continue;
        }
        LogWarning("study ", folder, ": ", point.name, ": ", flaw, ", it will be made again");
        point.state = PointState::kFailed;
        point.reason = flaw;
        TERSOR_RETURN_IF_ERROR(records.Put(point));
      }
      return files.RemoveOrphans(owners);
    });
  }

  // Writes a point that is still in the state that `point` was in, by the same attempt.
  Status Change(const Point& point, PointState state,
                const std::function<Status(Records&, Point&)>& change) const {
    return Write([&](Records& records) -> Status {
      TERSOR_ASSIGN_OR_RETURN(auto row, records.Find(point.recipe));
      if (!IsSameAttempt(row, point, state)) {
        return FailedPrecondition("study ", folder, ": ", point.name, ": attempt ", point.attempt,
                                  " is over, another worker has begun this point since");
      }
      return change(records, *row);
    });
  }

  // Changes the points that this study still holds a lease on.
  Status ForEachHeld(const std::function<void(Point&)>& change) {
    const auto now_held = [&] {
      const std::lock_guard lock(mutex);
      return held;
    }();
    return Write([&](Records& records) -> Status {
      for (const auto& [recipe, point] : now_held) {
        TERSOR_ASSIGN_OR_RETURN(auto row, records.Find(recipe));
        if (!IsSameAttempt(row, point, PointState::kRunning)) continue;
        change(*row);
        TERSOR_RETURN_IF_ERROR(records.Put(*row));
      }
      return OkStatus();
    });
  }

  int64_t LeaseEnd() const { return UnixMs() + static_cast<int64_t>(1000 * options.lease_s); }

  Status Hold(const Point& point) {
    {
      const std::lock_guard lock(mutex);
      held[point.recipe] = point;
    }
    constexpr int kBeatsPerLease = 3;
    return heartbeat.Start(options.lease_s / kBeatsPerLease, [this] {
      const Status renewed =
          ForEachHeld([this](Point& row) { row.lease_ends_unix_ms = LeaseEnd(); });
      if (!renewed.ok()) LogWarning("cannot renew a lease: ", renewed.message());
    });
  }

  void Release(const Point& point) {
    const std::lock_guard lock(mutex);
    held.erase(point.recipe);
  }

  const std::shared_ptr<Storage> storage;
  const std::string folder;
  const ModelFiles files;
  const Access access;
  const StudyOptions options;
  const std::string owner = ThisProcess();
  std::mutex mutex;                   // of `held`, which the heartbeat reads
  std::map<std::string, Point> held;  // by recipe
  Heartbeat heartbeat;
};

Study::Study(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Study::Study(Study&&) noexcept = default;
Study& Study::operator=(Study&&) noexcept = default;
Study::~Study() = default;

Result<Study> Study::Open(const std::string& folder, Access access, const StudyOptions& options) {
  const std::string path = folder + "/study.sqlite";
  if (access == Access::kRead && !FileExists(path)) {
    return NotFound("no study in ", folder, ": ", path, " is not there");
  }
  if (access == Access::kWrite) TERSOR_RETURN_IF_ERROR(CreateDirectories(folder + "/models"));
  TERSOR_ASSIGN_OR_RETURN(auto storage, OpenSqliteStorage(path, access));
  return Open(std::move(storage), folder, access, options);
}

Result<Study> Study::Open(std::shared_ptr<Storage> storage, const std::string& folder,
                          Access access, const StudyOptions& options) {
  if (!(options.lease_s > 0)) {
    return InvalidArgument("a lease of ", options.lease_s, " s, expected more than 0");
  }
  auto impl = std::make_unique<Impl>(std::move(storage), folder, access, options);
  if (access == Access::kWrite) {
    TERSOR_RETURN_IF_ERROR(CreateDirectories(folder + "/models"));
    TERSOR_RETURN_IF_ERROR(impl->Reconcile());
  }
  return Study(std::move(impl));
}

const std::string& Study::folder() const { return impl_->folder; }

std::string Study::PathOf(const Point& point) const { return impl_->files.PathOf(point); }

Result<std::vector<Point>> Study::Points() const {
  std::vector<Point> points;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(points, records.Points());
    return OkStatus();
  }));
  return points;
}

Result<std::optional<Point>> Study::Find(std::string_view recipe) const {
  TERSOR_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(recipe));
  std::optional<Point> point;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(point, records.Find(canonical));
    return OkStatus();
  }));
  return point;
}

bool Study::IsBeingMade(const Point& point) {
  return point.state == PointState::kRunning && !point.owner.empty() &&
         UnixMs() < point.lease_ends_unix_ms && !IsGone(point.owner);
}

Result<Begun> Study::TryBegin(std::string_view recipe, std::string_view name,
                              std::string_view extension,
                              const std::map<std::string, std::string>& attributes) {
  TERSOR_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(recipe));
  Begun begun;
  TERSOR_RETURN_IF_ERROR(impl_->Write([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(auto before, records.Find(canonical));
    if (before && before->state == PointState::kComplete) {
      begun = {Turn::kComplete, *std::move(before)};
      return OkStatus();
    }
    if (before && IsBeingMade(*before)) {
      begun = {Turn::kAnother, *std::move(before)};
      return OkStatus();
    }
    Point point;
    point.attempt = 1;
    if (before) {
      point.id = before->id;
      point.attempt = before->attempt + 1;
      impl_->files.Remove(*before);
      TERSOR_RETURN_IF_ERROR(records.RemoveSteps(before->id));
    }
    point.recipe = canonical;
    point.name = name;
    point.file = ModelFiles::NameOfAttempt(name, canonical, point.attempt, extension);
    point.attributes = attributes;
    point.created_unix_s = UnixMs() / 1000;
    point.owner = impl_->owner;
    point.lease_ends_unix_ms = impl_->LeaseEnd();
    TERSOR_RETURN_IF_ERROR(records.Put(point));
    begun = {Turn::kOurs, std::move(point)};
    return OkStatus();
  }));
  if (begun.turn == Turn::kOurs) TERSOR_RETURN_IF_ERROR(impl_->Hold(begun.point));
  return begun;
}

Result<Point> Study::Begin(std::string_view recipe, std::string_view name,
                           std::string_view extension,
                           const std::map<std::string, std::string>& attributes) {
  TERSOR_ASSIGN_OR_RETURN(Begun begun, TryBegin(recipe, name, extension, attributes));
  if (begun.turn == Turn::kOurs) return std::move(begun.point);
  const std::string why = begun.turn == Turn::kComplete
                              ? std::string("complete")
                              : StrCat("being made by ", OwnerText(begun.point.owner));
  return FailedPrecondition("study ", impl_->folder, ": ", begun.point.name, " is ", why);
}

Result<bool> Study::Holds(const Point& point) const {
  bool holds = false;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(const auto row, records.Find(point.recipe));
    holds = IsSameAttempt(row, point, PointState::kRunning);
    return OkStatus();
  }));
  return holds;
}

Status Study::Complete(Point& point) {
  for (const auto& [name, value] : point.metrics) {
    if (!std::isfinite(value)) {
      return InvalidArgument(point.name, ": ", name, " is ", value, ", expected a finite number");
    }
  }
  const bool has_file = point.metric(kFileBytes).has_value();
  if (has_file) {
    TERSOR_RETURN_IF_ERROR(FileSizeBytes(PathOf(point)).status());
    const std::string flaw = impl_->files.Flaw(point);
    if (!flaw.empty()) return FailedPrecondition(PathOf(point), ": ", flaw);
  }
  Point done = point;
  done.state = PointState::kComplete;
  done.reason.clear();
  done.owner.clear();
  done.lease_ends_unix_ms = 0;
  done.file = ModelFiles::NameWhenComplete(point.file);
  // Nobody else removes orphans or begins this point while the transaction runs.
  TERSOR_RETURN_IF_ERROR(
      impl_->Change(point, PointState::kRunning, [&](Records& records, Point&) -> Status {
        if (has_file) TERSOR_RETURN_IF_ERROR(impl_->files.MakeFinal(point.file));
        return records.Put(done);
      }));
  impl_->Release(point);
  point = std::move(done);
  return OkStatus();
}

Status Study::Fail(const Point& point, std::string_view reason) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  impl_->Release(point);
  return impl_->Change(point, PointState::kRunning, [&](Records& records, Point& row) -> Status {
    impl_->files.Remove(point);
    row.state = PointState::kFailed;
    row.reason = reason;
    row.owner.clear();
    row.lease_ends_unix_ms = 0;
    return records.Put(row);
  });
}

Status Study::SetMetric(const Point& point, std::string_view metric, double value) {
  if (!std::isfinite(value)) {
    return InvalidArgument(point.name, ": ", metric, " is ", value, ", expected a finite number");
  }
  return impl_->Change(point, PointState::kComplete, [&](Records& records, Point& row) -> Status {
    row.metrics[std::string(metric)] = value;
    return records.Put(row);
  });
}

Status Study::Report(const Point& point, std::string_view metric, int64_t step, double value) {
  return impl_->Change(point, PointState::kRunning, [&](Records& records, Point& row) -> Status {
    return records.PutStep(row.id, metric, step, value);
  });
}

Result<std::map<int64_t, double>> Study::Steps(const Point& point, std::string_view metric) const {
  std::map<int64_t, double> steps;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(steps, records.Steps(point.id, metric));
    return OkStatus();
  }));
  return steps;
}

Status Study::DefineMetrics(std::span<const Metric> metrics) {
  return impl_->Write([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(const auto known, records.Metrics());
    for (const Metric& metric : metrics) {
      for (const Metric& other : known) {
        if (other.name != metric.name) continue;
        if (other.direction != metric.direction || other.objective != metric.objective) {
          return FailedPrecondition("study ", impl_->folder, " has the metric ", metric.name,
                                    " to ", DirectionName(other.direction),
                                    other.objective ? "" : " (no objective)",
                                    ", this run has it to ", DirectionName(metric.direction),
                                    metric.objective ? "" : " (no objective)",
                                    ": its points cannot be compared, use another folder");
        }
      }
      TERSOR_RETURN_IF_ERROR(records.PutMetric(metric));
    }
    return OkStatus();
  });
}

Result<std::vector<Metric>> Study::Metrics() const {
  std::vector<Metric> metrics;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(metrics, records.Metrics());
    return OkStatus();
  }));
  return metrics;
}

Result<std::map<std::string, std::string>> Study::Facts() const {
  std::map<std::string, std::string> facts;
  TERSOR_RETURN_IF_ERROR(impl_->Read([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(facts, records.Facts());
    return OkStatus();
  }));
  return facts;
}

Status Study::SetFact(std::string_view key, std::string_view value) {
  return impl_->Write([&](Records& records) { return records.PutFact(key, value); });
}

Status Study::RequireFact(std::string_view key, std::string_view value) {
  return impl_->Write([&](Records& records) -> Status {
    TERSOR_ASSIGN_OR_RETURN(const auto facts, records.Facts());
    const auto found = facts.find(std::string(key));
    if (found == facts.end()) return records.PutFact(key, value);
    if (found->second == value) return OkStatus();
    return FailedPrecondition("study ", impl_->folder, " was made with ", key, " '", found->second,
                              "', this run has '", value,
                              "': its points cannot be compared, use another folder");
  });
}

}  // namespace tersor::automation
