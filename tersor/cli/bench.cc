#include "tersor/cli/command.h"
#include "tersor/formats/formats.h"
#include "tersor/measure/latency.h"

namespace tersor::cli {
namespace {

struct BenchFlags {
  std::string model;
  measure::LatencyOptions options;
};

Json BenchJson(const measure::Latency& latency, const CommonFlags& flags, int64_t batch) {
  Json json;
  json["threads"] = flags.threads;
  json["batch"] = batch;
  json["runs"] = latency.runs;
  json["latency_us"] = {{"p50", latency.p50_us},
                        {"p90", latency.p90_us},
                        {"p99", latency.p99_us},
                        {"mean", latency.mean_us}};
  json["arena_bytes"] = latency.arena_bytes;
  json["packed_bytes"] = latency.packed_bytes;
  json["peak_resident_bytes"] = measure::PeakResidentBytes();
  json["peak_gops"] = {{"f32", latency.peak_f32_gops}, {"int8", latency.peak_int8_gops}};
  json["ops"] = Json::array();
  for (const auto& step : latency.steps) {
    json["ops"].push_back({{"name", step.name},
                           {"op", step.op},
                           {"kernel", step.kernel},
                           {"us", step.us},
                           {"macs", step.macs},
                           {"bytes", step.bytes},
                           {"gops", step.gops},
                           {"share_of_peak", step.share_of_peak}});
  }
  return json;
}

Status Bench(const BenchFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph model, formats::ImportModel(own.model));
  measure::LatencyOptions options = own.options;
  options.threads = flags.threads;
  TERSOR_ASSIGN_OR_RETURN(const auto latency, measure::MeasureLatency(model, options));
  if (flags.json) {
    SayJson(BenchJson(latency, flags, options.batch));
    return OkStatus();
  }
  char line[256];
  std::snprintf(line, sizeof(line),
                "latency  p50 %.1f us  p90 %.1f us  p99 %.1f us  mean %.1f us  (%lld runs, batch "
                "%lld, threads %d)",
                latency.p50_us, latency.p90_us, latency.p99_us, latency.mean_us,
                static_cast<long long>(latency.runs), static_cast<long long>(options.batch),
                flags.threads);
  Say(flags, line);
  Say(flags, StrCat("memory   arena ", Grouped(latency.arena_bytes), " bytes, packed weights ",
                    Grouped(latency.packed_bytes), " bytes"));
  std::snprintf(line, sizeof(line), "peak     one core, measured: f32 %.1f, int8 %.1f Gop/s",
                latency.peak_f32_gops, latency.peak_int8_gops);
  Say(flags, line);
  double total = 0;
  for (const auto& step : latency.steps) total += step.us;
  for (const auto& step : latency.steps) {
    std::snprintf(line, sizeof(line), "  %8.2f us %5.1f %%  %7.1f Gop/s %5.0f %% of peak  %-28s %s",
                  step.us, 100 * step.us / std::max(total, 1e-9), step.gops,
                  100 * step.share_of_peak, step.op.c_str(), step.kernel.c_str());
    Say(flags, line);
  }
  return OkStatus();
}

}  // namespace

Action RegisterBench(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<BenchFlags>();
  app.add_option("MODEL", own->model, "model file (.tflite, .tersor)")->required();
  app.add_option("--batch", own->options.batch, "examples of one run")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  AddExtentFlag(app, own->options.extents);
  app.add_option("--min-time", own->options.min_time_s, "seconds to measure at least")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--warmup", own->options.warmup_s, "seconds to run before measuring")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_flag("!--no-profile", own->options.profile, "leave out the time of each operator");
  app.footer(
      "Inputs are random. TERSOR_CPU=reference|avx2|avx512|avx512vnni caps the instructions.\n"
      "example: tersor bench model.tflite --threads 1");
  return [own, &flags] { return Bench(*own, flags); };
}

}  // namespace tersor::cli
