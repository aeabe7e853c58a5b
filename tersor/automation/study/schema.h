// The tables of a study in SQLite, and how those of older programs become those of today.
#pragma once

#include <cstdint>

#include "tersor/automation/study/sqlite.h"
#include "tersor/base/status.h"

namespace tersor::automation {

/// The version that this build writes. Version 1 had a fixed set of figures and no leases.
inline constexpr int64_t kSchemaVersion = 2;

/// The schema version of an undamaged study, or 0 for a database without tables. Fails on a
/// database of something else, on a damaged one, and on a version that is newer than this build.
Result<int64_t> CheckSchema(const Database& database, const std::string& path);

/// Makes the tables in a database that has none, and brings an older schema up to today's. Runs
/// within a transaction that the caller holds: killed in between, the database is as it was.
Status UpgradeSchema(Database& database);

}  // namespace tersor::automation
