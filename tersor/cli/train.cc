#include "tersor/architectures/family.h"
#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/data/dataset.h"
#include "tersor/formats/formats.h"
#include "tersor/measure/accuracy.h"
#include "tersor/training/trainer.h"

namespace tersor::cli {
namespace {

struct TrainFlags {
  std::string family, model, data, output, optimizer = "sgd", schedule = "cosine", history;
  NormalizeFlag normalize;
  double width = 1;
  int64_t limit = 0;
  bool no_validation = false;
  training::TrainerOptions options;
};

Result<ir::Graph> MakeModel(const TrainFlags& own, const CommonFlags& flags,
                            const data::Dataset& train) {
  if (own.family.empty() == own.model.empty()) {
    return InvalidArgument("give either --family (to begin) or --model (to go on)");
  }
  if (!own.model.empty()) return formats::ImportModel(own.model);
  TERSOR_ASSIGN_OR_RETURN(const auto family, architectures::FindFamily(own.family));
  architectures::FamilyOptions options;
  options.input = train.example_shape();
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
  options.step.optimizer.kind = *training::ParseOptimizer(own.optimizer);
  options.schedule.kind = *training::ParseSchedule(own.schedule);
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
  app.add_option("--epochs", options.epochs, "passes over the data")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--batch", options.batch_size, "examples of one step; divisible by --threads")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--optimizer", own->optimizer, "sgd, adam or adamw")
      ->check(CLI::IsMember({"sgd", "adam", "adamw"}))
      ->capture_default_str();
  app.add_option("--learning-rate", options.schedule.learning_rate, "the highest rate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--schedule", own->schedule, "constant, step, cosine or plateau")
      ->check(CLI::IsMember({"constant", "step", "cosine", "plateau"}))
      ->capture_default_str();
  app.add_option("--warmup-steps", options.schedule.warmup_steps, "steps over which the rate rises")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--momentum", options.step.optimizer.momentum, "of sgd")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str();
  app.add_option("--weight-decay", options.step.optimizer.weight_decay, "L2 penalty of filters")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--label-smoothing", options.step.label_smoothing,
                 "share of the target spread evenly")
      ->check(CLI::Range(0.0, 0.9));
  app.add_flag("--flip", options.augment.flip, "mirror images at random");
  app.add_option("--shift", options.augment.shift_pixels, "shift images by up to so many pixels")
      ->check(CLI::Range(0, 64));
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
