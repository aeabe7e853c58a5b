#include <algorithm>

#include "tersor/base/progress.h"
#include "tersor/cli/command.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/class_names.h"
#include "tersor/measure/accuracy.h"

namespace tersor::cli {
namespace {

struct EvalFlags {
  std::string model, data, split = "test";
  NormalizeFlag normalize;
  int64_t batch = 16, limit = 0;
  bool stream = false;
};

bool HasPixels(const data::Dataset& dataset) {
  return std::ranges::any_of(
      dataset.fields(), [](const data::Field& field) { return field.type.dtype == DType::kU8; });
}

// What a user should know of these figures: nothing where all is as it should be.
std::vector<std::string> Remarks(const ir::Graph& model, const data::Dataset& dataset,
                                 const measure::Accuracy& accuracy) {
  std::vector<std::string> remarks;
  if (std::string differ = guide::ClassNamesDiffer(model, dataset); !differ.empty()) {
    remarks.push_back(std::move(differ));
  }
  const auto classes = static_cast<int64_t>(accuracy.class_count.size());
  const int64_t empty = std::ranges::count(accuracy.class_count, 0);
  if (empty > 0 && empty == classes - 1) {
    remarks.emplace_back("all examples have one and the same label: the accuracy says little");
  } else if (empty > 0) {
    remarks.push_back(
        StrCat("no example has a label of ", empty, " of the model's ", classes, " classes"));
  }
  constexpr int64_t kEnoughToJudge = 20;
  if (classes > 1 && accuracy.count >= kEnoughToJudge &&
      measure::IsNearChance(accuracy.correct, accuracy.count, classes)) {
    remarks.push_back(StrCat("the accuracy is about that of a guess among ", classes,
                             " classes: are the data, the order of the classes and --normalize "
                             "those of the model?"));
  }
  return remarks;
}

Status Eval(const EvalFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const data::Split split, SplitFlag(own.split));
  TERSOR_ASSIGN_OR_RETURN(const ir::Graph model, formats::ImportModel(own.model));
  TERSOR_ASSIGN_OR_RETURN(const data::Normalize normalize, own.normalize.For(model));
  data::DatasetOptions loading;
  loading.threads = flags.threads;
  loading.max_examples = own.limit;
  loading.stream = own.stream;
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset dataset, data::LoadDataset(own.data, split, loading));
  measure::AccuracyOptions options;
  options.normalize = normalize;
  options.threads = flags.threads;
  options.batch = own.batch;
  TERSOR_ASSIGN_OR_RETURN(const auto accuracy, measure::MeasureAccuracy(model, dataset, options));
  const measure::ShareInterval interval = measure::WilsonInterval(accuracy.correct, accuracy.count);
  const auto names = guide::ClassNamesFor(model, dataset);
  const bool has_pixels = HasPixels(dataset);
  if (has_pixels) own.normalize.RemarkIfAssumed(model, own.model, flags);
  for (const std::string& remark : Remarks(model, dataset, accuracy)) Remark(flags, remark);
  if (flags.json) {
    Json json;
    json["count"] = accuracy.count;
    json["correct"] = accuracy.correct;
    json["top1"] = accuracy.top1();
    json["top1_interval"] = {interval.low, interval.high};
    json["top5"] = accuracy.top5();
    json["loss"] = accuracy.loss;
    json["split"] = own.split;
    json["normalize"] = data::NormalizeName(normalize);
    json["normalize_from"] = own.normalize.Source(model);
    json["classes"] = Json::array();
    for (size_t c = 0; c < accuracy.class_count.size(); ++c) {
      json["classes"].push_back({{"name", c < names.size() ? names[c] : std::to_string(c)},
                                 {"count", accuracy.class_count[c]},
                                 {"correct", accuracy.class_correct[c]}});
    }
    SayJson(json);
    return OkStatus();
  }
  char line[200];
  std::snprintf(line, sizeof(line), "top-1 %.2f %%  (%s of %s)   top-5 %.2f %%   loss %.4f",
                100 * accuracy.top1(), Grouped(accuracy.correct).c_str(),
                Grouped(accuracy.count).c_str(), 100 * accuracy.top5(), accuracy.loss);
  Say(flags, line);
  std::snprintf(line, sizeof(line), "top-1 is between %.2f and %.2f %% (95 %% interval)",
                100 * interval.low, 100 * interval.high);
  Say(flags, line);
  if (has_pixels) {
    Say(flags,
        StrCat("pixels ", data::NormalizeName(normalize), " (", own.normalize.Source(model), ")"));
  }
  for (size_t c = 0; c < accuracy.class_count.size(); ++c) {
    const auto count = static_cast<double>(std::max<int64_t>(accuracy.class_count[c], 1));
    std::snprintf(line, sizeof(line), "  %-20s %6.2f %%  (%lld of %lld)",
                  c < names.size() ? names[c].c_str() : std::to_string(c).c_str(),
                  100 * static_cast<double>(accuracy.class_correct[c]) / count,
                  static_cast<long long>(accuracy.class_correct[c]),
                  static_cast<long long>(accuracy.class_count[c]));
    Say(flags, line);
  }
  return OkStatus();
}

}  // namespace

Action RegisterEval(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<EvalFlags>();
  app.add_option("MODEL", own->model, "model file (.tflite, .tersor)")->required();
  app.add_option(
         "--data", own->data,
         "the name of a data set (fashion-mnist) or a path (folder, tar, tar.zst, npz, IDX)")
      ->required();
  app.add_option("--split", own->split,
                 "the examples to use: train, validation, test or train+validation")
      ->capture_default_str();
  own->normalize.AddTo(app);
  app.add_option("--batch", own->batch, "examples that one run of the model takes")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--limit", own->limit,
                 "use only this many examples, evenly spaced over the split (0: all)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--stream", own->stream,
               "decode JPEG images when they are read, for sets that are larger than the memory");
  app.footer("example: tersor eval model.tersor --data fashion-mnist --split test --threads 2");
  return [own, &flags] { return Eval(*own, flags); };
}

}  // namespace tersor::cli
