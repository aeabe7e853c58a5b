#include "tersor/guide/candidate_maker.h"

#include <algorithm>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/compression/quantization/quantization.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/metrics.h"
#include "tersor/ir/cost.h"
#include "tersor/measure/accuracy.h"
#include "tersor/measure/latency.h"
#include "tersor/transforms/pass.h"

namespace tersor::guide {
namespace {

using automation::Point;
using automation::PointState;

constexpr int kLatencyRounds = 3;

}  // namespace

Result<Point> CandidateMaker::Make(const Candidate& candidate, Point point) {
  making_ = &point;
  Status status = Write(candidate, point);
  if (status.ok()) status = Measure(candidate.source->normalize, point);
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

Status CandidateMaker::Test(const SummaryPoint& measured) {
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

Result<double> CandidateMaker::Top1(const ir::Graph& prepared, const data::Dataset& set,
                                    data::Normalize normalize) const {
  measure::AccuracyOptions options;
  options.prepare = false;
  options.normalize = normalize;
  options.threads = options_.threads;
  TERSOR_ASSIGN_OR_RETURN(const auto accuracy, measure::MeasureAccuracy(prepared, set, options));
  return accuracy.top1();
}

Result<ir::Graph> CandidateMaker::Build(const Candidate& candidate) {
  const Source& source = *candidate.source;
  if (runner_source_ != &source) {
    RecipeRun run;
    run.splits = &splits_;
    run.normalize = source.normalize;
    run.threads = options_.threads;
    run.limit = options_.limit;
    run.on_epoch = [this](const RecipeEpoch& epoch) { return Report(epoch); };
    runner_.emplace(run);
    runner_source_ = &source;
  }
  TERSOR_ASSIGN_OR_RETURN(RecipeResult made, runner_->Run(&source.graph, candidate.recipe));
  if (made.graph.metadata().contains(compression::kQuantizationKey)) return std::move(made.graph);
  // The native format says all that a prepared graph can hold; others know no padding value.
  return candidate.format == kOwnFormat ? transforms::PrepareForInference(made.graph)
                                        : compression::PrepareForQuantization(made.graph);
}

Status CandidateMaker::Report(const RecipeEpoch& epoch) {
  if (!epoch.metrics.validated) return OkStatus();
  return study_.Report(*making_, kValidationTop1, epoch.number, epoch.metrics.validation_accuracy);
}

Status CandidateMaker::Write(const Candidate& candidate, Point& point) {
  TERSOR_ASSIGN_OR_RETURN(ir::Graph graph, Build(candidate));
  graph.mutable_metadata()[kNormalizeKey] = data::NormalizeName(candidate.source->normalize);
  graph.mutable_metadata()[kRecipeKey] = point.recipe;
  TERSOR_RETURN_IF_ERROR(formats::ExportModel(graph, study_.PathOf(point)));
  TERSOR_ASSIGN_OR_RETURN(const int64_t bytes, FileSizeBytes(study_.PathOf(point)));
  point.metrics[kFileBytes] = static_cast<double>(bytes);
  return OkStatus();
}

Status CandidateMaker::Measure(data::Normalize normalize, Point& point) {
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

}  // namespace tersor::guide
