#include "tersor/training/training_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tersor/ir/text.h"
#include "tersor/kernels/thread_collective.h"
#include "tersor/runtime/executable.h"
#include "tersor/training/shards.h"
#include "tersor/training/training_testing.h"
#include "tersor/transforms/pass.h"

namespace tersor::training {
namespace {

using testing::ValuesOf;

ir::Graph MustParse(std::string_view text) {
  auto graph = ir::Parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

// y = w * x for each of two features, so that every number can be worked out by hand.
constexpr std::string_view kProduct = R"(graph @product(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %y = multiply(%x, @w)
}
variable @w: f32[2] trainable = [1, 2]
)";

TrainingStepSpec PlainSgd(std::vector<LossTerm> losses) {
  TrainingStepSpec spec;
  spec.options.optimizer.momentum = 0;
  spec.losses = std::move(losses);
  return spec;
}

// Runs one step on the whole batch with learning rate 1; `batch` by the names of inputs.
StepResult RunStep(const TrainingStep& step, const std::map<std::string, Tensor>& batch,
                   int threads = 1) {
  ShardsOptions options;
  options.threads = threads;
  std::vector<ConstTensorView> views;
  for (const auto& [name, tensor] : batch) {
    options.fields.push_back(name);
    options.batch_size = tensor.type().shape[0];
    views.push_back(tensor.view());
  }
  auto shards = Shards::Create(step, options);
  EXPECT_TRUE(shards.ok()) << shards.status().message();
  if (!shards.ok()) return {};
  auto result = (*shards)->Run(views, 1.0, 0);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? *result : StepResult{};
}

template <typename T>
Tensor Make(Shape shape, const std::vector<T>& values) {
  return Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, values).value();
}

std::string MessageOf(const ir::Graph& model, const TrainingStepSpec& spec) {
  return std::string(MakeTrainingStep(model, spec).status().message());
}

TEST(TrainingStep, BindsInputsAndOutputsByName) {
  auto step = MakeTrainingStep(testing::SmallModel(), {});
  ASSERT_TRUE(step.ok()) << step.status().message();
  const std::map<std::string, std::string> types = {
      {"image", "f32[N,8,8,1]"},  {"label", "i32[N]"}, {"example_weights", "f32[N]"},
      {"learning_rate", "f32[]"}, {"step", "f32[]"},   {"counter", "i64[]"}};
  ASSERT_EQ(step->inputs.size(), types.size());
  for (const auto& [name, type] : types) {
    const auto place = static_cast<size_t>(step->inputs.find(name)->second);
    const ir::ValueId id = step->graph.inputs()[place];
    EXPECT_EQ(step->graph.value(id).type().ToString(), type) << name;
  }
  ASSERT_EQ(step->outputs.size(), 2u);
  const auto output = [&](std::string_view name) -> const ir::Value& {
    const auto place = static_cast<size_t>(step->outputs.find(name)->second);
    return step->graph.value(step->graph.outputs()[place]);
  };
  EXPECT_EQ(output("loss").producer()->op(), ir::OpKind::kCrossEntropy);
  // The logits: the softmax behind them is not worked out.
  EXPECT_EQ(output("prediction").producer()->op(), ir::OpKind::kFullyConnected);
  EXPECT_EQ(step->counted_target, "label");
}

TEST(TrainingStep, TheModelItselfDoesNotChange) {
  const ir::Graph model = testing::SmallModel();
  const std::string before = ir::Print(model, {.data = true});
  auto step = MakeTrainingStep(model, {});
  ASSERT_TRUE(step.ok());
  const auto data = testing::MakeHalves(8, 1);
  Tensor images = Tensor::Create({DType::kF32, {8, 8, 8, 1}, {}}).value();
  for (size_t i = 0; i < 512; ++i) {
    images.mutable_values<float>()[i] = data.images.values<uint8_t>()[i] / 255.0f;
  }
  RunStep(*step, {{"image", images}, {"label", data.labels}});
  EXPECT_NE(ValuesOf(step->graph, "conv.filter"), ValuesOf(model, "conv.filter"));
  EXPECT_NE(ValuesOf(step->graph, "norm.mean"), ValuesOf(model, "norm.mean"));
  EXPECT_EQ(ir::Print(model, {.data = true}), before);
}

