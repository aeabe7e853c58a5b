#include "tersor/guide/shrink.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/base/log.h"
#include "tersor/base/progress.h"
#include "tersor/compression/quantization/calibration.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/machine.h"
#include "tersor/guide/report.h"
#include "tersor/ir/cost.h"
#include "tersor/measure/accuracy.h"
#include "tersor/measure/latency.h"
#include "tersor/transforms/pass.h"

namespace tersor::guide {
namespace {

using automation::Point;
using automation::PointState;
using automation::Study;
using compression::CalibrationStatistics;

constexpr int kLatencyRounds = 3;

// A model to shrink.
struct Source {
  std::string path, name, hash;
  ir::Graph graph;
  data::Normalize normalize = data::Normalize::kSigned;
};

struct Job {
  const Source* source;
  Candidate candidate;
  std::string format, recipe, name;
};

Result<data::Normalize> NormalizeOf(const ir::Graph& model, const ShrinkOptions& options) {
  if (options.normalize) return *options.normalize;
  const auto said = model.metadata().find("normalize");
  if (said == model.metadata().end()) return data::Normalize::kSigned;
  const auto normalize = data::ParseNormalize(said->second);
  if (!normalize) {
    return DataLoss("the model says normalize '", said->second, "', expected signed, unit or raw");
  }
  return *normalize;
}

// Names tell models apart: "a", and "a-2" for another file of that name. The same bytes given twice
// are one model.
Result<std::vector<std::unique_ptr<Source>>> LoadSources(const ShrinkOptions& options) {
  std::vector<std::unique_ptr<Source>> sources;
  std::map<std::string, int> names;
  std::set<std::string> hashes;
  for (const std::string& path : options.models) {
    TERSOR_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, formats::ImportModel(path));
    auto normalize = NormalizeOf(graph, options);
    if (!normalize.ok()) return normalize.status().WithContext(path);
    const std::string hash = automation::HashText(bytes);
    if (!hashes.insert(hash).second) continue;
    std::string name = std::filesystem::path(path).stem().string();
    if (const int count = ++names[name]; count > 1) name += StrCat("-", count);
    sources.push_back(std::make_unique<Source>(
        Source{path, std::move(name), hash, std::move(graph), *normalize}));
  }
  return sources;
}

// Whether the examples can be fed to the model: said once, not by each candidate.
Status CheckFit(const Source& source, const data::Dataset& examples) {
  const ir::Graph& graph = source.graph;
  if (graph.inputs().size() != 1) {
    return InvalidArgument("shrink measures classifiers with one input, the model has ",
                           graph.inputs().size());
  }
  const data::Field* field = examples.only_input();
  if (field == nullptr) {
    return InvalidArgument("shrink measures on examples of one field, ", examples.name,
                           " has others");
  }
  TensorType stored = field->type;
  std::vector<int64_t> dims = stored.shape.dims();
  dims.insert(dims.begin(), examples.size());
  stored.shape = Shape(std::move(dims));
  return data::InputEncoder::Create(graph.value(graph.inputs()[0]).type(), stored, source.normalize)
      .status();
}

Result<std::vector<Candidate>> CandidatesOf(const ShrinkOptions& options) {
  std::vector<Candidate> candidates = options.candidates;
  if (candidates.empty()) {
    TERSOR_ASSIGN_OR_RETURN(candidates, ParseRecipe(DefaultRecipe()));
  }
  const bool has_original = std::any_of(candidates.begin(), candidates.end(),
                                        [](const Candidate& c) { return c.original(); });
  if (!has_original) candidates.insert(candidates.begin(), Candidate());
  return candidates;
}

std::vector<Job> MakeJobs(const std::vector<std::unique_ptr<Source>>& sources,
                          const std::vector<Candidate>& candidates,
                          const std::vector<std::string>& formats) {
  std::vector<Job> jobs;
  std::set<std::string> recipes;
  for (const auto& source : sources) {
    for (const Candidate& candidate : candidates) {
      for (const std::string& format : formats) {
        Job job{source.get(), candidate, format, "", ""};
        job.recipe = RecipeJson(candidate, {source->name, source->hash, format, source->normalize});
        job.name = StrCat(source->name, " ", candidate.Label());
        if (format != "tersor") job.name += StrCat(" ", format);
        if (recipes.insert(job.recipe).second) jobs.push_back(std::move(job));
      }
    }
  }
  return jobs;
}

// The data of a run, each split read when it is first needed.
class Splits {
 public:
  explicit Splits(const ShrinkOptions& options) : options_(options) {}

