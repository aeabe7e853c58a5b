// A thin border around SQLite: statements that bind, step and read, and Status for its codes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tersor::automation {

class Statement;

/// A connection. Closes itself. Errors begin with the database's path. Not for several threads at
/// once. Where another connection writes, it waits up to 30 s for its turn.
class Database {
 public:
  enum class Mode : uint8_t { kCreate, kRead };

  /// kRead works on a folder that may not be written, too.
  static Result<Database> Open(const std::string& path, Mode mode);
  /// A copy of the whole database in memory, which can be changed without changing the file.
  Result<Database> CopyToMemory() const;
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  /// Runs SQL without parameters and rows.
  Status Execute(const std::string& sql);
  Result<Statement> Prepare(const std::string& sql) const;
  /// Runs `work` between BEGIN and COMMIT; rolls back when `work` or the commit fails. With kWrite
  /// it waits for its turn before `work` begins, so that `work` itself never meets another writer.
  enum class Kind : uint8_t { kRead, kWrite };
  Status Transact(Kind kind, const std::function<Status()>& work);
  /// The first column of the first row of a query that has one.
  Result<int64_t> QueryInteger(const std::string& sql) const;
  Result<std::string> QueryText(const std::string& sql) const;

  /// The Status for a code of SQLite, on this connection.
  Status Failure(int code) const;

 private:
  Database(sqlite3* handle, std::string path);
  sqlite3* handle_ = nullptr;
  std::string path_;
};

/// One prepared statement; lives no longer than its database.
class Statement {
 public:
  Statement(const Database& database, sqlite3_stmt* handle);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Parameters are counted from 1, in order of the calls.
  Statement& Bind(int64_t value);
  Statement& Bind(double value);
  Statement& Bind(std::string_view value);

  /// Whether there is a (next) row.
  Result<bool> Step();
  /// Runs a statement that gives no rows.
  Status Run();

  /// Columns of the row, counted from 0.
  int64_t Integer(int column) const;
  double Real(int column) const;  ///< NaN for NULL, which is how SQLite keeps one
  std::string Text(int column) const;

 private:
  const Database* database_;
  sqlite3_stmt* handle_;
  int bound_ = 0;
  int bind_code_ = 0;
};

}  // namespace tersor::automation
