// Guests of the training step, as a technique or a new kind of data would bring them: soft labels,
// a teacher, a mask that a hook writes, sequences of tokens, and several fields with numbers as
// labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tersor/ir/text.h"
#include "tersor/measure/accuracy.h"
#include "tersor/training/training_testing.h"

namespace tersor::training {
namespace {

using testing::Filled;
using testing::Halves;
using testing::Options;
using testing::RandomWeights;
using testing::SmallModel;
using testing::ValuesOf;

std::vector<EpochMetrics> MustTrain(ir::Graph& model, const data::Dataset& train,
                                    const data::Dataset& validation,
                                    const TrainerOptions& options) {
  auto history = Train(model, train, validation, options);
  EXPECT_TRUE(history.ok()) << history.status().message();
  return history.ok() ? *history : std::vector<EpochMetrics>(1);
}

// --- Soft labels ---

// Each image is a mixture of two of Halves(), and so is its label.
data::Dataset Mixed(int64_t count, uint64_t seed) {
  const testing::HalvesData a = testing::MakeHalves(count, seed);
  const testing::HalvesData b = testing::MakeHalves(count, seed + 1000);
  Tensor images = Tensor::Create({DType::kU8, {count, 8, 8, 1}, {}}).value();
  Tensor labels = Tensor::Create({DType::kF32, {count, 2}, {}}).value();
  Random random(seed, 2);
  for (int64_t i = 0; i < count; ++i) {
    const float share = 0.3f * random.NextFloat();
    for (size_t p = 0; p < 64; ++p) {
      const size_t at = static_cast<size_t>(i) * 64 + p;
      images.mutable_values<uint8_t>()[at] =
          static_cast<uint8_t>((1 - share) * static_cast<float>(a.images.values<uint8_t>()[at]) +
                               share * static_cast<float>(b.images.values<uint8_t>()[at]));
    }
    const auto row = labels.mutable_values<float>().subspan(static_cast<size_t>(i) * 2, 2);
    row[static_cast<size_t>(a.labels.values<int32_t>()[static_cast<size_t>(i)])] += 1 - share;
    row[static_cast<size_t>(b.labels.values<int32_t>()[static_cast<size_t>(i)])] += share;
  }
  return data::DatasetInMemory("mixed", {{"image", images}, {"label", labels}}).value();
}

TEST(Guests, SoftLabels) {
  ir::Graph model = SmallModel();
  const auto history = MustTrain(model, Mixed(512, 1), Mixed(200, 2), Options(2));
  EXPECT_GT(history.back().accuracy, 0.9);
  EXPECT_GT(history.back().validation_accuracy, 0.9);
  EXPECT_LT(history.back().validation_loss, history.front().loss);
}

// --- A frozen teacher ---

TEST(Guests, AFrozenTeacherWhoseBatchNormsDoNotMove) {
  ir::Graph teacher = SmallModel(7);
  MustTrain(teacher, Halves(512, 1), {}, Options(1));
  const std::string before = ir::Print(teacher, {.data = true});

  // The student never sees a label: it learns what the teacher says of the images.
  TrainerOptions options = Options(2);
  options.losses = {{.target = "teacher/output_0"}};
  options.graphs = {{.name = "teacher", .graph = &teacher}};
  ir::Graph student = SmallModel();
  const auto statistics = ValuesOf(student, "norm.mean");
  MustTrain(student, Halves(512, 3), {}, options);
  EXPECT_EQ(ir::Print(teacher, {.data = true}), before);
  EXPECT_NE(ValuesOf(student, "norm.mean"), statistics);
  auto accuracy = measure::MeasureAccuracy(student, Halves(200, 4));
  ASSERT_TRUE(accuracy.ok()) << accuracy.status().message();
  EXPECT_GT(accuracy->top1(), 0.95);

  // Labels and the teacher together, and the validation has both as well.
  options.losses = {{.weight = 0.5}, {.target = "teacher/output_0", .weight = 0.5}};
  student = SmallModel();
  const auto history = MustTrain(student, Halves(512, 3), Halves(200, 4), options);
  EXPECT_GT(history.back().validation_accuracy, 0.95);
  EXPECT_GT(history.back().accuracy, 0.9);
}

// --- A mask that a hook writes every ten steps ---

// Every ten steps it takes four more of the smallest weights of @dense.filter out. How many it has
// taken out is its state.
class MaskHook : public StepHook {
 public:
  std::string_view name() const override { return "mask"; }
  std::string options() const override { return "every 10"; }
  std::vector<std::string> host_written() const override { return {"dense.mask"}; }

