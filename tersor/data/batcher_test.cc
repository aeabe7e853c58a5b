#include "tersor/data/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tersor::data {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

/// `count` images of 3 x 4 x 2; the first pixel of image i is i, its label i % 10.
Dataset Images(int64_t count) {
  Dataset set;
  set.name = "images";
  auto tensor = Tensor::Create({DType::kU8, {count, 3, 4, 2}, {}});
  EXPECT_TRUE(tensor.ok());
  set.examples = *std::move(tensor);
  auto pixels = set.examples.mutable_values<uint8_t>();
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(i % 24 == 0 ? i / 24 : i % 251);
  }
  for (int64_t i = 0; i < count; ++i) set.labels.push_back(static_cast<int32_t>(i % 10));
  return set;
}

Batcher Make(const Dataset& set, const BatcherOptions& options) {
  auto batcher = Batcher::Create(set, options);
  EXPECT_TRUE(batcher.ok()) << batcher.status().message();
  return *std::move(batcher);
}

struct Memory {
  explicit Memory(const Batcher& batcher)
      : examples(static_cast<size_t>(batcher.options().batch_size * batcher.example_elements()),
                 -7.0f),
        labels(static_cast<size_t>(batcher.options().batch_size), -7) {}
  BatchBuffer buffer() { return {examples.data(), labels.data()}; }
  std::vector<float> examples;
  std::vector<int32_t> labels;
};

/// Values and labels of `count` batches of a stream.
std::pair<std::vector<float>, std::vector<int32_t>> Drain(const Batcher& batcher, int threads,
                                                          int buffers, int64_t epoch, int64_t batch,
                                                          int count) {
  std::vector<Memory> memory(static_cast<size_t>(buffers), Memory(batcher));
  std::vector<BatchBuffer> ring;
  for (Memory& m : memory) ring.push_back(m.buffer());
  BatchStream stream(batcher, ring, threads, epoch, batch);
  std::pair<std::vector<float>, std::vector<int32_t>> all;
  for (int i = 0; i < count; ++i) {
    const BatchStream::Batch next = stream.Next();
    EXPECT_EQ(next.epoch,
              (epoch * batcher.batches_per_epoch() + batch + i) / batcher.batches_per_epoch());
    const float* values = next.buffer.examples;
    all.first.insert(all.first.end(), values, values + next.count * batcher.example_elements());
    all.second.insert(all.second.end(), next.buffer.labels, next.buffer.labels + next.count);
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
  Memory memory(batcher);
  batcher.Fill(0, 2, memory.buffer());
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
    Memory memory(batcher);
    for (int64_t batch = 0; batch < 10; ++batch) {
      batcher.Fill(epoch, batch, memory.buffer());
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
  std::vector<Memory> memory(4, Memory(batcher));
  std::vector<BatchBuffer> ring;
  for (Memory& m : memory) ring.push_back(m.buffer());
  for (int taken = 0; taken < 3; ++taken) {
    BatchStream stream(batcher, ring, 3);
    for (int i = 0; i < taken; ++i) stream.Next();
  }
}

TEST(Batcher, FloatExamplesPassUnchangedAndLabelsMayBeMissing) {
  Dataset set;
  set.examples =
      *Tensor::FromValues<float>({DType::kF32, {2, 2}, {}}, std::vector<float>{1.5f, 2, -3, 4});
  const Batcher batcher = Make(set, {.batch_size = 2, .shuffle = false});
  Memory memory(batcher);
  batcher.Fill(0, 0, memory.buffer());
  EXPECT_THAT(memory.examples, ElementsAre(1.5f, 2, -3, 4));
  EXPECT_THAT(memory.labels, Each(-7));
}

TEST(Batcher, WhatMakesNoSenseIsRefusedWithAReason) {
  Dataset features;
  features.examples = *Tensor::Create({DType::kF32, {4, 2}, {}});
  const struct {
    Dataset set;
    BatcherOptions options;
    const char* message;
  } kCases[] = {
      {Dataset{}, {}, "the set is empty"},
      {Images(3), {.batch_size = 0}, "batch size 0, expected 1 or more"},
      {Images(3), {.batch_size = 4}, "images: batch size 4, the set has only 3 examples"},
      {Images(3), {.batch_size = 1, .augment = {.shift_pixels = 3}}, "less than the image [3,4,2]"},
      {Images(3), {.batch_size = 1, .augment = {.shift_pixels = -1}}, "shift by -1 pixels"},
      {features, {.batch_size = 1, .augment = {.flip = true}}, "cannot flip or shift"},
  };
  for (const auto& c : kCases) {
    const Status status = Batcher::Create(c.set, c.options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
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
  EXPECT_NE(DrawAugmentation({.shift_pixels = 1000}, 1, 0, 0).down,
            DrawAugmentation({.shift_pixels = 1000}, 1, 1, 0).down);
}

}  // namespace
}  // namespace tersor::data
