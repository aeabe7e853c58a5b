#include "tersor/automation/study/study.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "tersor/automation/study/folder_lock.h"
#include "tersor/automation/study/sqlite.h"
#include "tersor/base/file.h"
#include "tersor/base/log.h"

namespace tersor::automation {
namespace {

constexpr int64_t kApplicationId = 0x54525352;  // "TRSR"
constexpr int64_t kSchemaVersion = 1;
constexpr char kSchema[] = R"(
  CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    recipe TEXT NOT NULL UNIQUE,
    recipe_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    file TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    top1 REAL NOT NULL DEFAULT 0,
    test_top1 REAL,
    file_bytes INTEGER NOT NULL DEFAULT 0,
    latency_us REAL NOT NULL DEFAULT 0,
    arena_bytes INTEGER NOT NULL DEFAULT 0,
    macs INTEGER NOT NULL DEFAULT 0,
    parameters INTEGER NOT NULL DEFAULT 0,
    created_unix_s INTEGER NOT NULL
  );
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
)";
constexpr char kColumns[] =
    "SELECT id, recipe, name, file, state, reason, top1, test_top1, file_bytes, latency_us, "
    "arena_bytes, macs, parameters, created_unix_s FROM points ";
constexpr size_t kHashDigits = 16;

constexpr PointState kStates[] = {PointState::kRunning, PointState::kComplete, PointState::kFailed};

Result<Point> ReadPoint(const Statement& row, const std::string& path) {
  Point point;
  point.id = row.Integer(0);
  point.recipe = row.Text(1);
  point.name = row.Text(2);
  point.file = row.Text(3);
  const std::string state = row.Text(4);
  const auto* found = std::find_if(std::begin(kStates), std::end(kStates),
                                   [&](PointState s) { return PointStateName(s) == state; });
  if (found == std::end(kStates)) {
    return DataLoss(path, ": point ", point.id, " has state '", state,
                    "', expected running, complete or failed");
  }
  point.state = *found;
  point.reason = row.Text(5);
  point.top1 = row.Real(6);
  point.test_top1 = row.OptionalReal(7);
  point.file_bytes = row.Integer(8);
  point.latency_us = row.Real(9);
  point.arena_bytes = row.Integer(10);
  point.macs = row.Integer(11);
  point.parameters = row.Integer(12);
  point.created_unix_s = row.Integer(13);
  if (point.file.empty() || point.file.find('/') != std::string::npos || point.file[0] == '.') {
    return DataLoss(path, ": point ", point.id, " has the file name '", point.file,
                    "', expected a name in models/");
  }
  return point;
}

// "small full_integer" and ".tersor" to "small-full_integer-0123456789abcdef.tersor".
std::string FileName(std::string_view name, const std::string& hash, std::string_view extension) {
  constexpr size_t kLongestName = 100;
  std::string file;
  for (char c : name.substr(0, kLongestName)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || (c == '.' && !file.empty());
    file += plain ? c : '-';
  }
  return StrCat(file, "-", hash, extension);
}

// Whether a name in models/ is one that FileName makes, perhaps with what a cut-off write adds.
bool IsOurs(const std::string& file) {
  const size_t dash = file.rfind('-');
  if (dash == std::string::npos) return false;
  const size_t end = file.find('.', dash);
  return end == dash + 1 + kHashDigits &&
         file.find_first_not_of("0123456789abcdef", dash + 1) == end;
}

Status SyncFolder(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return IoError("cannot open ", path, ": ", std::strerror(errno));
  const bool synced = ::fsync(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  return synced ? OkStatus() : IoError("cannot sync ", path, ": ", std::strerror(error));
}

}  // namespace

std::string_view PointStateName(PointState state) {
  switch (state) {
    case PointState::kRunning:
      return "running";
    case PointState::kComplete:
      return "complete";
    default:
      return "failed";
  }
}