  Result<const data::Dataset*> Get(data::Split split, int64_t limit) {
    const auto key = std::make_pair(split, limit);
    if (auto found = sets_.find(key); found != sets_.end()) return &found->second;
    data::DatasetOptions loading;
    loading.threads = options_.threads;
    loading.max_examples = limit;
    TERSOR_ASSIGN_OR_RETURN(data::Dataset set, data::LoadDataset(options_.data, split, loading));
    return &sets_.emplace(key, std::move(set)).first->second;
  }

 private:
  const ShrinkOptions& options_;
  std::map<std::pair<data::Split, int64_t>, data::Dataset> sets_;
};

class Shrinker {
 public:
  Shrinker(const ShrinkOptions& options, Study& study, Splits& splits)
      : options_(options), study_(study), splits_(splits) {}

  /// Makes and measures one candidate, whose point has been begun. A candidate's own failure is a
  /// failed point. Where another worker has taken the point over, it comes back as running.
  Result<Point> Do(const Job& job, Point point) {
    Status status = Make(job, point);
    if (status.ok()) status = Measure(job.source->normalize, point);
    if (status.ok()) status = study_.Complete(point);
    if (status.ok()) return point;
    TERSOR_ASSIGN_OR_RETURN(const bool still_ours, study_.Holds(point));
    if (!still_ours) return point;
    TERSOR_RETURN_IF_ERROR(study_.Fail(point, status.message()));
    if (status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kIoError) {
      return status;
    }
    point.state = PointState::kFailed;
    point.reason = status.message();
    return point;
  }

  /// Top-1 on the test split, of the finished file.
  Status Test(const SummaryPoint& measured) {
    TERSOR_ASSIGN_OR_RETURN(const data::Dataset* test,
                            splits_.Get(data::Split::kTest, options_.limit));
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph graph,
                            formats::ImportModel(study_.PathOf(measured.point)));
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph prepared, transforms::PrepareForInference(graph));
    const auto normalize = data::ParseNormalize(measured.point.attribute(kNormalizeAttribute));
    TERSOR_ASSIGN_OR_RETURN(const double top1,
                            Top1(prepared, *test, normalize.value_or(data::Normalize::kSigned)));
    return study_.SetMetric(measured.point, kTestTop1, top1);
  }

 private:
  Result<double> Top1(const ir::Graph& prepared, const data::Dataset& set,
                      data::Normalize normalize) const {
    measure::AccuracyOptions options;
    options.prepare = false;
    options.normalize = normalize;
    options.threads = options_.threads;
    TERSOR_ASSIGN_OR_RETURN(const auto accuracy, measure::MeasureAccuracy(prepared, set, options));
    return accuracy.top1();
  }

  // One calibration serves all candidates of a model that look at the same examples.
  Result<const CalibrationStatistics*> StatisticsFor(const Source& source, int64_t examples) {
    const auto key = std::make_pair(&source, examples);
    if (auto found = statistics_.find(key); found != statistics_.end()) return &found->second;
    TERSOR_ASSIGN_OR_RETURN(const data::Dataset* train, splits_.Get(data::Split::kTrain, examples));
    compression::CalibrationOptions options;
    options.normalize = source.normalize;
    options.threads = options_.threads;
    TERSOR_ASSIGN_OR_RETURN(auto statistics, compression::Calibrate(source.graph, *train, options));
    return &statistics_.emplace(key, std::move(statistics)).first->second;
  }

  Result<ir::Graph> Build(const Job& job) {
    const Candidate& candidate = job.candidate;
    const Source& source = *job.source;
    if (candidate.original()) {
      // The native format says all that a prepared graph can hold; others know no padding value.
      return job.format == "tersor" ? transforms::PrepareForInference(source.graph)
                                    : compression::PrepareForQuantization(source.graph);
    }
    const CalibrationStatistics* statistics = nullptr;
    if (candidate.needs_calibration()) {
      TERSOR_ASSIGN_OR_RETURN(statistics, StatisticsFor(source, candidate.calibration_examples));
    }
    TERSOR_ASSIGN_OR_RETURN(const auto quantization, candidate.ToQuantization());
    return compression::Quantize(source.graph, quantization, statistics);
  }

  Status Make(const Job& job, Point& point) {
    TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, Build(job));
    graph.mutable_metadata()["normalize"] = data::NormalizeName(job.source->normalize);
    graph.mutable_metadata()["recipe"] = point.recipe;
    TERSOR_RETURN_IF_ERROR(formats::ExportModel(graph, study_.PathOf(point)));
    TERSOR_ASSIGN_OR_RETURN(const int64_t bytes, FileSizeBytes(study_.PathOf(point)));
    point.metrics[kFileBytes] = static_cast<double>(bytes);
    return OkStatus();
  }

  Status Measure(data::Normalize normalize, Point& point) {
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph graph, formats::ImportModel(study_.PathOf(point)));
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph prepared, transforms::PrepareForInference(graph));
    TERSOR_ASSIGN_OR_RETURN(const data::Dataset* validation,
                            splits_.Get(data::Split::kValidation, options_.limit));
    TERSOR_ASSIGN_OR_RETURN(point.metrics[kValidationTop1], Top1(prepared, *validation, normalize));
    measure::LatencyOptions timing;
    timing.threads = options_.latency_threads;
    timing.min_time_s = options_.latency_time_s / kLatencyRounds;
    timing.warmup_s = timing.min_time_s / 2;
    timing.profile = false;
    TERSOR_ASSIGN_OR_RETURN(const auto program, measure::CompileForLatency(prepared, timing));
    for (int round = 0; round < kLatencyRounds; ++round) {
      TERSOR_ASSIGN_OR_RETURN(const auto latency, measure::MeasureLatency(*program, timing));
      double& least = point.metrics[kLatencyUs];
      least = round == 0 ? latency.p50_us : std::min(least, latency.p50_us);
      point.metrics[kArenaBytes] = static_cast<double>(latency.arena_bytes);
    }
    point.metrics[kMacs] = static_cast<double>(ir::MacsOf(graph));
    point.metrics[kParameters] = static_cast<double>(graph.num_parameters());
    return OkStatus();
  }

  const ShrinkOptions& options_;
  Study& study_;
  Splits& splits_;
  std::map<std::pair<const Source*, int64_t>, CalibrationStatistics> statistics_;
};

