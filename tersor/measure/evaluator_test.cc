#include "tersor/measure/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "tersor/ir/text_testing.h"

namespace tersor::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ir::Parsed;

// Two inputs, bound by name, and two outputs.
constexpr const char* kTwo = R"(
graph @two(%b: f32[N,1], %a: f32[N,1]) -> (%sum: f32[N,1], %difference: f32[N,1]) {
  %sum = add(%a, %b)
  %difference = subtract(%a, %b)
}
)";

data::Dataset Numbers(int64_t count, std::vector<std::string> names) {
  std::vector<data::NamedTensor> columns;
  float factor = 1;
  for (std::string& name : names) {
    auto tensor = Tensor::Create({DType::kF32, {count, 1}, {}});
    EXPECT_TRUE(tensor.ok());
    for (int64_t i = 0; i < count; ++i) {
      tensor->mutable_values<float>()[static_cast<size_t>(i)] = factor * static_cast<float>(i);
    }
    factor *= 10;
    columns.push_back({std::move(name), *std::move(tensor)});
  }
  auto set = data::DatasetInMemory("numbers", std::move(columns));
  EXPECT_TRUE(set.ok()) << set.status().message();
  return *std::move(set);
}

Evaluator Make(const ir::Graph& model, int threads, int64_t batch) {
  auto evaluator = Evaluator::Create(model, {.threads = threads, .batch = batch});
  EXPECT_TRUE(evaluator.ok()) << evaluator.status().message();
  return *std::move(evaluator);
}

TEST(Evaluator, BindsFieldsByNameAndGivesEveryExampleOnce) {
  const data::Dataset set = Numbers(23, {"a", "b", "label"});
  for (int threads : {1, 3}) {
    Evaluator evaluator = Make(Parsed(kTwo), threads, 4);
    for (int run = 0; run < 2; ++run) {
      std::mutex mutex;
      std::vector<int> seen(23, 0);
      const Status status = evaluator.Run(set, [&](const EvaluatedBatch& batch, int worker) {
        std::lock_guard lock(mutex);
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, evaluator.threads());
        EXPECT_EQ(batch.first, batch.index * 4);
        EXPECT_EQ(batch.inputs.size(), 2u);
        EXPECT_EQ(batch.outputs.size(), 2u);
        for (int64_t i = 0; i < batch.count; ++i) {
          const auto row = static_cast<size_t>(i);
          const auto number = static_cast<float>(batch.first + i);
          EXPECT_EQ(batch.inputs[0].values<float>()[row], 10 * number) << "b";
          EXPECT_EQ(batch.inputs[1].values<float>()[row], number) << "a";
          EXPECT_EQ(batch.outputs[0].values<float>()[row], 11 * number);
          EXPECT_EQ(batch.outputs[1].values<float>()[row], -9 * number);
          EXPECT_EQ(batch.label->values<float>()[row], 100 * number);
          ++seen[static_cast<size_t>(batch.first + i)];
        }
        return OkStatus();
      });
      EXPECT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(seen, std::vector<int>(23, 1));
    }
  }
}

TEST(Evaluator, RunsOverSetsOfAnySizeWithAndWithoutLabels) {
  Evaluator evaluator = Make(Parsed(kTwo), 2, 8);
  EXPECT_EQ(evaluator.batch(), 8);
  for (int64_t size : {1, 100, 9}) {
    std::atomic<int64_t> count{0};
    double last = 0;
    ASSERT_TRUE(evaluator
                    .Run(
                        Numbers(size, {"a", "b"}),
                        [&](const EvaluatedBatch& batch, int) {
                          EXPECT_EQ(batch.label, nullptr);
                          count += batch.count;
                          return OkStatus();
                        },
                        [&](double share) { last = share; })
                    .ok());
    EXPECT_EQ(count, size);
    EXPECT_EQ(last > 0, size == 100) << "progress is told now and then";
    EXPECT_EQ(evaluator.BatchesOf(Numbers(size, {"a", "b"})), (size + 7) / 8);
  }
}

TEST(Evaluator, RowsBehindTheLastExampleRepeatTheFirstOnes) {
  Evaluator evaluator = Make(Parsed(R"(
graph @fixed(%x: f32[4,1]) -> (%y: f32[4,1]) {
  %y = relu(%x)
}
)"),
                             1, 16);
  EXPECT_EQ(evaluator.batch(), 4);
  std::vector<float> rows;
  ASSERT_TRUE(evaluator
                  .Run(Numbers(5, {"anything"}),
                       [&](const EvaluatedBatch& batch, int) {
                         const auto values = batch.outputs[0].values<float>();
                         rows.insert(rows.end(), values.begin(), values.end());
                         return OkStatus();
                       })
                  .ok());
  EXPECT_THAT(rows, ElementsAre(0, 1, 2, 3, 4, 1, 2, 3));
}

TEST(Evaluator, AFailureOfTheObserverEndsTheRun) {
  Evaluator evaluator = Make(Parsed(kTwo), 2, 1);
  const Status status =
      evaluator.Run(Numbers(50, {"a", "b"}), [](const EvaluatedBatch& batch, int) {
        return batch.index < 10 ? OkStatus() : DataLoss("batch ", batch.index);
      });
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("batch 10"));
}

TEST(Evaluator, WhatDoesNotFitIsRefusedWithAReason) {
  Evaluator evaluator = Make(Parsed(kTwo), 1, 4);
  const auto observer = [](const EvaluatedBatch&, int) { return OkStatus(); };
  EXPECT_THAT(evaluator.Run(Numbers(3, {"a", "c"}), observer).message(),
              HasSubstr("no field for the model's input 'b', its fields are: a, c"));
  EXPECT_FALSE(evaluator.Run(data::Dataset(), observer).ok());
  EXPECT_THAT(
      Evaluator::Create(Parsed("graph @s(%x: f32[]) -> (%y: f32[]) {\n  %y = relu(%x)\n}\n"))
          .status()
          .message(),
      HasSubstr("input 'x' is f32[], expected examples along the first axis"));
}

}  // namespace
}  // namespace tersor::measure
