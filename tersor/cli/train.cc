#include <atomic>
#include <csignal>
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

std::atomic<bool> interrupted = false;

// The first Ctrl-C asks the training to end at a good place, the second one ends the program.
void Interrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

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
  TERSOR_RETURN_IF_ERROR(formats::CheckOutput(own.output));
  guide::RecipeRun run = own.run;
  const bool own_checkpoint = run.checkpoint_path.empty();
  if (own_checkpoint) run.checkpoint_path = own.output + ".checkpoint";
  TERSOR_RETURN_IF_ERROR(CheckWritable(run.checkpoint_path));
  TERSOR_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Take(own.output));
  if (run.resume && !FileExists(run.checkpoint_path)) {
    Remark(flags, StrCat(run.checkpoint_path, " is not there: the training begins anew"));
  }
  ir::Graph model;
  if (!own.model.empty()) {
    TERSOR_ASSIGN_OR_RETURN(model, formats::ImportModel(own.model));
    own.normalize.RemarkIfAssumed(model, own.model, flags);
  }
  guide::Splits splits(own.data, flags.threads);
  run.splits = &splits;
  run.stop = &interrupted;
  std::signal(SIGINT, Interrupt);
  run.threads = flags.threads;
  TERSOR_ASSIGN_OR_RETURN(run.normalize, own.normalize.For(model));
  Json epochs = Json::array();
  run.on_epoch = [&](const guide::RecipeEpoch& epoch) {
    if (!flags.quiet) SayEpoch(epoch.metrics, flags);
    epochs.push_back(EpochJson(epoch.metrics));
    return OkStatus();
  };
  auto trained = guide::RunRecipe(own.model.empty() ? nullptr : &model, recipe, run);
  if (!trained.ok() && interrupted) {
    return FailedPrecondition(trained.status().message(),
                              ": the same command with --resume goes on from there");
  }
  TERSOR_RETURN_IF_ERROR(trained.status());
  trained->graph.mutable_metadata()[guide::kNormalizeKey] = data::NormalizeName(run.normalize);
  trained->graph.mutable_metadata()[guide::kRecipeKey] = guide::StepsJson(recipe);
  TERSOR_RETURN_IF_ERROR(own.writing.Export(trained->graph, own.output));
  // A checkpoint that nobody asked for has done its work.
  if (own_checkpoint) std::remove(run.checkpoint_path.c_str());
  TERSOR_ASSIGN_OR_RETURN(const int64_t file_bytes, FileSizeBytes(own.output));
  if (flags.json) {
    Json json;
    json["file"] = own.output;
    json["file_bytes"] = file_bytes;
    json["parameters"] = trained->graph.num_parameters();
    json["epochs"] = epochs;
    SayJson(json);
  } else {
    Say(flags, StrCat(own.output, ": ", Grouped(trained->graph.num_parameters()), " parameters, ",
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
  app.add_option("--checkpoint", run.checkpoint_path,
                 "file that the state is written to at the end of each epoch (default: "
                 "OUTPUT.checkpoint, which is removed when the model is written)");
  app.add_option("--checkpoint-steps", run.checkpoint_steps,
                 "steps between checkpoints (0: each epoch)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag(
      "--resume", run.resume,
      "go on from the checkpoint of a run that was cut off or ended by Ctrl-C, to the same "
      "bits");
  app.footer(
      "example: tersor train --family survey-cnn --width 0.25 --data fashion-mnist --epochs 5\n"
      "           --threads 2 --output model.tersor");
  return [own, &flags] { return Train(*own, flags); };
}

}  // namespace tersor::cli
