// Fields of arrays, sets that are streamed, and the hash of a set's contents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/data/dataset.h"
#include "tersor/data/npy.h"
#include "tersor/data/test_bytes.h"

namespace tersor::data {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

template <typename T>
NamedTensor Array(std::string name, Shape shape, const std::vector<T>& values) {
  auto tensor = Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, values);
  EXPECT_TRUE(tensor.ok());
  return {std::move(name), *std::move(tensor)};
}

Result<Dataset> LoadArrays(const std::vector<NamedTensor>& arrays, Split split,
                           const DatasetOptions& options = {}) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/a.npz";
  EXPECT_TRUE(WriteNpz(path, arrays).ok());
  return LoadDataset(path, split, options);
}

Dataset Loaded(const std::vector<NamedTensor>& arrays, Split split) {
  auto set = LoadArrays(arrays, split);
  EXPECT_TRUE(set.ok()) << set.status().message();
  return set.ok() ? *std::move(set) : Dataset();
}

TEST(Fields, WhatIsNoNumberIsRefusedWithItsPlace) {
  std::vector<float> train(8, 1.0f), test(8, 1.0f);
  train[5] = std::numeric_limits<float>::quiet_NaN();
  test[3] = -std::numeric_limits<float>::infinity();
  const std::vector<NamedTensor> arrays = {
      Array<float>("x_train", {4, 2}, train), Array<int32_t>("y_train", {4}, {0, 1, 0, 1}),
      Array<float>("x_test", {4, 2}, test), Array<int32_t>("y_test", {4}, {0, 1, 0, 1})};
  for (const auto& [split, expected] :
       {std::pair{Split::kTest, "example 1 of x_test has -inf at [1], expected finite numbers"},
        {Split::kTrain, "example 2 of x_train has nan at [1], expected finite numbers"}}) {
    DatasetOptions options;
    options.carve.validation_fraction = 0;
    const auto set = LoadArrays(arrays, split, options);
    ASSERT_FALSE(set.ok());
    EXPECT_EQ(set.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(set.status().message(), HasSubstr("a.npz: "));
    EXPECT_THAT(set.status().message(), HasSubstr(expected));
  }
}

template <typename T>
std::vector<T> Values(const Dataset& set, std::string_view field) {
  auto column = set.Column(field);
  EXPECT_TRUE(column.ok()) << column.status().message();
  if (!column.ok()) return {};
  EXPECT_EQ(column->type().dtype, DTypeOf<T>);
  const auto values = column->values<T>();
  return {values.begin(), values.end()};
}

TEST(ArrayFields, OtherNamesAreFurtherFields) {
  const std::vector<NamedTensor> arrays = {
      Array<uint8_t>("mask_train", {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
      Array<int64_t>("count_train", {2}, {-5, 70000}),
      Array<float>("x_train", {2, 3}, {1, 2, 3, 4, 5, 6}),
      Array<int64_t>("y_train", {2}, {1, 0}),
      Array<int16_t>("count_val", {1}, {7}),
      Array<uint8_t>("mask_val", {1, 2, 2}, {9, 9, 9, 9}),
      Array<float>("x_val", {1, 3}, {7, 8, 9}),
      Array<uint8_t>("y_val", {1, 1}, {2}),
      Array<float>("unrelated", {1}, {0}),
  };
  const Dataset train = Loaded(arrays, Split::kTrain);
  EXPECT_EQ(train.fields(), (std::vector<Field>{{"x", {DType::kF32, {3}, {}}},
                                                {"count", {DType::kI32, {}, {}}},
                                                {"mask", {DType::kU8, {2, 2}, {}}},
                                                {"label", {DType::kI32, {}, {}}}}));
  EXPECT_EQ(train.only_input(), nullptr);
  EXPECT_THAT(Values<int32_t>(train, "count"), ElementsAre(-5, 70000));
  EXPECT_THAT(Values<int32_t>(train, "label"), ElementsAre(1, 0));
  EXPECT_THAT(train.class_names, ElementsAre("0", "1"));
  const Dataset both = Loaded(arrays, Split::kTrainAndValidation);
  EXPECT_THAT(Values<int32_t>(both, "count"), ElementsAre(-5, 70000, 7));
  EXPECT_THAT(Values<uint8_t>(both, "mask"), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9));
  EXPECT_THAT(Values<int32_t>(both, "label"), ElementsAre(1, 0, 2));
  EXPECT_THAT(both.class_names, ElementsAre("0", "1", "2"));
}

TEST(ArrayFields, TokenSequencesAreIntegers) {
  const std::vector<NamedTensor> arrays = {
      Array<int64_t>("tokens_test", {2, 3}, {5, 6, 7, 8, 9, 100000}),
      Array<int64_t>("y_test", {2}, {1, 0}),
  };
  const Dataset test = Loaded(arrays, Split::kTest);
  ASSERT_NE(test.only_input(), nullptr);
  EXPECT_EQ(*test.only_input(), (Field{"tokens", {DType::kI32, {3}, {}}}));
  EXPECT_THAT(Values<int32_t>(test, "tokens"), ElementsAre(5, 6, 7, 8, 9, 100000));
  EXPECT_THAT(Values<int32_t>(test, "label"), ElementsAre(1, 0));
  const Dataset bytes = Loaded({Array<uint8_t>("tokens_test", {1, 2}, {65, 66})}, Split::kTest);
  EXPECT_THAT(Values<int32_t>(bytes, "tokens"), ElementsAre(65, 66));

  TemporaryFolder folder;
  const std::string path = folder.path() + "/tokens_of_a_book.npy";
  ASSERT_TRUE(WriteNpy(path, arrays[0].tensor.view()).ok());
  auto one = LoadDataset(path, Split::kTrain);
  ASSERT_TRUE(one.ok()) << one.status().message();
  EXPECT_EQ(one->fields()[0], (Field{"tokens", {DType::kI32, {3}, {}}}));
}

TEST(ArrayFields, LabelsMayBeSoftOrReal) {
  const NamedTensor x = Array<float>("x_test", {2, 1}, {1, 2});
  const Dataset soft =
      Loaded({x, Array<float>("label_test", {2, 2}, {1, 0, 0.25f, 0.75f})}, Split::kTest);
  ASSERT_NE(soft.label(), nullptr);
  EXPECT_EQ(soft.label()->type, (TensorType{DType::kF32, {2}, {}}));
  EXPECT_THAT(Values<float>(soft, "label"), ElementsAre(1, 0, 0.25f, 0.75f));
  EXPECT_EQ(soft.num_classes(), 0);
  const Dataset real = Loaded({x, Array<float>("label_test", {2}, {0.5f, -3})}, Split::kTest);
  EXPECT_EQ(real.label()->type, (TensorType{DType::kF32, {}, {}}));
  const Dataset numbers = Loaded({x, Array<int64_t>("label_test", {2, 1}, {3, 0})}, Split::kTest);
  EXPECT_TRUE(IsClassNumber(*numbers.label()));
  EXPECT_EQ(numbers.num_classes(), 4);
}

TEST(ArrayFields, WithoutSplitsKnownNamesAreCarved) {
  std::vector<int32_t> tokens(40), labels(20);
  for (int i = 0; i < 20; ++i) {
    tokens[static_cast<size_t>(2 * i)] = i;
    labels[static_cast<size_t>(i)] = i % 2;
  }
  const std::vector<NamedTensor> arrays = {Array<int32_t>("tokens", {20, 2}, tokens),
                                           Array<int32_t>("label", {20}, labels)};
  const Dataset train = Loaded(arrays, Split::kTrain), test = Loaded(arrays, Split::kTest);
  EXPECT_EQ(train.size(), 16);
  EXPECT_EQ(test.size(), 2);
  const std::vector<int32_t> rows = Values<int32_t>(train, "tokens");
  const std::vector<int32_t> classes = Values<int32_t>(train, "label");
  for (size_t i = 0; i < classes.size(); ++i) EXPECT_EQ(rows[2 * i] % 2, classes[i]);
}

TEST(ArrayFields, WhatDoesNotFitIsRefusedWithAReason) {
  const NamedTensor x = Array<float>("x_test", {2, 1}, {1, 2});
  const struct {
    std::vector<NamedTensor> arrays;
    Split split;
    const char* message;
  } kCases[] = {
      {{x, Array<float>("extra_test", {3}, {1, 2, 3})},
       Split::kTest,
       "extra_test: has shape [3], expected [2,...] for 2 examples"},
      {{x, Array<int32_t>("y_test", {2}, {65535, 65536})},
       Split::kTest,
       "y_test: label 65536 of example 1, expected 0 to 65535"},
      {{x, Array<int64_t>("extra_test", {2}, {1, int64_t{1} << 31})},
       Split::kTest,
       "extra_test: number 2147483648 of example 1, expected -2147483648 to 2147483647"},
      {{Array<float>("tokens_test", {1, 2}, {1, 2})},
       Split::kTest,
       "tokens_test: has element type f32, expected integers"},
      {{Array<int32_t>("tokens_test", {2}, {1, 2})},
       Split::kTest,
       "tokens_test: has shape [2], expected [count,length]"},
      {{x, Array<int8_t>("y_test", {2}, {0, 1}), Array<int8_t>("label_test", {2}, {0, 1})},
       Split::kTest,
       "y_test and label_test are both the field label of one part"},
      {{Array<float>("x_train", {1, 1}, {1}), Array<float>("x_val", {1, 1}, {1}),
        Array<int8_t>("y_val", {1}, {1})},
       Split::kTrainAndValidation,
       "one of x_train and x_val has labels, the other has none"},
      {{Array<float>("x_train", {1, 1}, {1}), Array<float>("x_val", {1, 1}, {1}),
        Array<int8_t>("z_val", {1}, {1})},
       Split::kTrainAndValidation,
       "the parts of x_train and x_val have different fields"},
      {{Array<float>("x_train", {1, 1}, {1}), Array<float>("x_val", {1, 2}, {1, 2})},
       Split::kTrainAndValidation,
       "x_val has examples of type f32[2], expected f32[1] as in x_train"},
      {{Array<int8_t>("y_test", {1}, {1})}, Split::kTest, "or x, y, found: y_test"},
  };
  for (const auto& c : kCases) {
    const Status status = LoadArrays(c.arrays, c.split).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

TEST(ArrayFields, AFolderOfOtherArraysIsASetToo) {
  TemporaryFolder folder;
  for (const NamedTensor& array :
       {Array<int32_t>("tokens_test", {1, 2}, {1, 2}), Array<int32_t>("y_test", {1}, {0})}) {
    ASSERT_TRUE(WriteNpy(folder.path() + "/" + array.name + ".npy", array.tensor.view()).ok());
  }
  folder.Write("notes.npy", "no array of ours");
  auto set = LoadDataset(folder.path(), Split::kTest);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(Values<int32_t>(*set, "tokens"), ElementsAre(1, 2));
}

TEST(Streamed, GivesTheSameExamplesAsInMemory) {
  TemporaryFolder folder;
  Files files;
  for (uint8_t i = 0; i < 6; ++i) {
    const std::string place = StrCat("test/", i % 2 == 0 ? "even" : "odd", "/", int{i}, ".jpg");
    files.emplace_back(place, JpegOf({4, 6, 3}, {static_cast<uint8_t>(40 * i), 10, 10}));
    folder.Write("folder/" + place, files.back().second);
  }
  for (const std::string& spec :
       {folder.path() + "/folder", folder.Write("a.tar.zst", ZstdOf(TarOf(files)))}) {
    DatasetOptions options;
    for (int size : {0, 3}) {
      options.resize_height = options.resize_width = size;
      options.stream = false;
      auto memory = LoadDataset(spec, Split::kTest, options);
      options.stream = true;
      auto streamed = LoadDataset(spec, Split::kTest, options);
      ASSERT_TRUE(memory.ok() && streamed.ok()) << streamed.status().message();
      EXPECT_EQ(streamed->fields(), memory->fields());
      EXPECT_EQ(streamed->class_names, memory->class_names);
      EXPECT_THAT(Values<uint8_t>(*streamed, "image"),
                  ElementsAreArray(Values<uint8_t>(*memory, "image")));
      EXPECT_THAT(Values<int32_t>(*streamed, "label"), ElementsAre(0, 0, 0, 1, 1, 1));
      EXPECT_EQ(*ContentHash(*streamed), *ContentHash(*memory));
    }
  }
}

TEST(Streamed, DamageIsFoundWhenTheExampleIsRead) {
  TemporaryFolder folder;
  folder.Write("test/a/0.jpg", JpegOf({4, 4, 1}, {9}));
  const std::string second = folder.Write("test/a/1.jpg", JpegOf({4, 4, 1}, {9}));
  DatasetOptions options;
  options.stream = true;
  auto set = LoadDataset(folder.path(), Split::kTest, options);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_TRUE(set->Column("image").ok());
  folder.Write("test/a/1.jpg", "hello");
  EXPECT_THAT(set->Column("image").status().message(), HasSubstr("1.jpg: not a whole JPEG"));
  EXPECT_TRUE(set->Column("label").ok()) << "labels need no image";
}

TEST(ContentHash, TellsContentsApartAndNothingElse) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto hash = [](std::vector<NamedTensor> columns, std::string name = "a") {
    auto set = DatasetInMemory(std::move(name), std::move(columns));
    EXPECT_TRUE(set.ok()) << set.status().message();
    return ContentHash(*set).value();
  };
  const NamedTensor x = Array<float>("x", {3, 2}, values);
  const NamedTensor label = Array<int32_t>("label", {3}, {0, 1, 2});
  const uint64_t expected = hash({x, label});
  EXPECT_EQ(hash({x, label}, "another name"), expected);
  EXPECT_NE(hash({x}), expected);
  EXPECT_NE(hash({x, Array<int32_t>("label", {3}, {0, 2, 1})}), expected);
  EXPECT_NE(hash({Array<float>("z", {3, 2}, values), label}), expected);
  EXPECT_NE(hash({Array<float>("x", {3, 1, 2}, values), label}), expected);
  EXPECT_NE(hash({Array<float>("x", {3, 2}, {2, 1, 3, 4, 5, 6}), label}), expected);
  EXPECT_NE(hash({Array<float>("x", {2, 2}, {1, 2, 3, 4}), Array<int32_t>("label", {2}, {0, 1})}),
            expected);
  EXPECT_EQ(ContentHash(Dataset()).value(), ContentHash(Dataset()).value());
}

TEST(ContentHash, SeesEveryByteOfALargeSet) {
  Tensor bytes = Tensor::Create({DType::kU8, {3000, 999}, {}}).value();
  auto set = DatasetInMemory("bytes", {{"x", bytes}});
  ASSERT_TRUE(set.ok());
  const uint64_t zeros = ContentHash(*set).value();
  for (size_t place : {size_t{0}, size_t{998}, size_t{1'048'576}, size_t{2'996'999}}) {
    bytes.mutable_values<uint8_t>()[place] = 1;
    EXPECT_NE(ContentHash(*set).value(), zeros) << place;
    bytes.mutable_values<uint8_t>()[place] = 0;
  }
  EXPECT_EQ(ContentHash(*set).value(), zeros);
}

TEST(DatasetInMemory, WhatMakesNoSetIsRefused) {
  const auto refused = [](std::vector<NamedTensor> columns) {
    return std::string(DatasetInMemory("set", std::move(columns)).status().message());
  };
  const NamedTensor x = Array<float>("x", {2, 1}, {1, 2});
  EXPECT_THAT(refused({x, Array<int32_t>("label", {1}, {0})}),
              HasSubstr("set: field label has 1 examples, field x has 2"));
  EXPECT_THAT(refused({x, x}), HasSubstr("two fields have the name x"));
  EXPECT_THAT(refused({Array<float>("x", {}, {1})}), HasSubstr("expected a tensor [count,...]"));
  EXPECT_EQ(Dataset().size(), 0);
  EXPECT_TRUE(Dataset().fields().empty());
}

}  // namespace
}  // namespace tersor::data
