// What an epoch of training measured.
#pragma once

#include <cstdint>

namespace tersor::training {

struct EpochMetrics {
  int64_t epoch = 0;  ///< counted from 1
  int64_t epochs = 0;
  double learning_rate = 0;    ///< of the last step
  double loss = 0;             ///< mean over the epoch's training examples, each at its step
  double accuracy = 0;         ///< the same; 0 where no loss counts (TrainingStep::counting)
  bool validated = false;      ///< whether there is a validation set
  double validation_loss = 0;  ///< mean over the validation set, with the model in inference mode
  double validation_accuracy = 0;  ///< the same
  double images_per_second = 0;    ///< examples of training alone
  double seconds = 0;              ///< training and validation
};

}  // namespace tersor::training
