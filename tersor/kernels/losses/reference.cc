#include <algorithm>
#include <cmath>
#include <limits>

#include "tersor/kernels/kernel_rows.h"
#include "tersor/kernels/losses/losses.h"

namespace tersor::kernels::losses {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/losses/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"losses/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/losses/kernels.inc"
#undef KERNEL
};

struct Extents {
  int64_t examples, classes;
  double label_smoothing;
  bool soft_labels;
};

struct Partition {
  double largest;  ///< logit
  double sum;      ///< of e^(logit - largest)
};

Partition PartitionOf(const float* logits, int64_t classes) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(logits[k] - largest);
  return {largest, sum};
}

// What soft labels ask of one class.
double SoftTarget(const Extents& e, float label) {
  return (1 - e.label_smoothing) * label + e.label_smoothing / static_cast<double>(e.classes);
}

class SoftCrossEntropy : public Kernel {
 public:
  explicit SoftCrossEntropy(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* logits = call.operands[0].as<float>();
    const auto* labels = call.operands[1].as<float>();
    auto* loss = call.results[0].as<float>();
    for (int64_t n = 0; n < e_.examples; ++n, logits += e_.classes, labels += e_.classes) {
      const Partition partition = PartitionOf(logits, e_.classes);
      double total = 0, hits = 0;  // sums of the targets, and of target times logit
      for (int64_t k = 0; k < e_.classes; ++k) {
        const double target = SoftTarget(e_, labels[k]);
        total += target;
        if (target != 0) hits += target * (logits[k] - partition.largest);
      }
      loss[n] = static_cast<float>(total * std::log(partition.sum) - hits);
    }
  }

 private:
  Extents e_;
};

class SoftCrossEntropyGrad : public Kernel {
 public:
  explicit SoftCrossEntropyGrad(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* logits = call.operands[1].as<float>();
    const auto* labels = call.operands[2].as<float>();
    auto* logits_gradient = call.results[0].as<float>();
    for (int64_t n = 0; n < e_.examples; ++n) {
      const Partition partition = PartitionOf(logits, e_.classes);
      double total = 0;
      for (int64_t k = 0; k < e_.classes; ++k) total += SoftTarget(e_, labels[k]);
      for (int64_t k = 0; k < e_.classes; ++k) {
        const double probability = std::exp(logits[k] - partition.largest) / partition.sum;
        logits_gradient[k] =
            static_cast<float>(gradient[n] * (total * probability - SoftTarget(e_, labels[k])));
      }
      logits += e_.classes;
      labels += e_.classes;
      logits_gradient += e_.classes;
    }
  }

 private:
  Extents e_;
};

class CrossEntropy : public Kernel {
 public:
  explicit CrossEntropy(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* logits = call.operands[0].as<float>();
    const auto* labels = call.operands[1].as<int32_t>();
    auto* loss = call.results[0].as<float>();
    for (int64_t n = 0; n < e_.examples; ++n, logits += e_.classes) {
      if (labels[n] < 0 || labels[n] >= e_.classes) {
        loss[n] = std::numeric_limits<float>::quiet_NaN();
        continue;
      }
      const Partition partition = PartitionOf(logits, e_.classes);
      double mean = 0;  // of the logits below the largest
      for (int64_t k = 0; k < e_.classes; ++k) mean += logits[k] - partition.largest;
      mean /= static_cast<double>(e_.classes);
      loss[n] =
          static_cast<float>(std::log(partition.sum) -
                             (1 - e_.label_smoothing) * (logits[labels[n]] - partition.largest) -
                             e_.label_smoothing * mean);
    }
  }

 private:
  Extents e_;
};

