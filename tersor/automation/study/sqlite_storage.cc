#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "tersor/automation/study/schema.h"
#include "tersor/automation/study/sqlite.h"
#include "tersor/automation/study/storage.h"
#include "tersor/base/file.h"

namespace tersor::automation {
namespace {

constexpr char kPointColumns[] =
    "SELECT id, recipe, name, file, state, reason, created_unix_s, attempt, owner, "
    "lease_ends_unix_ms FROM points ";

constexpr PointState kStates[] = {PointState::kRunning, PointState::kComplete, PointState::kFailed};

Result<PointState> ParseState(const std::string& text) {
  for (PointState state : kStates) {
    if (PointStateName(state) == text) return state;
  }
  return DataLoss("has state '", text, "', expected running, complete or failed");
}

Result<Point> ReadPoint(const Statement& row) {
  Point point;
  point.id = row.Integer(0);
  point.recipe = row.Text(1);
  point.name = row.Text(2);
  point.file = row.Text(3);
  TERSOR_ASSIGN_OR_RETURN(point.state, ParseState(row.Text(4)));
  point.reason = row.Text(5);
  point.created_unix_s = row.Integer(6);
  point.attempt = row.Integer(7);
  point.owner = row.Text(8);
  point.lease_ends_unix_ms = row.Integer(9);
  if (point.file.empty() || point.file.find('/') != std::string::npos || point.file[0] == '.') {
    return DataLoss("has the file name '", point.file, "', expected a name in models/");
  }
  return point;
}

class SqliteRecords : public Records {
 public:
  SqliteRecords(Database& database, const std::string& path) : database_(database), path_(path) {}

  Result<std::vector<Point>> Points() const override {
    TERSOR_ASSIGN_OR_RETURN(Statement query,
                            database_.Prepare(StrCat(kPointColumns, "ORDER BY id")));
    std::vector<Point> points;
    std::map<int64_t, size_t> at;
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      TERSOR_ASSIGN_OR_RETURN(Point point, Read(query));
      at[point.id] = points.size();
      points.push_back(std::move(point));
    }
    auto point_of = [&](int64_t id) -> Point* {
      const auto found = at.find(id);
      return found == at.end() ? nullptr : &points[found->second];
    };
    TERSOR_ASSIGN_OR_RETURN(Statement values,
                            database_.Prepare("SELECT point, metric, value FROM metric_values"));
    TERSOR_RETURN_IF_ERROR(ReadMetrics(values, point_of));
    TERSOR_ASSIGN_OR_RETURN(Statement attributes,
                            database_.Prepare("SELECT point, name, value FROM attributes"));
    TERSOR_RETURN_IF_ERROR(ReadAttributes(attributes, point_of));
    return points;
  }

  Result<std::optional<Point>> Find(std::string_view recipe) const override {
    TERSOR_ASSIGN_OR_RETURN(Statement query,
                            database_.Prepare(StrCat(kPointColumns, "WHERE recipe = ?")));
    TERSOR_ASSIGN_OR_RETURN(const bool row, query.Bind(recipe).Step());
    if (!row) return std::optional<Point>();
    TERSOR_ASSIGN_OR_RETURN(Point point, Read(query));
    auto point_of = [&](int64_t) { return &point; };
    TERSOR_ASSIGN_OR_RETURN(
        Statement values,
        database_.Prepare("SELECT point, metric, value FROM metric_values WHERE point = ?"));
    TERSOR_RETURN_IF_ERROR(ReadMetrics(values.Bind(point.id), point_of));
    TERSOR_ASSIGN_OR_RETURN(
        Statement attributes,
        database_.Prepare("SELECT point, name, value FROM attributes WHERE point = ?"));
    TERSOR_RETURN_IF_ERROR(ReadAttributes(attributes.Bind(point.id), point_of));
    return std::optional<Point>(std::move(point));
  }

