#include "tersor/data/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace tersor::data {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

template <typename T>
Tensor TensorOf(Shape shape, const std::vector<T>& values) {
  auto tensor = Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, values);
  EXPECT_TRUE(tensor.ok());
  return *std::move(tensor);
}

Dataset SetOf(std::string name, std::vector<NamedTensor> columns) {
  auto set = DatasetInMemory(std::move(name), std::move(columns));
  EXPECT_TRUE(set.ok()) << set.status().message();
  return *std::move(set);
}

/// `count` images of 3 x 4 x 2; the first pixel of image i is i, its label i % 10.
Dataset Images(int64_t count) {
  std::vector<uint8_t> pixels(static_cast<size_t>(count * 24));
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(i % 24 == 0 ? i / 24 : i % 251);
  }
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(static_cast<int32_t>(i % 10));
  return SetOf("images", {{"image", TensorOf<uint8_t>({count, 3, 4, 2}, pixels)},
                          {"label", TensorOf<int32_t>({count}, labels)}});
}

Batcher Make(const Dataset& set, const BatcherOptions& options, std::vector<Field> wanted = {}) {
  auto batcher = Batcher::Create(set, options, std::move(wanted));
  EXPECT_TRUE(batcher.ok()) << batcher.status().message();
  return *std::move(batcher);
}

/// Memory for one batch in which every element is -7.
std::vector<Tensor> Memory(const Batcher& batcher) {
  auto memory = batcher.Allocate();
  EXPECT_TRUE(memory.ok());
  for (Tensor& tensor : *memory) {
    if (tensor.type().dtype == DType::kF32) {
      for (float& x : tensor.mutable_values<float>()) x = -7;
    } else {
      for (int32_t& x : tensor.mutable_values<int32_t>()) x = -7;
    }
  }
  return *std::move(memory);
}

/// The batch of a set with an f32 field, then a class number.
struct Filled {
  std::vector<float> examples;
  std::vector<int32_t> labels;
};
Filled FilledBatch(const Batcher& batcher, int64_t epoch, int64_t batch) {
  std::vector<Tensor> memory = Memory(batcher);
  const Status status = batcher.Fill(epoch, batch, memory);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto examples = memory[0].values<float>();
  Filled filled{{examples.begin(), examples.end()}, {}};
  if (memory.size() > 1) {
    const auto labels = memory[1].values<int32_t>();
    filled.labels.assign(labels.begin(), labels.end());
  }
  return filled;
}

/// Values and labels of `count` batches of a stream.
std::pair<std::vector<float>, std::vector<int32_t>> Drain(const Batcher& batcher, int threads,
                                                          int buffers, int64_t epoch, int64_t batch,
                                                          int count) {
  std::vector<std::vector<Tensor>> ring;
  for (int i = 0; i < buffers; ++i) ring.push_back(Memory(batcher));
  BatchStream stream(batcher, ring, threads, epoch, batch);
  std::pair<std::vector<float>, std::vector<int32_t>> all;
  const int64_t elements = batcher.fields()[0].type.shape.num_elements();
  for (int i = 0; i < count; ++i) {
    auto next = stream.Next();
    EXPECT_TRUE(next.ok()) << next.status().message();
    if (!next.ok()) break;
    EXPECT_EQ(next->epoch,
              (epoch * batcher.batches_per_epoch() + batch + i) / batcher.batches_per_epoch());
    const float* values = next->tensors[0].values<float>().data();
    const int32_t* labels = next->tensors[1].values<int32_t>().data();
    all.first.insert(all.first.end(), values, values + next->count * elements);
    all.second.insert(all.second.end(), labels, labels + next->count);
  }
  return all;
}