TEST(TrainingStep, WeightDecayIsForFiltersAlone) {
  for (const auto kind : {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    TrainingStepSpec spec;
    spec.options.optimizer.kind = kind;
    spec.options.optimizer.weight_decay = 0.25;
    auto step = MakeTrainingStep(testing::SmallModel(), spec);
    ASSERT_TRUE(step.ok()) << step.status().message();
    std::map<std::string, double> decay;
    for (const auto& node : step->graph.nodes()) {
      if (node->op() != ir::OpKind::kSgdUpdate && node->op() != ir::OpKind::kAdamUpdate) continue;
      decay[step->graph.value(node->operand(0)).name()] =
          node->attributes().Float(Attr::weight_decay);
    }
    const std::map<std::string, double> expected = {{"conv.filter", 0.25},  {"conv.bias", 0},
                                                    {"norm.scale", 0},      {"norm.offset", 0},
                                                    {"dense.filter", 0.25}, {"dense.bias", 0}};
    EXPECT_EQ(decay, expected);
  }
}

TEST(TrainingStep, MeanSquaredErrorByHand) {
  auto step = MakeTrainingStep(MustParse(kProduct), PlainSgd({{.loss = "mse", .target = "y*"}}));
  ASSERT_TRUE(step.ok()) << step.status().message();
  EXPECT_EQ(step->counting, nullptr);
  const StepResult result = RunStep(
      *step, {{"x", Make<float>({2, 2}, {1, 1, 2, 3})}, {"y*", Make<float>({2, 2}, {0, 2, 2, 4})}});
  // Examples: ((1-0)^2 + 0) / 2 and (0 + (6-4)^2) / 2.
  EXPECT_FLOAT_EQ(static_cast<float>(result.loss_sum), 2.5f);
  EXPECT_EQ(result.correct, 0);
  // Mean over the two examples of (y - y*) * x: 0.5 for the first weight, 3 for the second.
  EXPECT_EQ(ValuesOf(step->graph, "w"), (std::vector<float>{0.5f, -1.0f}));
}

TEST(TrainingStep, TermsOfTheLossAreSummedWithTheirWeights) {
  const std::map<std::string, Tensor> batch = {{"x", Make<float>({1, 2}, {1, 2})},
                                               {"a", Make<float>({1, 2}, {0, 0})},
                                               {"b", Make<float>({1, 2}, {3, 1})}};
  const auto loss_of = [&](std::vector<LossTerm> terms) {
    auto step = MakeTrainingStep(MustParse(kProduct), PlainSgd(std::move(terms)));
    EXPECT_TRUE(step.ok()) << step.status().message();
    std::map<std::string, Tensor> used;
    for (const auto& [name, tensor] : batch) {
      if (step->inputs.contains(name)) used[name] = tensor;
    }
    return RunStep(*step, used).loss_sum;
  };
  const LossTerm a{.loss = "mse", .target = "a"}, b{.loss = "mse", .target = "b"};
  LossTerm quarter = b;
  quarter.weight = 0.25;
  EXPECT_NEAR(loss_of({a, quarter}), loss_of({a}) + 0.25 * loss_of({b}), 1e-6);
}

TEST(TrainingStep, SoftLabelsCountByTheirLargestElement) {
  TrainingStepSpec spec = PlainSgd({LossTerm{}});
  spec.inputs["label"] = {DType::kF32, {kBatch, 2}, {}};
  auto step = MakeTrainingStep(MustParse(kProduct), spec);
  ASSERT_TRUE(step.ok()) << step.status().message();
  const StepResult result =
      RunStep(*step, {{"x", Make<float>({3, 2}, {1, 1, 1, 1, 2, 0})},
                      {"label", Make<float>({3, 2}, {0.4f, 0.6f, 0.9f, 0.1f, 0.8f, 0.2f})}});
  EXPECT_EQ(result.correct, 2);
  // -sum of label * log softmax(y), with y = [1, 2], [1, 2] and [2, 0].
  const double one = std::log(1 + std::exp(1.0)), two = std::log(1 + std::exp(-2.0));
  EXPECT_NEAR(
      result.loss_sum,
      (0.4 * one + 0.6 * (one - 1)) + (0.9 * one + 0.1 * (one - 1)) + (0.8 * two + 0.2 * (two + 2)),
      1e-5);
}

TEST(Loss, OfEqualLogitsTheFirstCounts) {
  const auto loss = FindLoss("cross_entropy");
  ASSERT_TRUE(loss.ok());
  const Tensor logits = Make<float>({3, 3}, {1, 1, 0, 0, 2, 2, 3, 3, 3});
  const Tensor labels = Make<int32_t>({3}, {0, 2, 0});
  EXPECT_EQ((*loss)->count_correct(logits.view(), labels.view()), 2);
}

TEST(Loss, RowsAreSortedAndAnUnknownNameSaysWhichThereAre) {
  const std::string message(FindLoss("hinge").status().message());
  EXPECT_TRUE(message.starts_with("loss 'hinge' is unknown; there are cross_entropy,")) << message;
  for (size_t i = 0; i < AllLosses().size(); ++i) {
    EXPECT_NE(message.find(AllLosses()[i].name), std::string::npos) << message;
    EXPECT_TRUE(i == 0 || AllLosses()[i - 1].name < AllLosses()[i].name);
  }
}

TEST(TrainingStep, RefusesWhatDoesNotFit) {
  const ir::Graph model = MustParse(kProduct);
  TrainingStepSpec spec = PlainSgd({{.prediction = "logits"}});
  EXPECT_EQ(MessageOf(model, spec), "the step has no value 'logits' to train");
  spec = PlainSgd({{.target = "teacher/y"}});
  EXPECT_EQ(MessageOf(model, spec), "the step has no value 'teacher/y' to train towards");
  spec = PlainSgd({{.loss = "mse"}});
  spec.inputs["label"] = {DType::kF32, {kBatch, 3}, {}};
  EXPECT_EQ(MessageOf(model, spec), "mse: the target is f32[N,3], the prediction f32[N,2]");
  spec = PlainSgd({});
  EXPECT_EQ(MessageOf(model, spec), "a training step needs a loss");
  spec = PlainSgd({LossTerm{}});
  spec.host_written = {"mask"};
  EXPECT_EQ(MessageOf(model, spec), "variable mask is not in the training step");
  spec = PlainSgd({LossTerm{}});
  spec.graphs = {{.name = "teacher", .graph = &model, .bindings = {{"x", "image"}}}};
  EXPECT_EQ(MessageOf(model, spec),
            "graph teacher: input 'x' reads 'image', which the step does not have");
  spec.graphs[0].bindings = {{"z", "x"}};
  EXPECT_EQ(MessageOf(model, spec), "graph teacher: it has no input 'z'");
  ir::Graph reserved = MustParse(kProduct);
  reserved.SetName(reserved.inputs()[0], "learning_rate");
  EXPECT_EQ(MessageOf(reserved, PlainSgd({LossTerm{}})),
            "input 'learning_rate' of the model has a name that a training step needs");
}

TEST(TrainingStep, DropoutDrawsAnewInEachStep) {
  const ir::Graph model = MustParse(R"(graph @drop(%x: f32[N,64]) -> (%y: f32[N,64]) {
  %0 = multiply(%x, @w)
  %y = dropout(%0, @counter) {rate=0.5}
}
variable @w: f32[64] trainable
variable @counter: i64[]
)");
  ir::Graph filled = model.Clone();
  filled.value(filled.FindVariable("w")).set_data(Make<float>({64}, std::vector<float>(64, 1.0f)));
  filled.value(filled.FindVariable("counter")).set_data(Make<int64_t>({}, {0}));
  auto step = MakeTrainingStep(filled, PlainSgd({{.loss = "mse", .target = "t"}}));
  ASSERT_TRUE(step.ok()) << step.status().message();
  auto shards = Shards::Create(*step, {.batch_size = 1, .fields = {"x", "t"}});
  ASSERT_TRUE(shards.ok()) << shards.status().message();
  std::vector<float> distinct(64);
  for (size_t i = 0; i < 64; ++i) distinct[i] = static_cast<float>(i) / 64;
  const Tensor x = Make<float>({1, 64}, distinct);
  const Tensor t = Make<float>({1, 64}, std::vector<float>(64, 0.0f));
  const ConstTensorView batch[] = {x.view(), t.view()};
  const double first = (*shards)->Run(batch, 0, 0)->loss_sum;
  EXPECT_EQ((*shards)->Run(batch, 0, 0)->loss_sum, first);
  EXPECT_NE((*shards)->Run(batch, 0, 1)->loss_sum, first);
}