  Status Put(Point& point) override {
    TERSOR_ASSIGN_OR_RETURN(
        Statement put,
        database_.Prepare(
            "INSERT INTO points VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET recipe = excluded.recipe, name = excluded.name, "
            "file = excluded.file, state = excluded.state, reason = excluded.reason, "
            "created_unix_s = excluded.created_unix_s, attempt = excluded.attempt, "
            "owner = excluded.owner, lease_ends_unix_ms = excluded.lease_ends_unix_ms "
            "RETURNING id"));
    put.Bind(point.id).Bind(point.recipe).Bind(point.name).Bind(point.file);
    put.Bind(PointStateName(point.state)).Bind(point.reason).Bind(point.created_unix_s);
    put.Bind(point.attempt).Bind(point.owner).Bind(point.lease_ends_unix_ms);
    TERSOR_ASSIGN_OR_RETURN(const bool row, put.Step());
    if (!row) return Internal(path_, ": a point was written without an id");
    point.id = put.Integer(0);
    TERSOR_RETURN_IF_ERROR(put.Run());
    TERSOR_RETURN_IF_ERROR(Remove("metric_values", point.id));
    for (const auto& [name, value] : point.metrics) {
      TERSOR_ASSIGN_OR_RETURN(Statement insert,
                              database_.Prepare("INSERT INTO metric_values VALUES (?, ?, ?)"));
      TERSOR_RETURN_IF_ERROR(insert.Bind(point.id).Bind(name).Bind(value).Run());
    }
    TERSOR_RETURN_IF_ERROR(Remove("attributes", point.id));
    for (const auto& [name, value] : point.attributes) {
      TERSOR_ASSIGN_OR_RETURN(Statement insert,
                              database_.Prepare("INSERT INTO attributes VALUES (?, ?, ?)"));
      TERSOR_RETURN_IF_ERROR(insert.Bind(point.id).Bind(name).Bind(value).Run());
    }
    return OkStatus();
  }

  Result<std::map<int64_t, double>> Steps(int64_t id, std::string_view metric) const override {
    TERSOR_ASSIGN_OR_RETURN(
        Statement query,
        database_.Prepare("SELECT step, value FROM steps WHERE point = ? AND metric = ?"));
    query.Bind(id).Bind(metric);
    std::map<int64_t, double> steps;
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return steps;
      steps[query.Integer(0)] = query.Real(1);
    }
  }

  Status PutStep(int64_t id, std::string_view metric, int64_t step, double value) override {
    TERSOR_ASSIGN_OR_RETURN(Statement put,
                            database_.Prepare("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)"));
    return put.Bind(id).Bind(metric).Bind(step).Bind(value).Run();
  }

  Status RemoveSteps(int64_t id) override { return Remove("steps", id); }

  Result<std::vector<Metric>> Metrics() const override {
    TERSOR_ASSIGN_OR_RETURN(
        Statement query,
        database_.Prepare("SELECT name, direction, unit, title, objective, tolerance "
                          "FROM metrics ORDER BY position"));
    std::vector<Metric> metrics;
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return metrics;
      const bool maximize = query.Text(1) == DirectionName(Direction::kMaximize);
      metrics.push_back({query.Text(0), maximize ? Direction::kMaximize : Direction::kMinimize,
                         query.Text(2), query.Text(3), query.Integer(4) != 0, query.Real(5)});
    }
  }

  Status PutMetric(const Metric& metric) override {
    TERSOR_ASSIGN_OR_RETURN(
        Statement put,
        database_.Prepare("INSERT INTO metrics (name, direction, unit, title, objective, tolerance)"
                          " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                          "direction = excluded.direction, unit = excluded.unit, title = "
                          "excluded.title, objective = excluded.objective, tolerance = "
                          "excluded.tolerance"));
    put.Bind(metric.name).Bind(DirectionName(metric.direction)).Bind(metric.unit);
    put.Bind(metric.title).Bind(int64_t{metric.objective}).Bind(metric.tolerance);
    return put.Run();
  }

  Result<std::map<std::string, std::string>> Facts() const override {
    TERSOR_ASSIGN_OR_RETURN(Statement query, database_.Prepare("SELECT key, value FROM facts"));
    std::map<std::string, std::string> facts;
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return facts;
      facts[query.Text(0)] = query.Text(1);
    }
  }

  Status PutFact(std::string_view key, std::string_view value) override {
    TERSOR_ASSIGN_OR_RETURN(Statement put,
                            database_.Prepare("INSERT OR REPLACE INTO facts VALUES (?, ?)"));
    return put.Bind(key).Bind(value).Run();
  }

 private:
  Result<Point> Read(const Statement& row) const {
    auto point = ReadPoint(row);
    if (point.ok()) return point;
    return point.status().WithContext(StrCat(path_, ": point ", row.Integer(0)));
  }

  template <typename PointOf>
  static Status ReadMetrics(Statement& values, const PointOf& point_of) {
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, values.Step());
      if (!row) return OkStatus();
      if (Point* point = point_of(values.Integer(0)))
        point->metrics[values.Text(1)] = values.Real(2);
    }
  }

  template <typename PointOf>
  static Status ReadAttributes(Statement& values, const PointOf& point_of) {
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, values.Step());
      if (!row) return OkStatus();
      if (Point* point = point_of(values.Integer(0))) {
        point->attributes[values.Text(1)] = values.Text(2);
      }
    }
  }

  Status Remove(std::string_view table, int64_t id) {
    TERSOR_ASSIGN_OR_RETURN(Statement remove,
                            database_.Prepare(StrCat("DELETE FROM ", table, " WHERE point = ?")));
    return remove.Bind(id).Run();
  }

  Database& database_;
  const std::string& path_;
};

