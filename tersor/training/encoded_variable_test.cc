// Training takes the dense form of encoded weights.
#include <gtest/gtest.h>

#include "tersor/ir/text.h"
#include "tersor/training/training_step.h"

namespace tersor::training {
namespace {

TEST(TrainingStep, TakesTheDenseFormOfEncodedWeights) {
  auto model = ir::Parse(R"(graph @g(%x: f32[N,4]) -> (%y: f32[N,2]) {
  %y = fully_connected(%x, @w)
}
variable @w: f32[2,4] trainable = bitmap base64 "AACgQAAA4EAAAABAkg=="
)");
  ASSERT_TRUE(model.ok()) << model.status().message();
  auto step = MakeTrainingStep(*model, {});
  ASSERT_TRUE(step.ok()) << step.status().message();
  ir::Value& weight = step->graph.value(step->graph.FindVariable("w"));
  EXPECT_EQ(weight.encoded(), nullptr);
  EXPECT_TRUE(weight.data().buffer()->writable());
  EXPECT_EQ(weight.data().values<float>()[1], 5.0f);
  EXPECT_EQ(weight.data().values<float>()[7], 2.0f);

  // What was trained comes back as dense data, and leaves the encoded form alone.
  const auto encoded = model->value(model->variables()[0]).encoded();
  Tensor(weight.data()).mutable_values<float>()[0] = 3;
  ASSERT_TRUE(CopyVariables(step->graph, *model).ok());
  const ir::Value& trained = model->value(model->variables()[0]);
  EXPECT_EQ(trained.encoded(), nullptr);
  EXPECT_EQ(trained.data().values<float>()[0], 3.0f);
  EXPECT_EQ(encoded->dense().values<float>()[0], 0.0f);
}

}  // namespace
}  // namespace tersor::training