// Facts that make points comparable, and facts for the report.
Status NoteFacts(Study& study, const ShrinkOptions& options) {
  TERSOR_RETURN_IF_ERROR(study.DefineMetrics(ModelMetrics()));
  TERSOR_RETURN_IF_ERROR(study.RequireFact("data", options.data));
  TERSOR_RETURN_IF_ERROR(study.RequireFact("examples limit", std::to_string(options.limit)));
  TERSOR_RETURN_IF_ERROR(study.RequireFact("machine", MachineText()));
  TERSOR_RETURN_IF_ERROR(
      study.RequireFact("latency threads", std::to_string(options.latency_threads)));
  TERSOR_RETURN_IF_ERROR(study.SetFact("limits", LimitsJson(options.limits)));
  TERSOR_RETURN_IF_ERROR(study.SetFact("command", options.command));
  TERSOR_RETURN_IF_ERROR(study.SetFact("seed", std::to_string(options.seed)));
  return study.SetFact("version", TERSOR_VERSION);
}

// Says how the front stands after each point.
class FrontWatch {
 public:
  void Note(const Point& point, ShrinkEvent& event) {
    if (point.state == PointState::kComplete) {
      const Front::Change change = front_.Add(point.metrics);
      event.on_front = change.on_front;
      event.pushed_out = static_cast<int64_t>(change.pushed_out.size());
    }
    event.front_size = front_.points().size();
  }

 private:
  Front front_{ModelMetrics()};
};

// The front, the best model and the originals on the test split: told, never chosen by.
Status TestTheFront(Shrinker& shrinker, const Summary& summary) {
  std::vector<const SummaryPoint*> untested;
  for (size_t i = 0; i < summary.points.size(); ++i) {
    const SummaryPoint& point = summary.points[i];
    const bool told = point.on_front || summary.best == i || point.reference;
    if (told && !point.point.metric(kTestTop1)) untested.push_back(&point);
  }
  if (untested.empty()) return OkStatus();
  Progress progress("test", static_cast<int64_t>(untested.size()), "models");
  for (const SummaryPoint* point : untested) {
    TERSOR_RETURN_IF_ERROR(shrinker.Test(*point));
    progress.Advance();
  }
  return OkStatus();
}

std::map<std::string, std::string> AttributesOf(const Job& job) {
  std::map<std::string, std::string> attributes = {
      {kModelAttribute, job.source->name},
      {kTechniqueAttribute, job.candidate.technique},
      {kFormatAttribute, job.format},
      {kNormalizeAttribute, std::string(data::NormalizeName(job.source->normalize))}};
  if (job.candidate.original()) attributes[kReferenceAttribute] = kYes;
  return attributes;
}