class SqliteStorage : public Storage {
 public:
  SqliteStorage(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}

  Status Transact(Access access, const std::function<Status(Records&)>& work) override {
    const std::lock_guard lock(mutex_);
    SqliteRecords records(database_, path_);
    return database_.Transact(
        access == Access::kWrite ? Database::Kind::kWrite : Database::Kind::kRead,
        [&] { return work(records); });
  }

 private:
  std::mutex mutex_;
  Database database_;
  std::string path_;
};

// Asked to change the journal, SQLite does not always wait for its turn by itself.
Status UseWriteAheadLog(Database& database) {
  constexpr int kTries = 300;
  for (int i = 0;; ++i) {
    const auto mode = database.QueryText("PRAGMA journal_mode=WAL");
    if (mode.ok()) break;
    if (mode.status().code() != StatusCode::kFailedPrecondition || i == kTries)
      return mode.status();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return database.Execute("PRAGMA synchronous=FULL");
}

// Programs that write schema 1 hold a lock on study.lock while they do. Nobody else uses that file.
Status WaitForNoOlderWriter(const std::string& path) {
  constexpr std::string_view kSuffix = ".sqlite";
  if (!path.ends_with(kSuffix)) return OkStatus();
  const std::string lock = path.substr(0, path.size() - kSuffix.size()) + ".lock";
  const int descriptor = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return OkStatus();
  const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  if (free) ::unlink(lock.c_str());
  ::close(descriptor);
  if (free) return OkStatus();
  return FailedPrecondition(path,
                            ": an older tersor is writing to this study, wait for it or end "
                            "it, then the study is brought up to schema version ",
                            kSchemaVersion);
}

}  // namespace

Result<std::shared_ptr<Storage>> OpenSqliteStorage(const std::string& location, Access access) {
  if (access == Access::kRead) {
    if (!FileExists(location)) return NotFound(location, " is not there");
    TERSOR_ASSIGN_OR_RETURN(Database database, Database::Open(location, Database::Mode::kRead));
    TERSOR_ASSIGN_OR_RETURN(const int64_t version, CheckSchema(database, location));
    if (version == 0) return NotFound(location, " has no study yet");
    if (version < kSchemaVersion) {
      TERSOR_ASSIGN_OR_RETURN(database, database.CopyToMemory());
      TERSOR_RETURN_IF_ERROR(
          database.Transact(Database::Kind::kWrite, [&] { return UpgradeSchema(database); }));
    }
    return std::shared_ptr<Storage>(std::make_shared<SqliteStorage>(std::move(database), location));
  }
  TERSOR_ASSIGN_OR_RETURN(Database database, Database::Open(location, Database::Mode::kCreate));
  TERSOR_ASSIGN_OR_RETURN(const int64_t version, CheckSchema(database, location));
  TERSOR_RETURN_IF_ERROR(UseWriteAheadLog(database));
  if (version > 0 && version < kSchemaVersion) {
    TERSOR_RETURN_IF_ERROR(WaitForNoOlderWriter(location));
  }
  if (version < kSchemaVersion) {
    TERSOR_RETURN_IF_ERROR(
        database.Transact(Database::Kind::kWrite, [&] { return UpgradeSchema(database); }));
  }
  return std::shared_ptr<Storage>(std::make_shared<SqliteStorage>(std::move(database), location));
}

}  // namespace tersor::automation