class CrossEntropyGrad : public Kernel {
 public:
  explicit CrossEntropyGrad(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* logits = call.operands[1].as<float>();
    const auto* labels = call.operands[2].as<int32_t>();
    auto* logits_gradient = call.results[0].as<float>();
    const double everywhere = e_.label_smoothing / static_cast<double>(e_.classes);
    for (int64_t n = 0; n < e_.examples; ++n) {
      const bool valid = labels[n] >= 0 && labels[n] < e_.classes;
      const double factor = valid ? gradient[n] : std::numeric_limits<double>::quiet_NaN();
      const Partition partition = PartitionOf(logits, e_.classes);
      for (int64_t k = 0; k < e_.classes; ++k) {
        const double target = everywhere + (k == labels[n] ? 1 - e_.label_smoothing : 0);
        const double probability = std::exp(logits[k] - partition.largest) / partition.sum;
        logits_gradient[k] = static_cast<float>(factor * (probability - target));
      }
      logits += e_.classes;
      logits_gradient += e_.classes;
    }
  }

 private:
  Extents e_;
};

class SoftmaxGrad : public Kernel {
 public:
  explicit SoftmaxGrad(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* output = call.operands[1].as<float>();
    auto* input_gradient = call.results[0].as<float>();
    for (int64_t n = 0; n < e_.examples; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < e_.classes; ++k) sum += double{gradient[k]} * output[k];
      for (int64_t k = 0; k < e_.classes; ++k) {
        input_gradient[k] = static_cast<float>(output[k] * (gradient[k] - sum));
      }
      gradient += e_.classes;
      output += e_.classes;
      input_gradient += e_.classes;
    }
  }

 private:
  Extents e_;
};

/// Reads the extents of rows of f32; `labels` may be null.
bool Read(const KernelSpec& spec, const TensorType& rows, const TensorType* labels, Extents& e) {
  if (!spec.epilogue.empty() || rows.dtype != DType::kF32) return false;
  if (spec.results[0].dtype != DType::kF32 || rows.shape.rank() < 1) return false;
  e.classes = rows.shape[rows.shape.rank() - 1];
  if (e.classes < 1) return false;
  e.examples = rows.shape.num_elements() / e.classes;
  if (labels == nullptr) return true;
  e.label_smoothing = spec.attributes->Float(Attr::label_smoothing);
  if (rows.shape.rank() != 2) return false;
  e.soft_labels = labels->dtype == DType::kF32 && labels->shape == rows.shape;
  return e.soft_labels || (labels->dtype == DType::kI32 && labels->shape == Shape{e.examples});
}

}  // namespace

std::span<const KernelRow> CrossEntropyRows() { return RowsOf(kRows, "losses/CrossEntropy"); }
std::span<const KernelRow> CrossEntropyGradRows() {
  return RowsOf(kRows, "losses/CrossEntropyGrad");
}
std::span<const KernelRow> SoftmaxGradRows() { return RowsOf(kRows, "losses/SoftmaxGrad"); }

std::unique_ptr<Kernel> MakeCrossEntropyReference(const KernelSpec& spec) {
  Extents extents;
  if (!Read(spec, *spec.operands[0].type, spec.operands[1].type, extents)) return nullptr;
  if (extents.soft_labels) return std::make_unique<SoftCrossEntropy>(extents);
  return std::make_unique<CrossEntropy>(extents);
}

std::unique_ptr<Kernel> MakeCrossEntropyGradReference(const KernelSpec& spec) {
  Extents extents;
  if (!Read(spec, *spec.operands[1].type, spec.operands[2].type, extents)) return nullptr;
  if (spec.operands[0].dtype() != DType::kF32) return nullptr;
  if (spec.operands[0].shape() != Shape{extents.examples}) return nullptr;
  if (extents.soft_labels) return std::make_unique<SoftCrossEntropyGrad>(extents);
  return std::make_unique<CrossEntropyGrad>(extents);
}

std::unique_ptr<Kernel> MakeSoftmaxGradReference(const KernelSpec& spec) {
  Extents extents;
  if (!Read(spec, *spec.operands[1].type, nullptr, extents)) return nullptr;
  if (spec.operands[0].dtype() != DType::kF32) return nullptr;
  return std::make_unique<SoftmaxGrad>(extents);
}

}  // namespace tersor::kernels::losses
