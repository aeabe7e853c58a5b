#include "tersor/architectures/family.h"
#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/cli/option_flags.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"
#include "tersor/measure/accuracy.h"
#include "tersor/training/trainer.h"

namespace tersor::cli {
namespace {

struct TrainFlags {
  std::string family, model, data, output;
  NormalizeFlag normalize;
  double width = 1;
  int64_t limit = 0;
  bool no_validation = false;
  OptionValues values;               ///< of the trainer's options
  training::TrainerOptions options;  ///< the others
};

Result<ir::Graph> MakeModel(const TrainFlags& own, const CommonFlags& flags,
                            const data::Dataset& train) {
  if (own.family.empty() == own.model.empty()) {
    return InvalidArgument("give either --family (to begin) or --model (to go on)");
  }
  if (!own.model.empty()) return formats::ImportModel(own.model);
  TERSOR_ASSIGN_OR_RETURN(const auto family, architectures::FindFamily(own.family));
  architectures::FamilyOptions options;
  const data::Field* examples = train.only_input();
  if (examples == nullptr) {
    return InvalidArgument("a family needs examples of one field, ", train.name, " has others");
  }
  options.input = examples->type.shape;
  options.classes = train.num_classes();
  options.width = own.width;
  options.seed = flags.seed;
  TERSOR_ASSIGN_OR_RETURN(ir::Graph model, family.build(options));
  model.mutable_metadata()["recipe"] = StrCat("train ", own.family, " width ", own.width);
  return model;
}

Status Train(TrainFlags& own, const CommonFlags& flags) {
  data::DatasetOptions loading;
  loading.threads = flags.threads;
  loading.max_examples = own.limit;
  const auto split = own.no_validation ? data::Split::kTrainAndValidation : data::Split::kTrain;
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset train, data::LoadDataset(own.data, split, loading));
  data::Dataset validation;
  if (!own.no_validation) {
    TERSOR_ASSIGN_OR_RETURN(validation,
                            data::LoadDataset(own.data, data::Split::kValidation, loading));
  }
  TERSOR_ASSIGN_OR_RETURN(ir::Graph model, MakeModel(own, flags, train));
  training::TrainerOptions options = own.options;
  options.threads = flags.threads;
  options.seed = flags.seed;
  SetOptions(training::TrainerOptions::Table(), own.values, &options);
  TERSOR_ASSIGN_OR_RETURN(options.normalize, own.normalize.For(model));
  model.mutable_metadata()["normalize"] = data::NormalizeName(options.normalize);
  Json epochs = Json::array();
  options.on_epoch = [&](const training::EpochMetrics& m) -> Status {
    if (!flags.quiet) {
      char line[200];
      std::snprintf(line, sizeof(line),
                    "epoch %lld/%lld  loss %.4f  accuracy %.2f %%  validation %.2f %%  rate %.5f  "
                    "%.0f images/s  %.1f s",
                    static_cast<long long>(m.epoch), static_cast<long long>(m.epochs), m.loss,
                    100 * m.accuracy, 100 * m.validation_accuracy, m.learning_rate,
                    m.images_per_second, m.seconds);
      Say(flags, line);
      std::fflush(stdout);
    }
    epochs.push_back({{"epoch", m.epoch},
                      {"loss", m.loss},
                      {"accuracy", m.accuracy},
                      {"validation_loss", m.validation_loss},
                      {"validation_accuracy", m.validation_accuracy},
                      {"learning_rate", m.learning_rate},
                      {"images_per_second", m.images_per_second},
                      {"seconds", m.seconds}});
    return OkStatus();
  };
  TERSOR_ASSIGN_OR_RETURN(const auto history, training::Train(model, train, validation, options));
  TERSOR_RETURN_IF_ERROR(formats::ExportModel(model, own.output));
  TERSOR_ASSIGN_OR_RETURN(const int64_t file_bytes, FileSizeBytes(own.output));
  if (flags.json) {
    Json json;
    json["file"] = own.output;
    json["file_bytes"] = file_bytes;
    json["parameters"] = model.num_parameters();
    json["epochs"] = epochs;
    SayJson(json);
  } else {
    Say(flags, StrCat(own.output, ": ", Grouped(model.num_parameters()), " parameters, ",
                      Grouped(file_bytes), " bytes"));
  }
  return OkStatus();
}

}  // namespace

Action RegisterTrain(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<TrainFlags>();
  auto& options = own->options;
  app.add_option("--family", own->family, "family to make a model of (survey-cnn)");
  app.add_option("--width", own->width, "multiplier of the family's channels")
      ->capture_default_str();
  app.add_option("--model", own->model, "go on training this model file");
  app.add_option("--data", own->data, "a name (fashion-mnist) or a path")->required();
  app.add_option("--output", own->output, "model file to write (.tersor, .tflite)")->required();
  AddOptionFlags(app, training::TrainerOptions::Table(), own->values,
                 {{"batch_size", "--batch"}, {"shift_pixels", "--shift"}}, {"seed"});
  own->normalize.AddTo(app);
  app.add_option("--limit", own->limit, "train on so many examples (0: all)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--no-validation", own->no_validation, "train on the validation split as well");
  app.add_option("--checkpoint", options.checkpoint_path, "file that the state is written to");
  app.add_option("--checkpoint-steps", options.checkpoint_steps,
                 "steps between checkpoints (0: each epoch)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--resume", options.resume, "go on from --checkpoint, to the same bits");
  app.footer(
      "example: tersor train --family survey-cnn --width 0.25 --data fashion-mnist --epochs 5\n"
      "           --threads 2 --output model.tersor");
  return [own, &flags] { return Train(*own, flags); };
}

}  // namespace tersor::cli
