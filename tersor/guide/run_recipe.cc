#include "tersor/guide/run_recipe.h"

#include <iterator>
#include <memory>
#include <utility>

#include "tersor/architectures/family.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/guide/class_names.h"

namespace tersor::guide {
namespace {

Result<ir::Graph> MakeModel(const Step& step, const data::Dataset& train) {
  const auto model = step.settings.As<NewModelOptions>();
  auto options = step.settings.As<architectures::FamilyOptions>();
  TERSOR_ASSIGN_OR_RETURN(const auto family, architectures::FindFamily(model.family));
  const data::Field* examples = train.only_input();
  if (examples == nullptr) {
    return InvalidArgument("a family needs examples of one field, ", train.name, " has others");
  }
  options.input = examples->type.shape;
  options.classes = train.num_classes();
  options.seed = step.settings.As<training::TrainerOptions>().seed;
  TERSOR_ASSIGN_OR_RETURN(ir::Graph model_graph, family.build(options));
  SetClassNames(train.class_names, model_graph);
  return model_graph;
}

int64_t EpochsOf(const std::vector<StepReport>& reports) {
  int64_t epochs = 0;
  for (const StepReport& report : reports) epochs += std::ssize(report.epochs);
  return epochs;
}

}  // namespace

RecipeRunner::State RecipeRunner::Begin(const ir::Graph* model) {
  State state;
  state.has_graph = model != nullptr;
  if (model != nullptr) state.graph = model->Clone();
  return state;
}

RecipeRunner::State RecipeRunner::Copy(const State& state) {
  return {state.has_graph, state.graph.Clone(), state.open, state.reports};
}

Status RecipeRunner::Train(const Step& step, State& state, StepReport& report) const {
  const auto split =
      run_.train_on_validation ? data::Split::kTrainAndValidation : data::Split::kTrain;
  TERSOR_ASSIGN_OR_RETURN(const data::Dataset* train, run_.splits->Get(split, run_.limit));
  const data::Dataset none;
  const data::Dataset* validation = &none;
  if (!run_.train_on_validation) {
    TERSOR_ASSIGN_OR_RETURN(validation, run_.splits->Get(data::Split::kValidation, run_.limit));
  }
  if (step.type->kind == StepKind::kTrain) {
    TERSOR_ASSIGN_OR_RETURN(state.graph, MakeModel(step, *train));
    state.has_graph = true;
    state.open.clear();
  }
  auto options = step.settings.As<training::TrainerOptions>();
  options.threads = run_.threads;
  options.normalize = run_.normalize;
  options.checkpoint_path = run_.checkpoint_path;
  options.checkpoint_steps = run_.checkpoint_steps;
  options.resume = run_.resume;
  options.stop = run_.stop;
  if (run_.on_epoch) {
    options.on_epoch = [&, before = EpochsOf(state.reports)](const training::EpochMetrics& epoch) {
      return run_.on_epoch({before + epoch.epoch, false, epoch});
    };
  }
  std::vector<std::unique_ptr<training::StepHook>> schedules;
  for (const Step& open : state.open) {
    const auto schedule = open.type->technique->functions.schedule;
    if (schedule == nullptr) continue;
    TERSOR_ASSIGN_OR_RETURN(auto hook, schedule(state.graph, open.settings));
    options.hooks.push_back(hook.get());
    schedules.push_back(std::move(hook));
  }
  TERSOR_ASSIGN_OR_RETURN(report.epochs,
                          training::Train(state.graph, *train, *validation, options));
  return OkStatus();
}

Status RecipeRunner::Finish(const Step& step, State& state, Calibrations& calibrations,
                            StepReport& report) const {
  compression::TechniqueContext context;
  context.training_examples = [&](int64_t count) -> Result<const data::Dataset*> {
    TERSOR_ASSIGN_OR_RETURN(const data::Dataset* train,
                            run_.splits->Get(data::Split::kTrain, count));
    report.calibration_examples = train->size();
    return train;
  };
  context.normalize = run_.normalize;
  context.threads = run_.threads;
  context.calibrations = &calibrations;
  return step.type->technique->functions.finish(state.graph, step.settings, context,
                                                report.technique);
}

Status RecipeRunner::FinishOpen(State& state, StepReport& report) const {
  for (const Step& step : std::exchange(state.open, {})) {
    Calibrations calibrations;
    TERSOR_RETURN_IF_ERROR(Finish(step, state, calibrations, report));
  }
  return OkStatus();
}

Status RecipeRunner::ApplyTechnique(const Step& step, State& state, Calibrations& calibrations,
                                    StepReport& report) const {
  if (!state.has_graph) {
    return InvalidArgument("there is no model: name one, or begin with the step train");
  }
  if (!step.settings.by_name.empty() || !step.settings.by_operator.empty()) {
    // The names are those after batch norms and the like were folded, where levels are looked up.
    TERSOR_ASSIGN_OR_RETURN(const ir::Graph folded,
                            compression::PrepareForQuantization(state.graph));
    TERSOR_RETURN_IF_ERROR(compression::CheckPlaces(folded, step.settings));
  }
  const auto& functions = step.type->technique->functions;
  if (functions.prepare != nullptr) {
    TERSOR_RETURN_IF_ERROR(functions.prepare(state.graph, step.settings, report.technique));
    state.open.push_back(step);
    return OkStatus();
  }
  if (state.open.empty()) return Finish(step, state, calibrations, report);
  TERSOR_RETURN_IF_ERROR(FinishOpen(state, report));
  Calibrations own;
  return Finish(step, state, own, report);
}

Status RecipeRunner::Do(const Step& step, State& state, Calibrations& calibrations) const {
  StepReport report;
  report.label = step.Label();
  if (step.type->kind == StepKind::kTechnique) {
    TERSOR_RETURN_IF_ERROR(ApplyTechnique(step, state, calibrations, report));
  } else if (step.type->kind == StepKind::kFinetune && !state.has_graph) {
    return InvalidArgument("there is no model: name one, or begin with the step train");
  } else {
    TERSOR_RETURN_IF_ERROR(Train(step, state, report));
  }
  state.reports.push_back(std::move(report));
  return OkStatus();
}

Status RecipeRunner::TellEpochsAgain() const {
  if (!run_.on_epoch) return OkStatus();
  int64_t number = 0;
  for (const StepReport& report : begun_.reports) {
    for (const training::EpochMetrics& epoch : report.epochs) {
      TERSOR_RETURN_IF_ERROR(run_.on_epoch({++number, true, epoch}));
    }
  }
  return OkStatus();
}

Result<RecipeResult> RecipeRunner::Run(const ir::Graph* model, const Recipe& recipe) {
  auto done = [&](size_t number, Status status) {
    if (status.ok() || recipe.steps.size() == 1) return status;
    return status.WithContext(StrCat("step ", number + 1, ", ", recipe.steps[number].type->name));
  };
  Recipe common = recipe;
  if (!common.steps.empty()) common.steps.pop_back();
  const std::string steps = StepsJson(common);
  if (begun_with_ != model || begun_steps_ != steps || begun_steps_.empty()) {
    begun_steps_.clear();
    begun_ = Begin(model);
    begun_calibrations_.clear();
    for (size_t i = 0; i < common.steps.size(); ++i) {
      Calibrations calibrations;
      TERSOR_RETURN_IF_ERROR(done(i, Do(common.steps[i], begun_, calibrations)));
    }
    begun_with_ = model;
    begun_steps_ = steps;
  } else {
    TERSOR_RETURN_IF_ERROR(TellEpochsAgain());
  }
  State state = Copy(begun_);
  if (!recipe.steps.empty()) {
    const size_t last = recipe.steps.size() - 1;
    TERSOR_RETURN_IF_ERROR(done(last, Do(recipe.steps[last], state, begun_calibrations_)));
    TERSOR_RETURN_IF_ERROR(FinishOpen(state, state.reports.back()));
  } else if (model == nullptr) {
    return InvalidArgument("a recipe without a step needs a model");
  }
  return RecipeResult{std::move(state.graph), std::move(state.reports)};
}

Result<data::Normalize> NormalizeOf(const ir::Graph& model) {
  const auto said = model.metadata().find(kNormalizeKey);
  if (said == model.metadata().end()) return data::Normalize::kSigned;
  const auto normalize = data::ParseNormalize(said->second);
  if (!normalize) {
    return DataLoss("the model says normalize '", said->second, "', expected signed, unit or raw");
  }
  return *normalize;
}

Result<RecipeResult> RunRecipe(const ir::Graph* model, const Recipe& recipe, const RecipeRun& run) {
  return RecipeRunner(run).Run(model, recipe);
}

}  // namespace tersor::guide
