#include "tersor/guide/shrink.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "tersor/base/progress.h"
#include "tersor/data/dataset.h"
#include "tersor/guide/candidate_maker.h"
#include "tersor/guide/candidates.h"
#include "tersor/guide/machine.h"
#include "tersor/guide/metrics.h"
#include "tersor/guide/report.h"
#include "tersor/guide/splits.h"

namespace tersor::guide {
namespace {

using automation::Point;
using automation::PointState;
using automation::Study;

constexpr char kDataContentFact[] = "data content";

// What the data are, whatever the path that leads to them: the validation split, and as much of
// the train split as calibration looks at. (The test split is not read before the end.)
Result<std::string> DataContent(Splits& splits, int64_t limit) {
  constexpr int64_t kTrainSample = 512;
  std::string content;
  for (const auto& [split, count] :
       {std::pair(data::Split::kValidation, limit), std::pair(data::Split::kTrain, kTrainSample)}) {
    const auto set = splits.Get(split, count);
    if (!set.ok() && split == data::Split::kTrain) continue;  // a set need not have one
    TERSOR_RETURN_IF_ERROR(set.status());
    TERSOR_ASSIGN_OR_RETURN(const uint64_t hash, data::ContentHash(**set));
    content += StrCat(content.empty() ? "" : ", ", data::SplitName(split), ' ', (*set)->size(),
                      " examples ", hash);
  }
  return content;
}

// Facts that make points comparable, and facts for the report.
Status NoteFacts(Study& study, Splits& splits, const ShrinkOptions& options) {
  TERSOR_RETURN_IF_ERROR(study.DefineMetrics(ModelMetrics()));
  TERSOR_ASSIGN_OR_RETURN(const auto facts, study.Facts());
  const bool begun = facts.contains("data");
  if (begun && !facts.contains(kDataContentFact)) {
    // A study of version 0.1 knows its data by their path alone.
    TERSOR_RETURN_IF_ERROR(study.RequireFact("data", options.data));
  }
  TERSOR_ASSIGN_OR_RETURN(const std::string content, DataContent(splits, options.limit));
  TERSOR_RETURN_IF_ERROR(study.RequireFact(kDataContentFact, content));
  TERSOR_RETURN_IF_ERROR(study.SetFact("data", options.data));
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

// The front, the best model and the originals on the test split: they are reported, and nothing is
// selected by them.
Status TestTheFront(CandidateMaker& maker, const Summary& summary) {
  std::vector<const SummaryPoint*> untested;
  for (size_t i = 0; i < summary.points.size(); ++i) {
    const SummaryPoint& point = summary.points[i];
    const bool told = point.on_front || summary.best == i || point.reference;
    if (told && !point.point.metric(kTestTop1)) untested.push_back(&point);
  }
  if (untested.empty()) return OkStatus();
  Progress progress("test", static_cast<int64_t>(untested.size()), "models");
  for (const SummaryPoint* point : untested) {
    TERSOR_RETURN_IF_ERROR(maker.Test(*point));
    progress.Advance();
  }
  return OkStatus();
}

// Makes all candidates that no other worker makes, then waits for those that others make: the point
// of a worker that ends without completing it becomes free, and is made here.
class CandidateLoop {
 public:
  CandidateLoop(CandidateMaker& maker, Study& study, const std::vector<Candidate>& candidates,
                const ShrinkOptions& options)
      : maker_(maker), study_(study), candidates_(candidates), options_(options) {}

  Status Run() {
    std::vector<const Candidate*> open;
    int64_t kept = 0;
    for (const Candidate& candidate : candidates_) {
      TERSOR_ASSIGN_OR_RETURN(const auto found, study_.Find(candidate.json));
      kept += found && found->state == PointState::kComplete;
      longest_name_ = std::max(longest_name_, candidate.name.size());
      open.push_back(&candidate);
    }
    Progress progress("shrink", static_cast<int64_t>(candidates_.size()) - kept, "candidates");
    while (!open.empty()) {
      std::vector<const Candidate*> with_others;
      for (const Candidate* candidate : open) {
        TERSOR_ASSIGN_OR_RETURN(const bool done, Try(*candidate, progress));
        if (!done) with_others.push_back(candidate);
      }
      open = std::move(with_others);
      constexpr auto kBetweenLooks = std::chrono::milliseconds(200);
      if (!open.empty()) std::this_thread::sleep_for(kBetweenLooks);
    }
    return OkStatus();
  }

 private:
  // Whether the candidate is done, by whomever.
  Result<bool> Try(const Candidate& candidate, Progress& progress) {
    TERSOR_ASSIGN_OR_RETURN(automation::Begun begun,
                            study_.TryBegin(candidate.json, candidate.name,
                                            StrCat(".", candidate.format), candidate.Attributes()));
    if (begun.turn == automation::Turn::kAnother) {
      progress.SetNote(StrCat(candidate.name, ": another worker makes it"));
      return false;
    }
    const bool kept_before = begun.turn == automation::Turn::kComplete;
    if (!kept_before) {
      progress.SetNote(candidate.name);
      TERSOR_ASSIGN_OR_RETURN(begun.point, maker_.Make(candidate, std::move(begun.point)));
      if (begun.point.state == PointState::kRunning) return false;
      progress.Advance();
    }
    ShrinkEvent event{++number_,
                      static_cast<int64_t>(candidates_.size()),
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

  CandidateMaker& maker_;
  Study& study_;
  const std::vector<Candidate>& candidates_;
  const ShrinkOptions& options_;
  FrontWatch watch_;
  int64_t number_ = 0;
  size_t longest_name_ = 0;
};

}  // namespace

Result<Summary> Shrink(const ShrinkOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const auto sources, LoadSources(options));
  if (sources.empty()) return InvalidArgument("shrink needs a model");
  TERSOR_ASSIGN_OR_RETURN(auto candidates, MakeCandidates(options, sources));
  // Data that cannot be read is said before a folder is made.
  Splits splits(options.data, options.threads);
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset* validation,
                          splits.Get(data::Split::kValidation, options.limit));
  for (const auto& source : sources) {
    Status fits = CheckFit(*source, *validation);
    if (!fits.ok()) return fits.WithContext(source->path);
  }
  TERSOR_ASSIGN_OR_RETURN(Study study, Study::Open(options.folder));
  TERSOR_RETURN_IF_ERROR(NoteFacts(study, splits, options));
  TERSOR_RETURN_IF_ERROR(AdoptOlderPoints(study, candidates));
  CandidateMaker maker(options, study, splits);
  TERSOR_RETURN_IF_ERROR(CandidateLoop(maker, study, candidates, options).Run());
  TERSOR_ASSIGN_OR_RETURN(Summary summary, Summarize(study));
  if (summary.points.empty()) {
    return FailedPrecondition("no candidate could be made: ", summary.failed.back().name, ": ",
                              summary.failed.back().reason);
  }
  TERSOR_RETURN_IF_ERROR(TestTheFront(maker, summary));
  TERSOR_ASSIGN_OR_RETURN(summary, Summarize(study));
  TERSOR_RETURN_IF_ERROR(WriteReports(summary, options.folder));
  return summary;
}

}  // namespace tersor::guide