  Status BeforeStep(StepContext& context) override {
    if (context.step % 10 != 0) return OkStatus();
    taken_out_ += 4;
    TERSOR_ASSIGN_OR_RETURN(const ConstTensorView filter, context.variables.Read("dense.filter"));
    TERSOR_ASSIGN_OR_RETURN(const TensorView mask, context.variables.Write("dense.mask"));
    const auto count = static_cast<size_t>(filter.shape().num_elements());
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::fabs(filter.as<float>()[a]) < std::fabs(filter.as<float>()[b]);
    });
    for (size_t i = 0; i < count; ++i) {
      mask.as<float>()[order[i]] = static_cast<int>(i) < taken_out_ ? 0.0f : 1.0f;
    }
    return OkStatus();
  }

  std::string Save() const override { return std::to_string(taken_out_); }
  Status Restore(std::string_view saved) override {
    if (std::sscanf(std::string(saved).c_str(), "%d", &taken_out_) == 1) return OkStatus();
    return DataLoss("mask: expected a number, found '", saved, "'");
  }

 private:
  int taken_out_ = 0;
};

ir::Graph MaskedModel() {
  ir::GraphBuilder b("masked");
  ir::ValueId x = b.Input("image", Shape{kBatch, 8, 8, 1});
  x = b.Flatten(x);
  const ir::ValueId filter = b.Multiply(
      b.Variable("dense.filter", RandomWeights({2, 64}, 2)),
      b.Variable(
          "dense.mask",
          Tensor::FromValues<float>({DType::kF32, {2, 64}, {}}, std::vector<float>(128, 1.0f)),
          false));
  x = b.FullyConnected(x, filter, b.Variable("dense.bias", Filled(2, 0)));
  auto graph = b.Build({b.Softmax(x)});
  return std::move(graph).value();
}

ir::Graph TrainMasked(TrainerOptions options) {
  MaskHook hook;
  options.hooks = {&hook};
  ir::Graph model = MaskedModel();
  MustTrain(model, Halves(512, 1), {}, options);
  return model;
}

TEST(Guests, AMaskThatAHookWritesEveryTenSteps) {
  for (int threads : {1, 2}) {
    TrainerOptions options = Options(threads);  // 3 epochs of 16 steps
    const ir::Graph whole = TrainMasked(options);
    const auto mask = ValuesOf(whole, "dense.mask");
    EXPECT_EQ(std::count(mask.begin(), mask.end(), 0.0f), 5 * 4);

    options.checkpoint_path = ::testing::TempDir() + "/tersor_guest_mask.tersor";
    options.checkpoint_steps = 4;
    for (int64_t kill : {9, 23, 31}) {
      std::remove(options.checkpoint_path.c_str());
      options.resume = false;
      options.stop_after_steps = kill;
      TrainMasked(options);
      options.resume = true;
      options.stop_after_steps = 0;
      EXPECT_EQ(ir::Print(TrainMasked(options), {.data = true}), ir::Print(whole, {.data = true}))
          << threads << " threads, killed after " << kill;
    }
  }
}

TEST(Guests, ACheckpointOfOtherHooksIsRefused) {
  TrainerOptions options = Options(1);
  options.epochs = 1;
  options.checkpoint_path = ::testing::TempDir() + "/tersor_guest_hooks.tersor";
  std::remove(options.checkpoint_path.c_str());
  TrainMasked(options);
  options.resume = true;
  ir::Graph model = MaskedModel();
  auto history = Train(model, Halves(512, 1), {}, options);
  EXPECT_NE(history.status().message().find("hooks was mask(every 10)"), std::string::npos)
      << history.status().message();
}

// --- Sequences of tokens ---

constexpr int64_t kWords = 20, kLength = 7;

// Each word has a weight between -1 and 1 that is not said; the class is the sign of their sum.
data::Dataset Sentences(int64_t count, uint64_t seed) {
  Tensor tokens = Tensor::Create({DType::kI32, {count, kLength}, {}}).value();
  Tensor labels = Tensor::Create({DType::kI32, {count}, {}}).value();
  Random random(seed, 4);
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int64_t t = 0; t < kLength; ++t) {
      const auto word = static_cast<int32_t>(random.NextBelow(kWords));
      tokens.mutable_values<int32_t>()[static_cast<size_t>(i * kLength + t)] = word;
      sum += std::sin(static_cast<double>(word) * 5 + 1);
    }
    labels.mutable_values<int32_t>()[static_cast<size_t>(i)] = sum > 0 ? 1 : 0;
  }
  return data::DatasetInMemory("sentences", {{"tokens", tokens}, {"label", labels}}).value();
}