TEST(Batcher, InOrderWithARemainder) {
  const Batcher batcher = Make(
      Images(10),
      {.batch_size = 4, .shuffle = false, .drop_remainder = false, .normalize = Normalize::kRaw});
  EXPECT_EQ(batcher.batches_per_epoch(), 3);
  EXPECT_EQ(batcher.BatchCount(1), 4);
  EXPECT_EQ(batcher.BatchCount(2), 2);
  const Filled memory = FilledBatch(batcher, 0, 2);
  EXPECT_THAT(memory.labels, ElementsAre(8, 9, -7, -7));
  EXPECT_EQ(memory.examples[0], 8);
  EXPECT_EQ(memory.examples[24], 9);
  EXPECT_THAT(std::vector<float>(memory.examples.begin() + 48, memory.examples.end()), Each(-7.0f));
}

TEST(Batcher, AnEpochShowsEachExampleOnceInAnOrderOfItsOwn) {
  const Batcher batcher =
      Make(Images(100), {.batch_size = 10, .seed = 5, .normalize = Normalize::kRaw});
  std::vector<std::vector<float>> orders;
  for (int64_t epoch : {0, 1, 2, 0}) {
    std::vector<float> order;
    for (int64_t batch = 0; batch < 10; ++batch) {
      const Filled memory = FilledBatch(batcher, epoch, batch);
      for (size_t row = 0; row < 10; ++row) {
        order.push_back(memory.examples[row * 24]);
        EXPECT_EQ(memory.labels[row], static_cast<int>(order.back()) % 10);
      }
    }
    EXPECT_EQ(std::set<float>(order.begin(), order.end()).size(), 100u);
    orders.push_back(order);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[0], orders[2]);
  EXPECT_NE(orders[1], orders[2]);
  EXPECT_EQ(orders[0], orders[3]);
}

TEST(BatchStream, SameBitsForAnyThreadsBuffersAndStart) {
  const Batcher batcher = Make(Images(53), {.batch_size = 8,
                                            .drop_remainder = false,
                                            .seed = 3,
                                            .augment = {.flip = true, .shift_pixels = 2}});
  const auto whole = Drain(batcher, 0, 1, 0, 0, 25);
  for (int threads : {0, 1, 2, 4}) {
    for (int buffers : {1, 2, 5}) EXPECT_EQ(Drain(batcher, threads, buffers, 0, 0, 25), whole);
  }
  const auto resumed = Drain(batcher, 2, 3, 1, 4, 14);
  EXPECT_TRUE(std::equal(resumed.second.rbegin(), resumed.second.rend(), whole.second.rbegin()));
  EXPECT_TRUE(std::equal(resumed.first.rbegin(), resumed.first.rend(), whole.first.rbegin()));
}

TEST(BatchStream, StopsWhileBatchesWait) {
  const Batcher batcher = Make(Images(16), {.batch_size = 4});
  std::vector<std::vector<Tensor>> ring;
  for (int i = 0; i < 4; ++i) ring.push_back(Memory(batcher));
  for (int taken = 0; taken < 3; ++taken) {
    BatchStream stream(batcher, ring, 3);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(stream.Next().ok());
  }
}

TEST(Batcher, FloatExamplesPassUnchangedAndLabelsMayBeMissing) {
  const Dataset set = SetOf("floats", {{"x", TensorOf<float>({2, 2}, {1.5f, 2, -3, 4})}});
  const Batcher batcher = Make(set, {.batch_size = 2, .shuffle = false});
  const Filled memory = FilledBatch(batcher, 0, 0);
  EXPECT_THAT(memory.examples, ElementsAre(1.5f, 2, -3, 4));
  EXPECT_THAT(memory.labels, testing::IsEmpty());
}