Result<std::string> CanonicalJson(std::string_view json) {
  const auto value = nlohmann::json::parse(json, nullptr, false);
  if (value.is_discarded()) return InvalidArgument("a recipe is JSON, found: ", json);
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string HashText(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char digits[kHashDigits + 1];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

struct Study::Impl {
  std::string folder, database_path, models;
  std::optional<FolderLock> lock;  // of the writer
  Database database;

  Status CheckSchema() {
    TERSOR_ASSIGN_OR_RETURN(const int64_t application,
                            database.QueryInteger("PRAGMA application_id"));
    TERSOR_ASSIGN_OR_RETURN(const int64_t version, database.QueryInteger("PRAGMA user_version"));
    if (application != kApplicationId) {
      return DataLoss(database_path, ": a database, but not of a study");
    }
    if (version != kSchemaVersion) {
      return Unsupported(database_path, ": schema version ", version, ", this build reads version ",
                         kSchemaVersion);
    }
    TERSOR_ASSIGN_OR_RETURN(const std::string check, database.QueryText("PRAGMA quick_check(1)"));
    if (check != "ok") return DataLoss(database_path, ": the database is damaged: ", check);
    return OkStatus();
  }

  // A database without tables is new: the schema comes in one transaction.
  Status MakeSchema() {
    TERSOR_RETURN_IF_ERROR(database.Execute("PRAGMA journal_mode=WAL"));
    TERSOR_RETURN_IF_ERROR(database.Execute("PRAGMA synchronous=FULL"));
    TERSOR_ASSIGN_OR_RETURN(const int64_t tables,
                            database.QueryInteger("SELECT count(*) FROM sqlite_schema"));
    if (tables > 0) return OkStatus();
    return database.Execute(StrCat("BEGIN IMMEDIATE;", kSchema,
                                   "PRAGMA application_id=", kApplicationId,
                                   ";PRAGMA user_version=", kSchemaVersion, ";COMMIT;"));
  }

  Result<std::vector<Point>> Points() const {
    TERSOR_ASSIGN_OR_RETURN(Statement query, database.Prepare(StrCat(kColumns, "ORDER BY id")));
    std::vector<Point> points;
    for (;;) {
      TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return points;
      TERSOR_ASSIGN_OR_RETURN(Point point, ReadPoint(query, database_path));
      points.push_back(std::move(point));
    }
  }

  // Makes rows and files agree again after a kill, or after somebody removed files.
  Status Reconcile() {
    TERSOR_ASSIGN_OR_RETURN(const auto points, Points());
    std::set<std::string> owned;
    for (const Point& point : points) {
      if (point.state != PointState::kComplete) continue;
      auto size = FileSizeBytes(models + "/" + point.file);
      if (size.ok() && *size == point.file_bytes) {
        owned.insert(point.file);
        continue;
      }
      const std::string reason =
          size.ok() ? StrCat("its file has ", *size, " bytes, ", point.file_bytes, " were measured")
                    : std::string("its file is gone");
      LogWarning("study ", folder, ": ", point.name, ": ", reason, ", it will be made again");
      TERSOR_RETURN_IF_ERROR(SetFailed(point.id, reason));
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(models, error)) {
      const std::string file = entry.path().filename().string();
      if (owned.count(file) > 0 || !IsOurs(file)) continue;
      if (::unlink(entry.path().c_str()) != 0 && errno != ENOENT) {
        return IoError("cannot remove ", entry.path().string(), ": ", std::strerror(errno));
      }
    }
    return error ? IoError("cannot read ", models, ": ", error.message()) : OkStatus();
  }

  Status SetFailed(int64_t id, std::string_view reason) {
    TERSOR_ASSIGN_OR_RETURN(
        Statement update,
        database.Prepare("UPDATE points SET state = 'failed', reason = ? WHERE id = ?"));
    return update.Bind(reason).Bind(id).Run();
  }

  Status CheckWriter() const {
    if (lock.has_value()) return OkStatus();
    return FailedPrecondition("study ", folder, " is open for reading only");
  }
};

Study::Study(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Study::Study(Study&&) noexcept = default;
Study& Study::operator=(Study&&) noexcept = default;
Study::~Study() = default;

Result<Study> Study::Open(const std::string& folder, Access access) {
  const std::string path = folder + "/study.sqlite", models = folder + "/models";
  if (access == Access::kRead) {
    if (!FileExists(path)) return NotFound("no study in ", folder, ": ", path, " is not there");
    TERSOR_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kRead));
    auto impl =
        std::make_unique<Impl>(Impl{folder, path, models, std::nullopt, std::move(database)});
    TERSOR_RETURN_IF_ERROR(impl->CheckSchema());
    return Study(std::move(impl));
  }
  TERSOR_RETURN_IF_ERROR(CreateDirectories(models));
  TERSOR_ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(folder + "/study.lock"));
  TERSOR_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kCreate));
  auto impl =
      std::make_unique<Impl>(Impl{folder, path, models, std::move(lock), std::move(database)});
  TERSOR_RETURN_IF_ERROR(impl->MakeSchema());
  TERSOR_RETURN_IF_ERROR(impl->CheckSchema());
  TERSOR_RETURN_IF_ERROR(impl->Reconcile());
  return Study(std::move(impl));
}

const std::string& Study::folder() const { return impl_->folder; }

std::string Study::PathOf(const Point& point) const { return impl_->models + "/" + point.file; }

Result<std::vector<Point>> Study::Points() const { return impl_->Points(); }

