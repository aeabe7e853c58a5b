#include <mutex>
#include <utility>

#include "tersor/automation/study/storage.h"

namespace tersor::automation {
namespace {

struct History {
  std::vector<Point> points;  // the point of id n is at n - 1
  std::map<std::pair<int64_t, std::string>, std::map<int64_t, double>> steps;
  std::vector<Metric> metrics;
  std::map<std::string, std::string> facts;
};

class MemoryRecords : public Records {
 public:
  explicit MemoryRecords(History& history) : history_(history) {}

  Result<std::vector<Point>> Points() const override { return history_.points; }

  Result<std::optional<Point>> Find(std::string_view recipe) const override {
    for (const Point& point : history_.points) {
      if (point.recipe == recipe) return std::optional<Point>(point);
    }
    return std::optional<Point>();
  }

  Status Put(Point& point) override {
    auto& points = history_.points;
    for (const Point& other : points) {
      if (other.id == point.id) continue;
      if (other.recipe == point.recipe || other.file == point.file) {
        return Internal("point ", other.id, " already has this recipe or file: ", point.recipe);
      }
    }
    if (point.id == 0) {
      point.id = static_cast<int64_t>(points.size()) + 1;
      points.push_back(point);
      return OkStatus();
    }
    if (point.id < 0 || point.id > static_cast<int64_t>(points.size())) {
      return Internal("there is no point ", point.id);
    }
    points[static_cast<size_t>(point.id) - 1] = point;
    return OkStatus();
  }

  Result<std::map<int64_t, double>> Steps(int64_t id, std::string_view metric) const override {
    const auto found = history_.steps.find({id, std::string(metric)});
    return found == history_.steps.end() ? std::map<int64_t, double>() : found->second;
  }

  Status PutStep(int64_t id, std::string_view metric, int64_t step, double value) override {
    history_.steps[{id, std::string(metric)}][step] = value;
    return OkStatus();
  }

  Status RemoveSteps(int64_t id) override {
    std::erase_if(history_.steps, [&](const auto& entry) { return entry.first.first == id; });
    return OkStatus();
  }

  Result<std::vector<Metric>> Metrics() const override { return history_.metrics; }

  Status PutMetric(const Metric& metric) override {
    for (Metric& known : history_.metrics) {
      if (known.name == metric.name) {
        known = metric;
        return OkStatus();
      }
    }
    history_.metrics.push_back(metric);
    return OkStatus();
  }

  Result<std::map<std::string, std::string>> Facts() const override { return history_.facts; }

  Status PutFact(std::string_view key, std::string_view value) override {
    history_.facts[std::string(key)] = value;
    return OkStatus();
  }

 private:
  History& history_;
};

class MemoryStorage : public Storage {
 public:
  Status Transact(Access access, const std::function<Status(Records&)>& work) override {
    const std::lock_guard lock(mutex_);
    History changed = history_;
    MemoryRecords records(changed);
    TERSOR_RETURN_IF_ERROR(work(records));
    if (access == Access::kWrite) history_ = std::move(changed);
    return OkStatus();
  }

 private:
  std::mutex mutex_;
  History history_;
};

}  // namespace

// A history lives as long as somebody is connected to it.
Result<std::shared_ptr<Storage>> OpenMemoryStorage(const std::string& location, Access access) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Storage>> histories;
  const std::lock_guard lock(mutex);
  std::erase_if(histories, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<Storage> storage = histories[location].lock();
  if (storage == nullptr) {
    if (access == Access::kRead) {
      histories.erase(location);
      return NotFound("no study in memory has the name '", location, "'");
    }
    storage = std::make_shared<MemoryStorage>();
    histories[location] = storage;
  }
  return storage;
}

}  // namespace tersor::automation