// --- A teacher beside the model ---

// The loss of a model that learns the output of a teacher, with one step of training.
struct Distilled {
  TrainingStep step;
  double loss = 0;
};
Distilled Distil(const ir::Graph& teacher, GraphMode mode, const Tensor& images) {
  TrainingStepSpec spec = PlainSgd({{.target = "teacher/output_0"}});
  spec.graphs = {{.name = "teacher", .graph = &teacher, .mode = mode}};
  auto step = MakeTrainingStep(testing::SmallModel(), spec);
  EXPECT_TRUE(step.ok()) << step.status().message();
  Distilled result;
  result.step = std::move(step).value();
  result.loss = RunStep(result.step, {{"image", images}}).loss_sum;
  return result;
}

Tensor RandomImages(int64_t count, uint64_t seed) {
  Tensor images = Tensor::Create({DType::kF32, {count, 8, 8, 1}, {}}).value();
  Random random(seed, 3);
  for (float& x : images.mutable_values<float>()) x = random.NextNormal();
  return images;
}

TEST(ExtraGraph, ThatIsFrozenGivesItsInferenceAndKeepsItsVariables) {
  ir::Graph teacher = testing::SmallModel(5);
  // Moving statistics that are far from those of the batch.
  for (const char* name : {"norm.mean", "norm.variance"}) {
    Tensor data = teacher.value(teacher.FindVariable(name)).data();  // shares the storage
    for (float& x : data.mutable_values<float>()) x = 0.3f;
  }
  const std::string before = ir::Print(teacher, {.data = true});
  const Tensor images = RandomImages(16, 1);
  const Distilled frozen = Distil(teacher, GraphMode::kInference, images);
  EXPECT_EQ(ir::Print(teacher, {.data = true}), before);
  for (const auto& node : frozen.step.graph.nodes()) {
    for (size_t i = 0; i < node->info().operands.size() && i < node->operands().size(); ++i) {
      if (!node->info().operands[i].mutated || node->operands()[i] == ir::kNoValue) continue;
      const std::string& name = frozen.step.graph.value(node->operands()[i]).name();
      EXPECT_FALSE(name.starts_with("teacher/")) << name;
    }
  }
  EXPECT_NE(ValuesOf(frozen.step.graph, "norm.mean"), ValuesOf(testing::SmallModel(), "norm.mean"));

  // The same loss as with soft labels that the teacher gave outside of the step.
  auto prepared = transforms::PrepareForInference(teacher);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  runtime::CompileOptions compile;
  compile.batch = 16;
  auto probabilities = runtime::RunOnce(*prepared, std::span(&images, 1), compile);
  ASSERT_TRUE(probabilities.ok()) << probabilities.status().message();
  TrainingStepSpec spec = PlainSgd({LossTerm{}});
  spec.inputs["label"] = {DType::kF32, {kBatch, 2}, {}};
  auto step = MakeTrainingStep(testing::SmallModel(), spec);
  ASSERT_TRUE(step.ok()) << step.status().message();
  const double expected =
      RunStep(*step, {{"image", images}, {"label", (*probabilities)[0]}}).loss_sum;
  EXPECT_NEAR(frozen.loss, expected, 1e-5);
  // A teacher in training mode gives something else, so the two modes can be told apart.
  EXPECT_GT(std::fabs(Distil(teacher, GraphMode::kTraining, images).loss - expected), 1e-3);
}