TEST(Batcher, EveryFieldHasItsOwnTypeAndRowsStayTogether) {
  const Dataset set =
      SetOf("many", {{"tokens", TensorOf<int32_t>({3, 2}, {1, 2, 3, 4, 5, 6})},
                     {"image", TensorOf<uint8_t>({3, 1, 1, 1}, {0, 51, 255})},
                     {"weight", TensorOf<float>({3}, {0.5f, 1, 2})},
                     {"label", TensorOf<float>({3, 2}, {1, 0, 0.25f, 0.75f, 0, 1})}});
  const Batcher batcher = Make(set, {.batch_size = 3, .seed = 2, .normalize = Normalize::kUnit});
  EXPECT_EQ(batcher.fields(), (std::vector<Field>{{"tokens", {DType::kI32, {2}, {}}},
                                                  {"image", {DType::kF32, {1, 1, 1}, {}}},
                                                  {"weight", {DType::kF32, {}, {}}},
                                                  {"label", {DType::kF32, {2}, {}}}}));
  std::vector<Tensor> memory = Memory(batcher);
  ASSERT_TRUE(batcher.Fill(1, 0, memory).ok());
  std::set<int32_t> seen;
  for (size_t row = 0; row < 3; ++row) {
    const int32_t first_token = memory[0].values<int32_t>()[2 * row];
    const auto example = static_cast<size_t>(first_token / 2);
    seen.insert(first_token);
    EXPECT_EQ(memory[0].values<int32_t>()[2 * row + 1], first_token + 1);
    EXPECT_EQ(memory[1].values<float>()[row], (std::vector<float>{0, 0.2f, 1})[example]);
    EXPECT_EQ(memory[2].values<float>()[row], (std::vector<float>{0.5f, 1, 2})[example]);
    EXPECT_EQ(memory[3].values<float>()[2 * row + 1], (std::vector<float>{0, 0.75f, 1})[example]);
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Batcher, GivesTheWantedFieldsInTheWantedTypes) {
  const Dataset set = SetOf("many", {{"tokens", TensorOf<int32_t>({2, 2}, {1, 2, 3, -4})},
                                     {"image", TensorOf<uint8_t>({2, 1, 1, 1}, {0, 255})},
                                     {"label", TensorOf<int32_t>({2}, {1, 0})}});
  const Field image{"image", {DType::kI8, {1, 1, 1}, Quantization{{1.0f / 255}, {-128}, -1}}};
  const Field tokens{"tokens", {DType::kI64, {2}, {}}};
  const Batcher batcher = Make(
      set, {.batch_size = 2, .shuffle = false, .normalize = Normalize::kUnit}, {image, tokens});
  auto memory = batcher.Allocate();
  ASSERT_TRUE(memory.ok());
  ASSERT_EQ(memory->size(), 2u);
  ASSERT_TRUE(batcher.Fill(0, 0, *memory).ok());
  EXPECT_THAT((*memory)[0].values<int8_t>(), ElementsAre(-128, 127));
  EXPECT_THAT((*memory)[1].values<int64_t>(), ElementsAre(1, 2, 3, -4));
  (*memory)[0] = Tensor();
  EXPECT_TRUE(batcher.Fill(0, 0, *memory).ok()) << "a field that is not wanted";
}

TEST(Batcher, LabelsAndFloatsAreNeverNormalizedAndOnlyImagesAreAugmented) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4};
  const std::vector<float> floats = {1, 2, 3, 4};
  const Dataset set = SetOf("four", {{"image", TensorOf<uint8_t>({1, 2, 2, 1}, bytes)},
                                     {"plane", TensorOf<float>({1, 2, 2, 1}, floats)},
                                     {"vector", TensorOf<float>({1, 4}, floats)},
                                     {"label", TensorOf<float>({1, 2, 2, 1}, floats)}});
  BatcherOptions options{.batch_size = 1, .normalize = Normalize::kRaw, .augment = {.flip = true}};
  const Batcher batcher = Make(set, options);
  std::vector<Tensor> memory = Memory(batcher);
  int flipped = 0;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    ASSERT_TRUE(batcher.Fill(epoch, 0, memory).ok());
    const bool flip = memory[0].values<float>()[0] == 2;
    flipped += flip;
    for (size_t image : {0, 1}) {
      if (flip) {
        EXPECT_THAT(memory[image].values<float>(), ElementsAre(2, 1, 4, 3));
      } else {
        EXPECT_THAT(memory[image].values<float>(), ElementsAre(1, 2, 3, 4));
      }
    }
    EXPECT_THAT(memory[2].values<float>(), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(memory[3].values<float>(), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_GT(flipped, 4);
  EXPECT_LT(flipped, 16);
}

TEST(Batcher, TheAugmentationOfAnExampleIsTheSameInEveryBatch) {
  const AugmentOptions augment{.flip = true, .shift_pixels = 2};
  const Dataset set = Images(24);
  const Tensor pixels = set.Column("image").value();
  for (int64_t batch_size : {1, 5, 24}) {
    const Batcher batcher = Make(set,
                                 {.batch_size = batch_size,
                                  .drop_remainder = false,
                                  .seed = 9,
                                  .normalize = Normalize::kRaw,
                                  .augment = augment},
                                 {{"image", {DType::kF32, {3, 4, 2}, {}}}, set.fields()[1]});
    const Batcher order = Make(set, {.batch_size = batch_size,
                                     .drop_remainder = false,
                                     .seed = 9,
                                     .normalize = Normalize::kRaw});
    for (int64_t batch = 0; batch < batcher.batches_per_epoch(); ++batch) {
      const Filled found = FilledBatch(batcher, 4, batch), plain = FilledBatch(order, 4, batch);
      for (size_t row = 0; row < static_cast<size_t>(batcher.BatchCount(batch)); ++row) {
        const auto example = static_cast<int64_t>(plain.examples[24 * row]);
        std::vector<uint8_t> expected(24);
        Augment(pixels.values<uint8_t>().data() + 24 * example, {3, 4, 2}, 1,
                DrawAugmentation(augment, 9, 4, example), augment.fill, expected.data());
        EXPECT_TRUE(
            std::equal(expected.begin(), expected.end(), found.examples.begin() + 24 * row));
      }
    }
  }
}

TEST(Batcher, ARemainderMayBeFilledWithTheFirstExamplesAgain) {
  const Batcher batcher =
      Make(Images(5),
           {.batch_size = 4, .shuffle = false, .drop_remainder = false, .fill_remainder = true});
  EXPECT_EQ(batcher.BatchCount(1), 1);
  EXPECT_THAT(FilledBatch(batcher, 0, 1).labels, ElementsAre(4, 1, 2, 3));
  const Batcher larger =
      Make(Images(2),
           {.batch_size = 5, .shuffle = false, .drop_remainder = false, .fill_remainder = true});
  EXPECT_THAT(FilledBatch(larger, 0, 0).labels, ElementsAre(0, 1, 0, 1, 0));
}

TEST(Batcher, ExamplesOfAnySizeAreWhole) {
  // Larger than what is read at a time, about half of it, and an odd share of it.
  for (const Shape& image : {Shape{200, 120, 3}, Shape{100, 100, 3}, Shape{61, 59, 1}}) {
    const int64_t elements = image.num_elements(), count = 23;
    std::vector<uint8_t> pixels(static_cast<size_t>(count * elements));
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 7 % 251);
    const Dataset set = SetOf(
        "large", {{"image", TensorOf<uint8_t>({count, image[0], image[1], image[2]}, pixels)},
                  {"number", TensorOf<float>({count, 1},
                                             std::vector<float>(static_cast<size_t>(count), 5))}});
    const Batcher batcher =
        Make(set, {.batch_size = count, .shuffle = false, .normalize = Normalize::kRaw});
    std::vector<Tensor> memory = Memory(batcher);
    ASSERT_TRUE(batcher.Fill(0, 0, memory).ok());
    const auto values = memory[0].values<float>();
    ASSERT_TRUE(std::equal(values.begin(), values.end(), pixels.begin(), pixels.end()));
    EXPECT_THAT(memory[1].values<float>(), Each(5.0f));
  }
}

