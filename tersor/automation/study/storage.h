// Where the history of a study lives. Resuming and working in parallel need nothing else: every
// worker reads the same history and writes to it.
//
// A storage only stores. What may be written when (who may begin a point, whose lease holds, which
// file belongs to whom) is decided by Study (study.h), once for all storages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/automation/study/point.h"
#include "tersor/base/status.h"

namespace tersor::automation {

enum class Access : uint8_t { kWrite, kRead };

/// The history, as one transaction sees it and changes it. Valid only within Storage::Transact().
/// A transaction reads what it wrote itself.
class Records {
 public:
  virtual ~Records() = default;

  /// All points by id.
  virtual Result<std::vector<Point>> Points() const = 0;
  /// The point with this recipe (compared byte by byte), if there is one.
  virtual Result<std::optional<Point>> Find(std::string_view recipe) const = 0;
  /// Writes the whole point with its metrics and attributes. A point with id 0 is new: it gets the
  /// next id. No other point may have the same recipe or the same file.
  virtual Status Put(Point& point) = 0;

  /// Intermediate values of a point, such as the loss of each epoch: step -> value. A value may be
  /// no number (NaN); a second one for the same step replaces the first.
  virtual Result<std::map<int64_t, double>> Steps(int64_t id, std::string_view metric) const = 0;
  virtual Status PutStep(int64_t id, std::string_view metric, int64_t step, double value) = 0;
  virtual Status RemoveSteps(int64_t id) = 0;

  /// The metrics in the order in which they were first put. Put replaces the one of that name.
  virtual Result<std::vector<Metric>> Metrics() const = 0;
  virtual Status PutMetric(const Metric& metric) = 0;

  /// Facts about the study as a whole.
  virtual Result<std::map<std::string, std::string>> Facts() const = 0;
  virtual Status PutFact(std::string_view key, std::string_view value) = 0;
};

/// One connection to a history. May be used by several threads; transactions of one connection wait
/// for each other, and those that write wait for each other across all connections.
class Storage {
 public:
  virtual ~Storage() = default;

  /// Runs `work` in one transaction. With kWrite nobody else writes meanwhile; what `work` did is
  /// committed when it returns ok, and has then survived whatever this storage promises to survive.
  /// When `work` or the commit fails, nothing of it stays. With kRead it sees one moment of the
  /// history and must not write. Keep it short: other writers wait. `work` must not call Transact.
  virtual Status Transact(Access access, const std::function<Status(Records&)>& work) = 0;
};

/// Open<Name>Storage(location, access), for each row of storages.inc: connects to the history at
/// `location`, which is a path or another name that this kind of storage understands. Two calls
/// with one location meet the same history. kWrite makes one where there is none; with kRead there
/// must be one, and nothing is written. Errors name the location.
#define STORAGE(Name, documentation) \
  Result<std::shared_ptr<Storage>> Open##Name##Storage(const std::string& location, Access access);
#include "tersor/automation/study/storages.inc"
#undef STORAGE

}  // namespace tersor::automation