TEST(ExtraGraph, InTrainingModeLearnsInTheStepAlone) {
  const ir::Graph teacher = testing::SmallModel(5);
  const std::string before = ir::Print(teacher, {.data = true});
  TrainingStepSpec spec = PlainSgd({LossTerm{}, {.prediction = "second/output_0"}});
  spec.graphs = {{.name = "second", .graph = &teacher, .mode = GraphMode::kTraining}};
  auto step = MakeTrainingStep(testing::SmallModel(), spec);
  ASSERT_TRUE(step.ok()) << step.status().message();
  const auto data = testing::MakeHalves(16, 1);
  RunStep(*step, {{"image", RandomImages(16, 1)}, {"label", data.labels}});
  EXPECT_NE(ValuesOf(step->graph, "second/conv.filter"), ValuesOf(teacher, "conv.filter"));
  EXPECT_NE(ValuesOf(step->graph, "second/norm.mean"), ValuesOf(teacher, "norm.mean"));
  EXPECT_EQ(ir::Print(teacher, {.data = true}), before);
}

TEST(ExtraGraph, MayReadWhatTheModelGives) {
  // A fixed head on the model's output: gradients pass through it.
  const ir::Graph head = MustParse(R"(graph @head(%v: f32[N,2]) -> (%z: f32[N,2]) {
  %z = multiply(%v, @k)
}
variable @k: f32[2] trainable = [10, 100]
)");
  TrainingStepSpec spec = PlainSgd({{.loss = "mse", .prediction = "head/z", .target = "t"}});
  spec.graphs = {{.name = "head", .graph = &head, .bindings = {{"v", "y"}}}};
  auto step = MakeTrainingStep(MustParse(kProduct), spec);
  ASSERT_TRUE(step.ok()) << step.status().message();
  RunStep(*step, {{"x", Make<float>({1, 2}, {1, 1})}, {"t", Make<float>({1, 2}, {9, 199})}});
  // (10 * w0 - 9) * 10 and (100 * w1 - 199) * 100.
  EXPECT_EQ(ValuesOf(step->graph, "w"), (std::vector<float>{1 - 10, 2 - 100}));
  EXPECT_EQ(ValuesOf(step->graph, "head/k"), (std::vector<float>{10, 100}));
}

