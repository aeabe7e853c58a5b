#include "tersor/automation/study/schema.h"

namespace tersor::automation {
namespace {

constexpr int64_t kApplicationId = 0x54525352;  // "TRSR"

constexpr char kTables[] = R"(
  CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    recipe TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    file TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'failed')),
    reason TEXT NOT NULL,
    created_unix_s INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_ends_unix_ms INTEGER NOT NULL
  );
  CREATE TABLE metrics (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    direction TEXT NOT NULL CHECK (direction IN ('minimize', 'maximize')),
    unit TEXT NOT NULL,
    title TEXT NOT NULL,
    objective INTEGER NOT NULL,
    tolerance REAL NOT NULL
  );
  CREATE TABLE metric_values (
    point INTEGER NOT NULL,
    metric TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (point, metric)
  ) WITHOUT ROWID;
  CREATE TABLE steps (
    point INTEGER NOT NULL,
    metric TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL,
    PRIMARY KEY (point, metric, step)
  ) WITHOUT ROWID;
  CREATE TABLE attributes (
    point INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (point, name)
  ) WITHOUT ROWID;
)";
constexpr char kFacts[] = "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);";

// Version 1 kept seven figures as columns of a point, and read all else from the recipe.
constexpr char kFrom1Begin[] = "ALTER TABLE points RENAME TO points_1;";
constexpr char kFrom1End[] = R"(
  INSERT INTO points
    SELECT id, recipe, name, file, state, reason, created_unix_s, 1, '', 0 FROM points_1;
  INSERT INTO metrics (name, direction, unit, title, objective, tolerance) VALUES
    ('validation_top1', 'maximize', 'share', 'accuracy', 1, 0),
    ('test_top1', 'maximize', 'share', 'test accuracy', 0, 0),
    ('file_bytes', 'minimize', 'bytes', 'file', 1, 0),
    ('latency_us', 'minimize', 'us', 'latency', 1, 0.05),
    ('arena_bytes', 'minimize', 'bytes', 'arena', 1, 0),
    ('macs', 'minimize', 'count', 'MACs', 0, 0),
    ('parameters', 'minimize', 'count', 'parameters', 0, 0);
  INSERT INTO metric_values
    SELECT id, 'validation_top1', top1 FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'file_bytes', file_bytes FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'latency_us', latency_us FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'arena_bytes', arena_bytes FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'macs', macs FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'parameters', parameters FROM points_1 WHERE state = 'complete' UNION ALL
    SELECT id, 'test_top1', test_top1 FROM points_1
      WHERE state = 'complete' AND test_top1 IS NOT NULL;
  INSERT INTO attributes
    SELECT points_1.id, keys.value, json_extract(recipe, '$.' || keys.value)
      FROM points_1, json_each('["model", "technique", "format", "normalize"]') AS keys
      WHERE json_type(recipe, '$.' || keys.value) = 'text' UNION ALL
    SELECT id, 'reference', 'yes' FROM points_1
      WHERE json_extract(recipe, '$.technique') = 'original';
  DROP TABLE points_1;
)";

}  // namespace

Result<int64_t> CheckSchema(const Database& database, const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t tables,
                          database.QueryInteger("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) return 0;
  TERSOR_ASSIGN_OR_RETURN(const int64_t application,
                          database.QueryInteger("PRAGMA application_id"));
  if (application != kApplicationId) {
    return DataLoss(path, ": a database, but not of a study");
  }
  TERSOR_ASSIGN_OR_RETURN(const int64_t version, database.QueryInteger("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return Unsupported(path, ": schema version ", version, ", this build reads up to version ",
                       kSchemaVersion, ": use the newer tersor that made it, or another folder");
  }
  if (version < 1) return DataLoss(path, ": schema version ", version, ", expected 1 or more");
  TERSOR_ASSIGN_OR_RETURN(const std::string check, database.QueryText("PRAGMA quick_check(1)"));
  if (check != "ok") return DataLoss(path, ": the database is damaged: ", check);
  return version;
}

Status UpgradeSchema(Database& database) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t tables,
                          database.QueryInteger("SELECT count(*) FROM sqlite_schema"));
  TERSOR_ASSIGN_OR_RETURN(const int64_t version, database.QueryInteger("PRAGMA user_version"));
  if (tables > 0 && version == kSchemaVersion) return OkStatus();  // somebody else was faster
  if (tables == 0) {
    TERSOR_RETURN_IF_ERROR(database.Execute(StrCat(kTables, kFacts)));
  } else {
    TERSOR_RETURN_IF_ERROR(database.Execute(StrCat(kFrom1Begin, kTables, kFrom1End)));
  }
  return database.Execute(StrCat("PRAGMA application_id=", kApplicationId,
                                 ";PRAGMA user_version=", kSchemaVersion, ";"));
}

}  // namespace tersor::automation
