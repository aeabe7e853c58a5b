#include "tersor/automation/study/sqlite.h"

#include <sqlite3.h>
#include <unistd.h>

#include <limits>
#include <utility>

namespace tersor::automation {
namespace {

constexpr int kBusyTimeoutMs = 30'000;

// "file:" URI of a path: what SQLite would take for syntax is written in percent form.
std::string Uri(const std::string& path, std::string_view parameters) {
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr char kDigits[] = "0123456789ABCDEF";
      uri += '%';
      uri += kDigits[static_cast<unsigned char>(c) >> 4];
      uri += kDigits[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri + std::string(parameters);
}

}  // namespace

Database::Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}
Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  return *this;
}
Database::~Database() { sqlite3_close(handle_); }

Result<Database> Database::Open(const std::string& path, Mode mode) {
  const int flags = mode == Mode::kCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                          : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  auto open = [&](const std::string& name) -> Result<Database> {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(handle, path);
    if (code != SQLITE_OK) return database.Failure(code);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    TERSOR_RETURN_IF_ERROR(database.QueryInteger("PRAGMA schema_version").status());
    return database;
  };
  if (mode == Mode::kCreate) return open(path);
  auto database = open(Uri(path, "?mode=ro"));
  // A reader of a WAL database makes an index beside it. Where it may not, and no log is left to
  // index, the database file is all there is.
  if (!database.ok() && ::access((path + "-wal").c_str(), F_OK) != 0) {
    return open(Uri(path, "?mode=ro&immutable=1"));
  }
  return database;
}

Result<Database> Database::CopyToMemory() const {
  sqlite3* handle = nullptr;
  int code =
      sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database copy(handle, path_);
  if (code != SQLITE_OK) return copy.Failure(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_backup* backup = sqlite3_backup_init(handle, "main", handle_, "main");
  if (backup == nullptr) return copy.Failure(sqlite3_errcode(handle));
  constexpr int kAllPages = -1;
  sqlite3_backup_step(backup, kAllPages);
  code = sqlite3_backup_finish(backup);
  if (code != SQLITE_OK) return copy.Failure(code);
  return copy;
}

Status Database::Transact(Kind kind, const std::function<Status()>& work) {
  TERSOR_RETURN_IF_ERROR(Execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  Status status = work();
  if (status.ok()) status = Execute("COMMIT");
  // After some errors SQLite has rolled back by itself; then this one finds nothing to do.
  if (!status.ok()) (void)Execute("ROLLBACK").ok();
  return status;
}

Status Database::Failure(int code) const {
  const char* text = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DataLoss(path_, ": the database is damaged: ", text);
    case SQLITE_FULL:
      return ResourceExhausted(path_, ": cannot write: the disk is full");
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ResourceExhausted(path_, ": ", text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return FailedPrecondition(path_, ": another process holds the database: ", text);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      // Our statements are fixed, so the tables are not ours.
      return DataLoss(path_, ": not the tables of a study: ", text);
    default:
      return IoError(path_, ": ", text, " (sqlite code ", code, ")");
  }
}

Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? OkStatus() : Failure(code);
}

Result<Statement> Database::Prepare(const std::string& sql) const {
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()), &handle, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  return Statement(*this, handle);
}

Result<int64_t> Database::QueryInteger(const std::string& sql) const {
  TERSOR_ASSIGN_OR_RETURN(Statement query, Prepare(sql));
  TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return DataLoss(path_, ": no answer to ", sql);
  return query.Integer(0);
}

Result<std::string> Database::QueryText(const std::string& sql) const {
  TERSOR_ASSIGN_OR_RETURN(Statement query, Prepare(sql));
  TERSOR_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return DataLoss(path_, ": no answer to ", sql);
  return query.Text(0);
}

Statement::Statement(const Database& database, sqlite3_stmt* handle)
    : database_(&database), handle_(handle) {}
Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      handle_(std::exchange(other.handle_, nullptr)),
      bound_(other.bound_),
      bind_code_(other.bind_code_) {}
Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::Bind(int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_, ++bound_, value)) bind_code_ = code;
  return *this;
}
Statement& Statement::Bind(double value) {
  if (const int code = sqlite3_bind_double(handle_, ++bound_, value)) bind_code_ = code;
  return *this;
}
Statement& Statement::Bind(std::string_view value) {
  const int code = sqlite3_bind_text(handle_, ++bound_, value.data(),
                                     static_cast<int>(value.size()), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) bind_code_ = code;
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_code_ != SQLITE_OK) return database_->Failure(bind_code_);
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->Failure(code);
}

Status Statement::Run() { return Step().status(); }

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::Real(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL
             ? std::numeric_limits<double>::quiet_NaN()
             : sqlite3_column_double(handle_, column);
}
std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace tersor::automation
