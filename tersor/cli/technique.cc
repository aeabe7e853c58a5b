// A subcommand for each technique (compression/techniques.inc): one step, on one model. And
// `compress`, which follows a whole recipe.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/cli/option_flags.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/run_recipe.h"

namespace tersor::cli {
namespace {

struct CompressFlags {
  std::string model, output, data, recipe;
  int64_t limit = 0;
  NormalizeFlag normalize;
  ExportFlags writing;
};

Json EntriesJson(const std::vector<compression::TechniqueReport::Entry>& entries) {
  Json json = Json::array();
  for (const auto& entry : entries) {
    json.push_back({{"name", entry.name}, {"op", entry.op}, {"note", entry.note}});
  }
  return json;
}

Json StepJson(const guide::StepReport& report) {
  Json json;
  json["step"] = report.label;
  json["calibration_examples"] = report.calibration_examples;
  json["changed"] = EntriesJson(report.technique.changed);
  json["left_out"] = EntriesJson(report.technique.left_out);
  if (!report.epochs.empty()) {
    json["epochs"] = report.epochs.size();
    json["validation_accuracy"] = report.epochs.back().validation_accuracy;
  }
  return json;
}

void SayEntries(const CommonFlags& flags, const char* title,
                const std::vector<compression::TechniqueReport::Entry>& entries) {
  if (entries.empty()) return;
  Say(flags, title);
  for (const auto& entry : entries) {
    Say(flags, StrCat("  ", entry.op, ' ', entry.name, ": ", entry.note));
  }
}

void SayStep(const CommonFlags& flags, const guide::StepReport& report) {
  Say(flags, StrCat(report.label, ":"));
  SayEntries(flags, "changed:", report.technique.changed);
  SayEntries(flags, "left as it is:", report.technique.left_out);
  if (report.calibration_examples > 0) {
    Say(flags,
        StrCat("calibrated on ", Grouped(report.calibration_examples), " training examples"));
  }
  if (!report.epochs.empty()) {
    char line[80];
    std::snprintf(line, sizeof(line), "trained for %zu epochs, validation %.2f %%",
                  report.epochs.size(), 100 * report.epochs.back().validation_accuracy);
    Say(flags, line);
  }
}

Status Compress(const CompressFlags& own, const guide::Recipe& recipe, const CommonFlags& flags) {
  TERSOR_RETURN_IF_ERROR(formats::CheckOutput(own.output));
  guide::Splits splits(own.data, flags.threads);
  guide::RecipeRun run;
  run.splits = &splits;
  run.threads = flags.threads;
  run.limit = own.limit;
  std::optional<ir::Graph> model;
  if (!own.model.empty()) {
    TERSOR_ASSIGN_OR_RETURN(model, formats::ImportModel(own.model));
    if (!own.data.empty()) own.normalize.RemarkIfAssumed(*model, own.model, flags);
  }
  const ir::Graph none;
  TERSOR_ASSIGN_OR_RETURN(run.normalize, own.normalize.For(model ? std::as_const(*model) : none));
  TERSOR_ASSIGN_OR_RETURN(auto made, guide::RunRecipe(model ? &*model : nullptr, recipe, run));
  made.graph.mutable_metadata()[guide::kNormalizeKey] = data::NormalizeName(run.normalize);
  made.graph.mutable_metadata()[guide::kRecipeKey] = guide::StepsJson(recipe);
  TERSOR_RETURN_IF_ERROR(own.writing.Export(made.graph, own.output));
  TERSOR_ASSIGN_OR_RETURN(const int64_t after, FileSizeBytes(own.output));
  int64_t before = 0;
  if (model) {
    TERSOR_ASSIGN_OR_RETURN(before, FileSizeBytes(own.model));
  }
  if (flags.json) {
    Json json;
    json["file"] = own.output;
    json["recipe"] = Json::parse(guide::StepsJson(recipe));
    json["file_bytes"] = after;
    json["source_bytes"] = before;
    json["weight_bytes"] = compression::WeightBytes(made.graph);
    json["source_weight_bytes"] = model ? compression::WeightBytes(*model) : 0;
    json["steps"] = Json::array();
    for (const guide::StepReport& report : made.steps) json["steps"].push_back(StepJson(report));
    SayJson(json);
    return OkStatus();
  }
  if (!flags.quiet) {
    for (const guide::StepReport& report : made.steps) SayStep(flags, report);
  }
  std::string line = StrCat(own.output, ": ", Grouped(after), " bytes");
  if (model) {
    char share[32];
    std::snprintf(
        share, sizeof(share), "%.1f",
        100.0 * static_cast<double>(after) / static_cast<double>(std::max<int64_t>(before, 1)));
    line += StrCat(", ", share, " % of ", own.model, " (", Grouped(before), ")");
  }
  Say(flags, line);
  return OkStatus();
}

void AddCompressFlags(CLI::App& app, CompressFlags& own, bool model_required) {
  app.add_option("MODEL", own.model,
                 StrCat("f32 model file (.tflite, .tersor)",
                        model_required ? "" : "; none where the recipe begins with train"))
      ->required(model_required);
  app.add_option("--output", own.output,
                 "file to write; its extension is the format (.tflite, .tersor)")
      ->required();
  app.add_option("--data", own.data,
                 "a name or path as for eval, for what needs examples; the test split is not read");
  own.normalize.AddTo(app);
  own.writing.AddTo(app);
}

// "conv1:skip=true,per_channel=false": what is before the last colon is the place.
Result<std::pair<std::string, OptionValues>> ParsePlace(OptionTable table,
                                                        const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return InvalidArgument("'", text, "', expected PLACE:option=value,...");
  }
  OptionValues values;
  for (size_t at = colon + 1; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, comma - at);
    at = comma + 1;
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = pair.substr(0, equals);
    const Option* option = FindOption(table, name);
    if (option == nullptr) return InvalidArgument(name, ": ", UnknownOption(table, name));
    if (!option->legal.per_layer) {
      return InvalidArgument(name, " has one value for the whole model");
    }
    auto value = ParseOption(*option, pair.substr(std::min(equals + 1, pair.size())));
    if (!value.ok()) return value.status().WithContext(name);
    values[name] = *std::move(value);
  }
  return std::make_pair(text.substr(0, colon), std::move(values));
}