// --- Variables that the program writes ---

TEST(StepVariables, WhatTheProgramWritesIsReadByTheNextStep) {
  const ir::Graph model = MustParse(R"(graph @masked(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %0 = multiply(@w, @mask)
  %y = multiply(%x, %0)
}
variable @w: f32[2] trainable = [1, 2]
variable @mask: f32[2] = [1, 1]
variable @unused: f32[2] = [1, 1]
)");
  TrainingStepSpec spec = PlainSgd({{.loss = "mse", .target = "t"}});
  spec.host_written = {"mask"};
  auto step = MakeTrainingStep(model, spec);
  ASSERT_TRUE(step.ok()) << step.status().message();
  auto shards = Shards::Create(*step, {.batch_size = 1, .fields = {"x", "t"}});
  ASSERT_TRUE(shards.ok()) << shards.status().message();
  StepVariables variables(step->graph);
  const Tensor x = Make<float>({1, 2}, {1, 1}), t = Make<float>({1, 2}, {0, 0});
  const ConstTensorView batch[] = {x.view(), t.view()};
  EXPECT_FLOAT_EQ(static_cast<float>((*shards)->Run(batch, 0, 0)->loss_sum), 2.5f);
  auto mask = variables.Write("mask");
  ASSERT_TRUE(mask.ok()) << mask.status().message();
  mask->as<float>()[1] = 0;
  EXPECT_FLOAT_EQ(static_cast<float>((*shards)->Run(batch, 0, 1)->loss_sum), 0.5f);
  EXPECT_EQ(variables.Read("mask")->as<float>()[1], 0);

  auto weights = variables.Write("w");  // an update writes it, so it is no constant either
  ASSERT_TRUE(weights.ok());
  weights->as<float>()[0] = 3;
  EXPECT_FLOAT_EQ(static_cast<float>((*shards)->Run(batch, 0, 2)->loss_sum), 4.5f);
  EXPECT_EQ(variables.Write("nothing").status().message(),
            "variable nothing is not in the training step");
}

TEST(StepVariables, RefuseToWriteAConstant) {
  ir::Graph model = MustParse(kProduct);
  TrainingStepSpec spec = PlainSgd({{.loss = "mse", .target = "t", .weight = 2}});
  auto step = MakeTrainingStep(model, spec);
  ASSERT_TRUE(step.ok());
  StepVariables variables(step->graph);
  EXPECT_TRUE(variables.Read("loss_weight").ok());
  EXPECT_EQ(variables.Write("loss_weight").status().message(),
            "variable loss_weight is a constant of the training step; the hook that writes it must "
            "list it in host_written()");
}

// --- Shards ---

TEST(Shards, AnySharesOfABatchGiveTheSameUpdate) {
  const std::map<std::string, Tensor> batch = {
      {"x", Make<float>({4, 2}, {1, 1, 2, 3, -1, 0.5f, 4, 2})},
      {"t", Make<float>({4, 2}, {0, 2, 2, 4, 1, 1, 2, 0})}};
  std::vector<std::vector<float>> weights;
  for (int threads : {1, 2, 4}) {
    auto step = MakeTrainingStep(MustParse(kProduct), PlainSgd({{.loss = "mse", .target = "t"}}));
    ASSERT_TRUE(step.ok());
    EXPECT_NEAR(RunStep(*step, batch, threads).loss_sum, 14.5, 1e-4) << threads;
    weights.push_back(ValuesOf(step->graph, "w"));
  }
  EXPECT_EQ(weights[0], weights[1]);
  EXPECT_EQ(weights[0], weights[2]);
}

TEST(Shards, RefuseAnInputThatNothingFeedsAndAGroupOfAnotherSize) {
  auto step = MakeTrainingStep(MustParse(kProduct), PlainSgd({{.loss = "mse", .target = "t"}}));
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(Shards::Create(*step, {.batch_size = 2, .fields = {"x"}}).status().message(),
            "input 't' of the training step is no field of the data");
  kernels::ThreadCollective three(3);
  EXPECT_EQ(Shards::Create(
                *step, {.batch_size = 2, .threads = 2, .collective = &three, .fields = {"x", "t"}})
                .status()
                .message(),
            "the collective has 3 shards, the step 2");
  EXPECT_EQ(Shards::Create(*step, {.batch_size = 3, .threads = 2, .fields = {"x", "t"}})
                .status()
                .message(),
            "batch size 3 is not divisible by 2 threads");
}

}  // namespace
}  // namespace tersor::training
