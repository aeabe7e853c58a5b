#include <cstdio>

#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/cli/option_flags.h"
#include "tersor/formats/formats.h"
#include "tersor/guide/run_recipe.h"

namespace tersor::cli {
namespace {

struct TrainFlags {
  std::string model, data, output;
  NormalizeFlag normalize;
  ExportFlags writing;
  OptionValues values;   ///< of the step
  guide::RecipeRun run;  ///< the others
};

// The recipe of one step: `train` with --family, `finetune` with --model.
Result<guide::Recipe> RecipeOf(const TrainFlags& own, const CommonFlags& flags) {
  const bool begins = own.values.contains("family");
  if (begins != own.model.empty()) {
    return InvalidArgument("give either --family (to begin) or --model (to go on)");
  }
  const guide::StepType& type =
      guide::StepTypeOf(begins ? guide::StepKind::kTrain : guide::StepKind::kFinetune);
  for (const auto& [name, value] : own.values) {
    if (FindOption(type.options, name) == nullptr) {
      return InvalidArgument(FlagName(name), " has a meaning only with --family");
    }
  }
  guide::Recipe recipe = guide::OneStep(type, own.values);
  recipe.steps[0].settings.values["seed"] = static_cast<int64_t>(flags.seed);
  return recipe;
}

void SayEpoch(const training::EpochMetrics& m, const CommonFlags& flags) {
  char line[200];
  std::snprintf(line, sizeof(line),
                "epoch %lld/%lld  loss %.4f  accuracy %.2f %%  validation %.2f %%  rate %.5f  "
                "%.0f images/s  %.1f s",
                static_cast<long long>(m.epoch), static_cast<long long>(m.epochs), m.loss,
                100 * m.accuracy, 100 * m.validation_accuracy, m.learning_rate, m.images_per_second,
                m.seconds);
  Say(flags, line);
  std::fflush(stdout);
}

Json EpochJson(const training::EpochMetrics& m) {
  return {{"epoch", m.epoch},
          {"loss", m.loss},
          {"accuracy", m.accuracy},
          {"validation_loss", m.validation_loss},
          {"validation_accuracy", m.validation_accuracy},
          {"learning_rate", m.learning_rate},
          {"images_per_second", m.images_per_second},
          {"seconds", m.seconds}};
}

Status Train(const TrainFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const guide::Recipe recipe, RecipeOf(own, flags));
  ir::Graph model;
  if (!own.model.empty()) {
    TERSOR_ASSIGN_OR_RETURN(model, formats::ImportModel(own.model));
  }
  guide::Splits splits(own.data, flags.threads);
  guide::RecipeRun run = own.run;
  run.splits = &splits;
  run.threads = flags.threads;
  TERSOR_ASSIGN_OR_RETURN(run.normalize, own.normalize.For(model));
  Json epochs = Json::array();
  run.on_epoch = [&](const guide::RecipeEpoch& epoch) {
    if (!flags.quiet) SayEpoch(epoch.metrics, flags);
    epochs.push_back(EpochJson(epoch.metrics));
    return OkStatus();
  };
  TERSOR_ASSIGN_OR_RETURN(auto trained,
                          guide::RunRecipe(own.model.empty() ? nullptr : &model, recipe, run));
  trained.graph.mutable_metadata()[guide::kNormalizeKey] = data::NormalizeName(run.normalize);
  trained.graph.mutable_metadata()[guide::kRecipeKey] = guide::StepsJson(recipe);
  TERSOR_RETURN_IF_ERROR(own.writing.Export(trained.graph, own.output));
  TERSOR_ASSIGN_OR_RETURN(const int64_t file_bytes, FileSizeBytes(own.output));
  if (flags.json) {
    Json json;
    json["file"] = own.output;
    json["file_bytes"] = file_bytes;
    json["parameters"] = trained.graph.num_parameters();
    json["epochs"] = epochs;
    SayJson(json);
  } else {
    Say(flags, StrCat(own.output, ": ", Grouped(trained.graph.num_parameters()), " parameters, ",
                      Grouped(file_bytes), " bytes"));
  }
  return OkStatus();
}

}  // namespace

Action RegisterTrain(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<TrainFlags>();
  auto& run = own->run;
  app.add_option("--model", own->model, "model file to train further, instead of --family");
  app.add_option("--data", own->data, "a name (fashion-mnist) or a path")->required();
  app.add_option("--output", own->output, "model file to write (.tersor, .tflite)")->required();
  AddOptionFlags(app, guide::StepTypeOf(guide::StepKind::kTrain).options, own->values,
                 {{"batch_size", "--batch"}, {"shift_pixels", "--shift"}}, {"seed"});
  own->normalize.AddTo(app);
  own->writing.AddTo(app);
  app.add_option("--limit", run.limit, "train on only this many examples (0: all)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--no-validation", run.train_on_validation, "train on the validation split as well");
  app.add_option("--checkpoint", run.checkpoint_path, "file that the state is written to");
  app.add_option("--checkpoint-steps", run.checkpoint_steps,
                 "steps between checkpoints (0: each epoch)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--resume", run.resume, "go on from --checkpoint, to the same bits");
  app.footer(
      "example: tersor train --family survey-cnn --width 0.25 --data fashion-mnist --epochs 5\n"
      "           --threads 2 --output model.tersor");
  return [own, &flags] { return Train(*own, flags); };
}

}  // namespace tersor::cli