// The flags of settings that differ between layers.
struct LevelFlags {
  std::vector<std::string> by_name, by_operator, exclude, exclude_operators;

  void AddTo(CLI::App& app, OptionTable table) {
    auto add = [&](const char* names, std::vector<std::string>& texts, const char* doc) {
      app.add_option(names, texts, doc)
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    add("--by-name", by_name,
        "NAME:option=value,... for what has a result or filter of this name (* and ? are wild); "
        "stronger than --by-operator; repeat, the last one is the strongest");
    add("--by-operator", by_operator, "OPERATOR:option=value,... for all of an operator (conv2d)");
    if (FindOption(table, compression::kSkipOption) == nullptr) return;
    add("--exclude", exclude, "the same as --by-name NAME:skip=true");
    add("--exclude-operators,--exclude-op", exclude_operators,
        "the same as --by-operator OPERATOR:skip=true");
  }

  Status PutInto(OptionTable table, compression::TechniqueSettings& settings) const {
    const OptionValues skip = {{compression::kSkipOption, true}};
    auto operators = [&](const char* flag, const std::string& name, OptionValues values) -> Status {
      const auto op = ir::ParseOpTextName(name);
      if (!op) {
        return InvalidArgument(flag, ": no operator is called '", name,
                               "'; tersor inspect lists those of a model");
      }
      settings.by_operator.emplace_back(*op, std::move(values));
      return OkStatus();
    };
    for (const std::string& text : by_operator) {
      auto place = ParsePlace(table, text);
      if (!place.ok()) return place.status().WithContext("--by-operator");
      TERSOR_RETURN_IF_ERROR(operators("--by-operator", place->first, place->second));
    }
    for (const std::string& name : exclude_operators) {
      TERSOR_RETURN_IF_ERROR(operators("--exclude-operators", name, skip));
    }
    for (const std::string& text : by_name) {
      auto place = ParsePlace(table, text);
      if (!place.ok()) return place.status().WithContext("--by-name");
      settings.by_name.push_back(*std::move(place));
    }
    for (const std::string& pattern : exclude) settings.by_name.emplace_back(pattern, skip);
    return OkStatus();
  }
};

struct TechniqueFlags {
  CompressFlags common;
  OptionValues values;
  LevelFlags levels;
};

}  // namespace

Action RegisterTechnique(CLI::App& app, CommonFlags& flags,
                         const compression::Technique& technique) {
  auto own = std::make_shared<TechniqueFlags>();
  const OptionTable table = technique.functions.options;
  AddCompressFlags(app, own->common, true);
  AddOptionFlags(app, table, own->values,
                 {{"calibration_examples", "--samples"}, {"calibration", "--method"}}, {"seed"});
  if (technique.has_levels()) own->levels.AddTo(app, table);
  app.footer(StrCat("example: tersor ", technique.name,
                    " model.tflite --data fashion-mnist --output small.tersor"));
  return [own, &flags, &technique, table]() -> Status {
    guide::Recipe recipe = guide::OneStep(*guide::FindStepType(technique.name), own->values);
    auto& settings = recipe.steps[0].settings;
    if (FindOption(table, "seed") != nullptr) {
      settings.values["seed"] = static_cast<int64_t>(flags.seed);
    }
    TERSOR_RETURN_IF_ERROR(own->levels.PutInto(table, settings));
    return Compress(own->common, recipe, flags);
  };
}

Action RegisterCompress(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<CompressFlags>();
  AddCompressFlags(app, *own, false);
  app.add_option("--recipe", own->recipe, "YAML file of the steps (docs/guide.md)")->required();
  app.add_option("--limit", own->limit, "train on only this many examples (0: all)")
      ->check(CLI::NonNegativeNumber);
  app.footer(
      "example: tersor compress model.tersor --recipe recipe.yaml --data fashion-mnist\n"
      "           --output small.tersor");
  return [own, &flags]() -> Status {
    TERSOR_ASSIGN_OR_RETURN(const guide::Recipe recipe,
                            guide::LoadOneRecipe(own->recipe, static_cast<int64_t>(flags.seed)));
    return Compress(*own, recipe, flags);
  };
}

}  // namespace tersor::cli