// Does all jobs that no other worker does, then waits for those that others do: the point of a
// worker that ends without completing it becomes free, and is made here.
class JobLoop {
 public:
  JobLoop(Shrinker& shrinker, Study& study, const std::vector<Job>& jobs,
          const ShrinkOptions& options)
      : shrinker_(shrinker), study_(study), jobs_(jobs), options_(options) {}

  Status Run() {
    std::vector<const Job*> open;
    int64_t kept = 0;
    for (const Job& job : jobs_) {
      TERSOR_ASSIGN_OR_RETURN(const auto found, study_.Find(job.recipe));
      kept += found && found->state == PointState::kComplete;
      longest_name_ = std::max(longest_name_, job.name.size());
      open.push_back(&job);
    }
    Progress progress("shrink", static_cast<int64_t>(jobs_.size()) - kept, "candidates");
    while (!open.empty()) {
      std::vector<const Job*> with_others;
      for (const Job* job : open) {
        TERSOR_ASSIGN_OR_RETURN(const bool done, Try(*job, progress));
        if (!done) with_others.push_back(job);
      }
      open = std::move(with_others);
      constexpr auto kBetweenLooks = std::chrono::milliseconds(200);
      if (!open.empty()) std::this_thread::sleep_for(kBetweenLooks);
    }
    return OkStatus();
  }

 private:
  // Whether the job is done, by whomever.
  Result<bool> Try(const Job& job, Progress& progress) {
    TERSOR_ASSIGN_OR_RETURN(
        automation::Begun begun,
        study_.TryBegin(job.recipe, job.name, StrCat(".", job.format), AttributesOf(job)));
    if (begun.turn == automation::Turn::kAnother) {
      progress.SetNote(StrCat(job.name, ": another worker makes it"));
      return false;
    }
    const bool kept_before = begun.turn == automation::Turn::kComplete;
    if (!kept_before) {
      progress.SetNote(job.name);
      TERSOR_ASSIGN_OR_RETURN(begun.point, shrinker_.Do(job, std::move(begun.point)));
      if (begun.point.state == PointState::kRunning) return false;
      progress.Advance();
    }
    ShrinkEvent event{++number_,
                      static_cast<int64_t>(jobs_.size()),
                      longest_name_,
                      kept_before,
                      begun.point,
                      false,
                      0,
                      0};
    watch_.Note(event.point, event);
    if (options_.on_point) options_.on_point(event);
    return true;
  }

  Shrinker& shrinker_;
  Study& study_;
  const std::vector<Job>& jobs_;
  const ShrinkOptions& options_;
  FrontWatch watch_;
  int64_t number_ = 0;
  size_t longest_name_ = 0;
};

}  // namespace

Result<Summary> Shrink(const ShrinkOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const auto candidates, CandidatesOf(options));
  TERSOR_ASSIGN_OR_RETURN(const auto sources, LoadSources(options));
  if (sources.empty()) return InvalidArgument("shrink needs a model");
  const std::vector<Job> jobs = MakeJobs(sources, candidates, options.formats);
  // Data that cannot be read is said before a folder is made.
  Splits splits(options);
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset* validation,
                          splits.Get(data::Split::kValidation, options.limit));
  for (const auto& source : sources) {
    Status fits = CheckFit(*source, *validation);
    if (!fits.ok()) return fits.WithContext(source->path);
  }
  TERSOR_ASSIGN_OR_RETURN(Study study, Study::Open(options.folder));
  TERSOR_RETURN_IF_ERROR(NoteFacts(study, options));
  Shrinker shrinker(options, study, splits);
  TERSOR_RETURN_IF_ERROR(JobLoop(shrinker, study, jobs, options).Run());
  TERSOR_ASSIGN_OR_RETURN(Summary summary, Summarize(study));
  if (summary.points.empty()) {
    return FailedPrecondition("no candidate could be made: ", summary.failed.back().name, ": ",
                              summary.failed.back().reason);
  }
  TERSOR_RETURN_IF_ERROR(TestTheFront(shrinker, summary));
  TERSOR_ASSIGN_OR_RETURN(summary, Summarize(study));
  TERSOR_RETURN_IF_ERROR(WriteReports(summary, options.folder));
  return summary;
}

}  // namespace tersor::guide