ir::Graph BagOfWords() {
  ir::GraphBuilder b("bag_of_words");
  const ir::ValueId tokens = b.Input("tokens", {DType::kI32, {kBatch, kLength}, {}});
  const ir::ValueId rows =
      b.Op(ir::OpKind::kEmbedding, {b.Variable("words", RandomWeights({kWords, 8}, 3)), tokens});
  Attributes mean;
  mean.Set(Attr::axes, std::vector<int64_t>{1});
  const ir::ValueId bag = b.Op(ir::OpKind::kReduceMean, {rows}, mean);
  const ir::ValueId logits =
      b.FullyConnected(bag, b.Variable("dense.filter", RandomWeights({2, 8}, 4)),
                       b.Variable("dense.bias", Filled(2, 0)));
  auto graph = b.Build({b.Softmax(logits)});
  return std::move(graph).value();
}

TEST(Guests, TokenSequencesTrainAnEmbeddingAndADenseLayer) {
  TrainerOptions options = Options(2);
  options.augment = {};
  options.epochs = 10;
  options.step.optimizer.kind = OptimizerKind::kAdam;
  ir::Graph model = BagOfWords();
  const auto history = MustTrain(model, Sentences(2048, 1), Sentences(500, 2), options);
  EXPECT_GT(history.back().validation_accuracy, 0.95);
  EXPECT_NE(ValuesOf(model, "words"), ValuesOf(BagOfWords(), "words"));
  EXPECT_NE(ValuesOf(model, "dense.filter"), ValuesOf(BagOfWords(), "dense.filter"));
  ir::Graph again = BagOfWords();
  MustTrain(again, Sentences(2048, 1), Sentences(500, 2), options);
  EXPECT_EQ(ir::Print(again, {.data = true}), ir::Print(model, {.data = true}));
}

// --- Several fields, and numbers as labels ---

// y = a weighted sum of three numbers plus the weight of a word.
data::Dataset Sums(int64_t count, uint64_t seed) {
  Tensor numbers = Tensor::Create({DType::kF32, {count, 3}, {}}).value();
  Tensor words = Tensor::Create({DType::kI32, {count, 1}, {}}).value();
  Tensor labels = Tensor::Create({DType::kF32, {count, 1}, {}}).value();
  Random random(seed, 5);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const auto row = numbers.mutable_values<float>().subspan(3 * i, 3);
    for (float& x : row) x = random.NextNormal();
    const auto word = static_cast<int32_t>(random.NextBelow(kWords));
    words.mutable_values<int32_t>()[i] = word;
    labels.mutable_values<float>()[i] =
        row[0] - 2 * row[1] + 0.5f * row[2] + static_cast<float>(word % 5);
  }
  return data::DatasetInMemory("sums", {{"label", labels}, {"word", words}, {"numbers", numbers}})
      .value();
}

TEST(Guests, FieldsGoToTheInputsOfTheirNamesAndLabelsMayBeNumbers) {
  ir::GraphBuilder b("sums");
  const ir::ValueId numbers = b.Input("numbers", Shape{kBatch, 3});
  const ir::ValueId word = b.Input("word", {DType::kI32, {kBatch, 1}, {}});
  const ir::ValueId row =
      b.Op(ir::OpKind::kEmbedding, {b.Variable("words", RandomWeights({kWords, 1}, 3)), word});
  const ir::ValueId sum = b.FullyConnected(numbers, b.Variable("filter", RandomWeights({1, 3}, 4)),
                                           b.Variable("bias", Filled(1, 0)));
  auto graph = b.Build({b.Add(sum, b.Reshape(row, {kBatch, 1}))});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ir::Graph model = std::move(graph).value();

  TrainerOptions options = Options(2);
  options.augment = {};
  options.epochs = 20;
  options.step.loss = LossKind::kMeanSquaredError;
  options.step.optimizer.kind = OptimizerKind::kAdam;
  const auto history = MustTrain(model, Sums(1024, 1), Sums(100, 2), options);
  EXPECT_LT(history.back().validation_loss, 0.01);
  EXPECT_EQ(history.back().accuracy, 0);  // numbers are not right or wrong
  const auto filter = ValuesOf(model, "filter");
  EXPECT_NEAR(filter[1] / filter[0], -2, 0.1);
}

}  // namespace
}  // namespace tersor::training
