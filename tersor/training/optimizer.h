// Optimizers: which update nodes a training step gets.
#pragma once

#include <optional>
#include <string_view>

namespace tersor::training {

enum class OptimizerKind {
  kSgd,    ///< with momentum (Sutskever et al. 2013); 0 is plain SGD
  kAdam,   ///< Kingma & Ba 2015
  kAdamW,  ///< Loshchilov & Hutter 2019: decay acts on the variable, not on the gradient
};

std::string_view OptimizerName(OptimizerKind kind);
std::optional<OptimizerKind> ParseOptimizer(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double momentum = 0.9;    ///< SGD: share of the last update that is kept
  bool nesterov = true;     ///< SGD: look ahead along the momentum
  double beta1 = 0.9;       ///< Adam: decay of the mean of gradients
  double beta2 = 0.999;     ///< Adam: decay of the mean of squared gradients
  double epsilon = 1e-7;    ///< Adam: added to the root
  double weight_decay = 0;  ///< L2 penalty of filters (not of biases and batch norms)
};

}  // namespace tersor::training
