#include "tersor/measure/accuracy.h"

#include <algorithm>
#include <cmath>

#include "tersor/transforms/pass.h"

namespace tersor::measure {
namespace {

constexpr int kTop = 5;
constexpr double kSmallestProbability = 1e-7;

// What the outputs of a classifier mean.
struct Scores {
  int64_t classes = 0;
  bool probabilities = false;  // a softmax made them; else they are logits
  double scale = 1;            // real = scale * (output - zero_point)
  int32_t zero_point = 0;
};

// One row of outputs beside its label.
struct Verdict {
  int64_t best = 0;  // the largest output; the first of equal ones
  int64_t rank = 0;  // outputs ahead of the label's: the larger ones, and the equal ones before it
  double loss = 0;
};

template <typename T>
Verdict Judge(const T* row, int64_t label, const Scores& scores) {
  Verdict verdict;
  verdict.best = std::max_element(row, row + scores.classes) - row;
  for (int64_t c = 0; c < scores.classes; ++c) {
    if (row[c] > row[label] || (row[c] == row[label] && c < label)) ++verdict.rank;
  }
  const auto real = [&](int64_t c) {
    return scores.scale * (static_cast<double>(row[c]) - scores.zero_point);
  };
  if (scores.probabilities) {
    verdict.loss = -std::log(std::max(real(label), kSmallestProbability));
    return verdict;
  }
  const double largest = real(verdict.best);
  double others = 0;
  for (int64_t c = 0; c < scores.classes; ++c) {
    if (c != verdict.best) others += std::exp(real(c) - largest);
  }
  verdict.loss = std::log1p(others) + largest - real(label);
  return verdict;
}

Verdict Judge(const Tensor& output, int64_t row, int64_t label, const Scores& scores) {
  const int64_t first = row * scores.classes;
  switch (output.type().dtype) {
    case DType::kF32:
      return Judge(output.values<float>().data() + first, label, scores);
    case DType::kI8:
      return Judge(output.values<int8_t>().data() + first, label, scores);
    default:
      return Judge(output.values<uint8_t>().data() + first, label, scores);
  }
}

Result<Scores> ScoresOf(const ir::Graph& model) {
  if (model.outputs().size() != 1) {
    return InvalidArgument("a classifier has one output, the model has ", model.outputs().size());
  }
  const ir::Value& output = model.value(model.outputs()[0]);
  const TensorType& type = output.type();
  const bool known =
      type.dtype == DType::kF32 || type.dtype == DType::kI8 || type.dtype == DType::kU8;
  if (type.shape.rank() != 2 || !known) {
    return InvalidArgument("the output of a classifier is f32, i8 or u8 [N,classes], found ",
                           type.ToString());
  }
  Scores scores;
  scores.classes = type.shape[1];
  if (type.quantization && type.quantization->scales.size() == 1) {
    scores.scale = type.quantization->scales[0];
    scores.zero_point = type.quantization->zero_points[0];
  }
  const ir::Node* maker = output.producer();
  while (maker != nullptr &&
         (maker->op() == ir::OpKind::kDequantize || maker->op() == ir::OpKind::kQuantize ||
          maker->op() == ir::OpKind::kReshape)) {
    maker = model.value(maker->operand(0)).producer();
  }
  scores.probabilities = maker != nullptr && maker->op() == ir::OpKind::kSoftmax;
  return scores;
}

Status CheckLabels(const data::Dataset& dataset) {
  const data::Field* label = dataset.label();
  if (label == nullptr) return InvalidArgument("data set ", dataset.name, " has no labels");
  if (data::IsClassNumber(*label)) return OkStatus();
  return InvalidArgument("data set ", dataset.name, " has labels ", label->type.ToString(),
                         ", expected class numbers i32[]");
}

// What the batches showed: by example and by batch, so that the order of the batches has no effect.
struct Verdicts {
  std::vector<int32_t> predictions, labels;
  std::vector<uint8_t> in_top;
  std::vector<double> batch_loss;
};

Status Note(const EvaluatedBatch& batch, const Scores& scores, const std::string& set,
            Verdicts& verdicts) {
  const auto labels = batch.label->values<int32_t>();
  double loss = 0;
  for (int64_t i = 0; i < batch.count; ++i) {
    const int32_t label = labels[static_cast<size_t>(i)];
    if (label < 0 || label >= scores.classes) {
      return InvalidArgument("data set ", set, " has label ", label, ", the model has ",
                             scores.classes, " classes");
    }
    const Verdict verdict = Judge(batch.outputs[0], i, label, scores);
    const auto example = static_cast<size_t>(batch.first + i);
    verdicts.predictions[example] = static_cast<int32_t>(verdict.best);
    verdicts.labels[example] = label;
    verdicts.in_top[example] = verdict.rank < kTop;
    loss += verdict.loss;
  }
  verdicts.batch_loss[static_cast<size_t>(batch.index)] = loss;
  return OkStatus();
}

}  // namespace

ShareInterval WilsonInterval(int64_t correct, int64_t count) {
  if (count == 0) return {};
  constexpr double kZ = 1.959963984540054;  // two-sided 95 % of the normal distribution
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(correct) / n, z2 = kZ * kZ;
  const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

bool IsNearChance(int64_t correct, int64_t count, int64_t classes) {
  const double chance = 1.0 / static_cast<double>(classes);
  const ShareInterval interval = WilsonInterval(correct, count);
  return interval.low <= chance && chance <= interval.high;
}

Result<Accuracy> MeasureAccuracy(const ir::Graph& model, const data::Dataset& dataset,
                                 const AccuracyOptions& options) {
  ir::Graph prepared = model.Clone();
  if (options.prepare) {
    TERSOR_ASSIGN_OR_RETURN(prepared, transforms::PrepareForInference(model));
  }
  const EvaluatorOptions evaluation{.normalize = options.normalize,
                                    .threads = options.threads,
                                    .batch = options.batch,
                                    .cpu = options.cpu,
                                    .backend = options.backend};
  TERSOR_ASSIGN_OR_RETURN(Evaluator evaluator, Evaluator::Create(prepared, evaluation));
  return MeasureAccuracy(evaluator, dataset, options.progress);
}

Result<Accuracy> MeasureAccuracy(Evaluator& evaluator, const data::Dataset& dataset,
                                 const std::function<void(double)>& progress) {
  TERSOR_ASSIGN_OR_RETURN(const Scores scores, ScoresOf(evaluator.model()));
  TERSOR_RETURN_IF_ERROR(CheckLabels(dataset));
  const auto count = static_cast<size_t>(dataset.size());
  Verdicts verdicts;
  verdicts.predictions.resize(count);
  verdicts.labels.resize(count);
  verdicts.in_top.resize(count);
  verdicts.batch_loss.resize(static_cast<size_t>(evaluator.BatchesOf(dataset)));
  TERSOR_RETURN_IF_ERROR(evaluator.Run(
      dataset,
      [&](const EvaluatedBatch& batch, int) { return Note(batch, scores, dataset.name, verdicts); },
      progress));

  Accuracy total;
  total.count = dataset.size();
  total.class_count.assign(static_cast<size_t>(scores.classes), 0);
  total.class_correct.assign(static_cast<size_t>(scores.classes), 0);
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<size_t>(verdicts.labels[i]);
    const bool correct = verdicts.predictions[i] == verdicts.labels[i];
    total.correct += correct;
    total.correct5 += verdicts.in_top[i];
    ++total.class_count[label];
    total.class_correct[label] += correct;
  }
  for (double loss : verdicts.batch_loss) total.loss += loss;
  total.loss /= static_cast<double>(total.count);
  total.predictions = std::move(verdicts.predictions);
  return total;
}

}  // namespace tersor::measure