/// A source that is read on demand, and fails at one example.
class Counting : public ExampleSource {
 public:
  explicit Counting(int64_t size, int64_t broken = -1) : size_(size), broken_(broken) {}
  int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return fields_; }
  Status Read(std::span<const int64_t> examples, std::span<std::byte* const> out) const override {
    for (size_t row = 0; row < examples.size(); ++row) {
      if (examples[row] == broken_) return DataLoss("example ", broken_, " is damaged");
      const auto number = static_cast<int32_t>(examples[row]);
      const auto value = static_cast<float>(number);
      if (out[0] != nullptr) std::memcpy(out[0] + 4 * row, &value, 4);
      if (out[1] != nullptr) std::memcpy(out[1] + 4 * row, &number, 4);
    }
    return OkStatus();
  }

 private:
  int64_t size_, broken_;
  std::vector<Field> fields_ = {{"x", {DType::kF32, {1}, {}}}, {"label", {DType::kI32, {}, {}}}};
};

TEST(BatchStream, ReadsExamplesOnDemandAndSaysWhichBatchFails) {
  Dataset set;
  set.source = std::make_shared<Counting>(100'000);
  const auto whole = Drain(Make(set, {.batch_size = 8}), 2, 3, 0, 0, 4);
  for (size_t i = 0; i < whole.first.size(); ++i) {
    EXPECT_EQ(whole.first[i], static_cast<float>(whole.second[i]));
  }
  set.source = std::make_shared<Counting>(12, 9);
  const Batcher batcher = Make(set, {.batch_size = 4, .shuffle = false});
  for (int threads : {0, 1, 3}) {
    BatchStream stream(batcher, {Memory(batcher), Memory(batcher)}, threads);
    EXPECT_TRUE(stream.Next().ok());
    EXPECT_TRUE(stream.Next().ok());
    EXPECT_THAT(stream.Next().status().message(), HasSubstr("example 9 is damaged"));
    EXPECT_TRUE(stream.Next().ok()) << "the next epoch begins with a whole batch";
  }
}

TEST(BindInputs, ByNameOrTheOnlyFieldToTheOnlyInput) {
  const TensorType type{DType::kF32, {3, 4, 2}, {}};
  const Dataset images = Images(2);
  auto only = BindInputs(images, std::vector<Field>{{"some_input", type}});
  ASSERT_TRUE(only.ok());
  EXPECT_EQ(*only, (std::vector<Field>{{"image", type}}));
  auto both = BindInputs(images, std::vector<Field>{{"label", type}, {"image", type}});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ((*both)[0].name, "label");
  EXPECT_THAT(
      BindInputs(images, std::vector<Field>{{"a", type}, {"image", type}}).status().message(),
      HasSubstr("no field for the model's input 'a', its fields are: image, label"));
  const Dataset two =
      SetOf("two", {{"a", TensorOf<float>({1}, {1})}, {"b", TensorOf<float>({1}, {1})}});
  EXPECT_FALSE(BindInputs(two, std::vector<Field>{{"c", type}}).ok());
  auto b = BindInputs(two, std::vector<Field>{{"b", type}});
  ASSERT_TRUE(b.ok());
  EXPECT_EQ((*b)[0].name, "b");
}

TEST(Batcher, WhatMakesNoSenseIsRefusedWithAReason) {
  const Dataset features = SetOf("features", {{"x", *Tensor::Create({DType::kF32, {4, 2}, {}})}});
  const struct {
    Dataset set;
    BatcherOptions options;
    const char* message;
    std::vector<Field> wanted = {};
  } kCases[] = {
      {Dataset{}, {}, "the set is empty"},
      {Images(3), {.batch_size = 0}, "batch size 0, expected 1 or more"},
      {Images(3), {.batch_size = 4}, "images: batch size 4, the set has only 3 examples"},
      {Images(3), {.batch_size = 1, .augment = {.shift_pixels = 3}}, "less than the image [3,4,2]"},
      {Images(3), {.batch_size = 1, .augment = {.shift_pixels = -1}}, "shift by -1 pixels"},
      {features, {.batch_size = 1, .augment = {.flip = true}}, "cannot flip or shift"},
      {features, {.batch_size = 1}, "no field y, found: x", {{"y", {DType::kF32, {2}, {}}}}},
      {features, {.batch_size = 1}, "the extents", {{"x", {DType::kF32, {3}, {}}}}},
  };
  for (const auto& c : kCases) {
    const Status status = Batcher::Create(c.set, c.options, c.wanted).status();
    EXPECT_FALSE(status.ok());
    if (c.wanted.empty()) {
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    }
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

TEST(Augment, FlipsAndShifts) {
  const std::vector<uint8_t> in = {1, 2, 3,  //
                                   4, 5, 6};
  using Fill = AugmentOptions::Fill;
  const struct {
    Augmentation augmentation;
    Fill fill;
    std::vector<uint8_t> out;
  } kCases[] = {
      {{false, 0, 0}, Fill::kZero, {1, 2, 3, 4, 5, 6}},
      {{true, 0, 0}, Fill::kZero, {3, 2, 1, 6, 5, 4}},
      {{false, 1, 0}, Fill::kZero, {0, 0, 0, 1, 2, 3}},
      {{false, 0, 1}, Fill::kZero, {0, 1, 2, 0, 4, 5}},
      {{false, -1, -1}, Fill::kZero, {5, 6, 0, 0, 0, 0}},
      {{false, -1, -1}, Fill::kEdge, {5, 6, 6, 5, 6, 6}},
      {{true, 1, 1}, Fill::kEdge, {3, 3, 2, 3, 3, 2}},
  };
  for (const auto& c : kCases) {
    std::vector<uint8_t> out(6);
    Augment(in.data(), {2, 3, 1}, 1, c.augmentation, c.fill, out.data());
    EXPECT_THAT(out, ElementsAreArray(c.out));
  }
}

TEST(Augment, ChannelsAndElementsStayTogether) {
  const std::vector<float> in = {1, 2, 3, 4};
  std::vector<float> out(4);
  Augment(in.data(), {1, 2, 2}, 4, {true, 0, 0}, AugmentOptions::Fill::kZero, out.data());
  EXPECT_THAT(out, ElementsAre(3, 4, 1, 2));
}

TEST(Augment, DrawsEveryChoiceAboutEquallyOften) {
  const AugmentOptions options{.flip = true, .shift_pixels = 1};
  int flips = 0, down[3] = {}, right[3] = {};
  for (int example = 0; example < 3000; ++example) {
    const Augmentation drawn = DrawAugmentation(options, 1, 0, example);
    flips += drawn.flip;
    ASSERT_LE(std::abs(drawn.down), 1);
    ASSERT_LE(std::abs(drawn.right), 1);
    ++down[drawn.down + 1];
    ++right[drawn.right + 1];
  }
  EXPECT_NEAR(flips, 1500, 150);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(down[i], 1000, 150);
    EXPECT_NEAR(right[i], 1000, 150);
  }
}

TEST(Augment, TheDrawDependsOnSeedEpochAndExample) {
  const AugmentOptions options{.shift_pixels = 1000};
  const int down = DrawAugmentation(options, 1, 0, 0).down;
  EXPECT_EQ(DrawAugmentation(options, 1, 0, 0).down, down);
  EXPECT_NE(DrawAugmentation(options, 2, 0, 0).down, down);
  EXPECT_NE(DrawAugmentation(options, 1, 1, 0).down, down);
  EXPECT_NE(DrawAugmentation(options, 1, 0, 1).down, down);
}

}  // namespace
}  // namespace tersor::data