Result<std::optional<Point>> Study::Find(std::string_view recipe) const {
  TERSOR_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(recipe));
  TERSOR_ASSIGN_OR_RETURN(Statement query,
                          impl_->database.Prepare(StrCat(kColumns, "WHERE recipe = ?")));
  TERSOR_ASSIGN_OR_RETURN(const bool row, query.Bind(canonical).Step());
  if (!row) return std::optional<Point>();
  TERSOR_ASSIGN_OR_RETURN(Point point, ReadPoint(query, impl_->database_path));
  return std::optional<Point>(std::move(point));
}

Result<Point> Study::Begin(std::string_view recipe, std::string_view name,
                           std::string_view extension) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  TERSOR_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(recipe));
  TERSOR_ASSIGN_OR_RETURN(const std::optional<Point> before, Find(canonical));
  if (before && before->state == PointState::kComplete) {
    return FailedPrecondition("study ", impl_->folder, ": ", before->name, " is complete");
  }
  Point point;
  point.recipe = canonical;
  point.name = name;
  const std::string hash = HashText(canonical);
  point.file = FileName(name, hash, extension);
  point.created_unix_s = static_cast<int64_t>(std::time(nullptr));
  TERSOR_ASSIGN_OR_RETURN(
      Statement insert,
      impl_->database.Prepare(
          "INSERT INTO points (recipe, recipe_hash, name, file, state, created_unix_s) "
          "VALUES (?, ?, ?, ?, 'running', ?) "
          "ON CONFLICT (recipe) DO UPDATE SET name = excluded.name, file = excluded.file, "
          "state = 'running', reason = '', test_top1 = NULL, "
          "created_unix_s = excluded.created_unix_s RETURNING id"));
  insert.Bind(canonical).Bind(hash).Bind(name).Bind(point.file).Bind(point.created_unix_s);
  TERSOR_ASSIGN_OR_RETURN(const bool row, insert.Step());
  if (!row) return Internal("study ", impl_->folder, ": a point was begun without an id");
  point.id = insert.Integer(0);
  TERSOR_RETURN_IF_ERROR(insert.Run());
  return point;
}

Status Study::Complete(const Point& point) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  TERSOR_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(PathOf(point)));
  if (size != point.file_bytes) {
    return FailedPrecondition(PathOf(point), ": has ", size, " bytes, ", point.file_bytes,
                              " were measured");
  }
  TERSOR_RETURN_IF_ERROR(SyncFolder(impl_->models));
  TERSOR_ASSIGN_OR_RETURN(
      Statement update,
      impl_->database.Prepare(
          "UPDATE points SET state = 'complete', reason = '', top1 = ?, file_bytes = ?, "
          "latency_us = ?, arena_bytes = ?, macs = ?, parameters = ? WHERE id = ?"));
  return update.Bind(point.top1)
      .Bind(point.file_bytes)
      .Bind(point.latency_us)
      .Bind(point.arena_bytes)
      .Bind(point.macs)
      .Bind(point.parameters)
      .Bind(point.id)
      .Run();
}

Status Study::Fail(const Point& point, std::string_view reason) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  ::unlink(PathOf(point).c_str());
  return impl_->SetFailed(point.id, reason);
}

Status Study::SetTestTop1(const Point& point, double top1) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  TERSOR_ASSIGN_OR_RETURN(Statement update,
                          impl_->database.Prepare("UPDATE points SET test_top1 = ? WHERE id = ?"));
  return update.Bind(top1).Bind(point.id).Run();
}

Result<std::map<std::string, std::string>> Study::Facts() const {
  TERSOR_ASSIGN_OR_RETURN(Statement query, impl_->database.Prepare("SELECT key, value FROM facts"));
  std::map<std::string, std::string> facts;
  for (;;) {
    TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return facts;
    facts[query.Text(0)] = query.Text(1);
  }
}

Status Study::SetFact(std::string_view key, std::string_view value) {
  TERSOR_RETURN_IF_ERROR(impl_->CheckWriter());
  TERSOR_ASSIGN_OR_RETURN(
      Statement insert,
      impl_->database.Prepare("INSERT INTO facts (key, value) VALUES (?, ?) "
                              "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  return insert.Bind(key).Bind(value).Run();
}

Status Study::RequireFact(std::string_view key, std::string_view value) {
  TERSOR_ASSIGN_OR_RETURN(const auto facts, Facts());
  auto found = facts.find(std::string(key));
  if (found == facts.end()) return SetFact(key, value);
  if (found->second == value) return OkStatus();
  return FailedPrecondition("study ", impl_->folder, " was made with ", key, " '", found->second,
                            "', this run has '", value,
                            "': its points cannot be compared, use another folder");
}

}  // namespace tersor::automation
