#include "tersor/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "tersor/base/file.h"
#include "tersor/base/test_data.h"
#include "tersor/data/archive.h"
#include "tersor/data/npy.h"
#include "tersor/data/test_bytes.h"

namespace tersor::data {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ImageSize kSmall{4, 6, 3};

/// 2 classes of 3 training and 1 test image each; the colour tells which.
Files SmallSet() {
  Files files;
  for (uint8_t i = 0; i < 3; ++i) {
    files.emplace_back(StrCat("set/train/dog/", int{i}, ".jpg"), JpegOf(kSmall, {10, 10, 10}));
    files.emplace_back(StrCat("set/train/cat/", int{i}, ".JPEG"), JpegOf(kSmall, {200, 200, 200}));
  }
  files.emplace_back("set/test/cat/0.jpg", JpegOf(kSmall, {100, 100, 100}));
  files.emplace_back("set/test/dog/0.jpg", JpegOf(kSmall, {50, 50, 50}));
  files.emplace_back("set/readme.txt", "hello");
  return files;
}

/// The values of the field that is no label, [count,...].
Tensor Examples(const Dataset& set) {
  EXPECT_NE(set.only_input(), nullptr);
  auto column = set.Column(set.only_input()->name);
  EXPECT_TRUE(column.ok()) << column.status().message();
  return *std::move(column);
}

std::vector<int32_t> Labels(const Dataset& set) {
  auto column = set.Column(kLabelField);
  EXPECT_TRUE(column.ok()) << column.status().message();
  const auto values = column->values<int32_t>();
  return {values.begin(), values.end()};
}

std::vector<uint8_t> FirstPixels(const Dataset& set) {
  std::vector<uint8_t> pixels;
  const Tensor examples = Examples(set);
  const auto values = examples.values<uint8_t>();
  for (int64_t i = 0; i < set.size(); ++i) {
    pixels.push_back(values[static_cast<size_t>(i) * values.size() / set.size()]);
  }
  return pixels;
}

int64_t CountLabel(const Dataset& set, int32_t label) {
  const std::vector<int32_t> labels = Labels(set);
  return std::count(labels.begin(), labels.end(), label);
}

DatasetOptions NoCarving() {
  DatasetOptions options;
  options.carve.validation_fraction = 0;
  return options;
}

Status StatusOf(std::string_view spec, Split split, const DatasetOptions& options = {}) {
  return LoadDataset(spec, split, options).status();
}

TEST(ImageSet, FolderAndArchivesGiveTheSame) {
  TemporaryFolder folder;
  for (const auto& [name, bytes] : SmallSet()) folder.Write("images/" + name, bytes);
  const std::string tar = TarOf(SmallSet());
  for (const std::string& spec :
       {folder.path() + "/images", folder.Write("a.tar", tar),
        folder.Write("a.tar.gz", GzipOf(tar)), folder.Write("a.tar.zst", ZstdOf(tar))}) {
    for (int threads : {1, 3}) {
      DatasetOptions options = NoCarving();
      options.threads = threads;
      auto train = LoadDataset(spec, Split::kTrain, options);
      ASSERT_TRUE(train.ok()) << train.status().message();
      EXPECT_EQ(Examples(*train).type(), (TensorType{DType::kU8, {6, 4, 6, 3}, {}}));
      EXPECT_EQ(train->only_input()->type.shape, (Shape{4, 6, 3}));
      EXPECT_EQ(train->only_input()->name, "image");
      EXPECT_THAT(train->class_names, ElementsAre("cat", "dog"));
      EXPECT_THAT(Labels(*train), ElementsAre(0, 0, 0, 1, 1, 1));
      EXPECT_THAT(FirstPixels(*train), ElementsAre(200, 200, 200, 10, 10, 10));
      EXPECT_EQ(train->name, spec);
      auto test = LoadDataset(spec, Split::kTest, options);
      ASSERT_TRUE(test.ok()) << test.status().message();
      EXPECT_THAT(Labels(*test), ElementsAre(0, 1));
      EXPECT_THAT(FirstPixels(*test), ElementsAre(100, 50));
    }
  }
}

TEST(ImageSet, WithoutSplitsBothOthersAreCarved) {
  TemporaryFolder folder;
  Files files;
  for (int i = 0; i < 20; ++i) {
    files.emplace_back(StrCat("a/", i, ".jpg"), JpegOf({1, 1, 1}, {10}));
    files.emplace_back(StrCat("b/", i, ".jpg"), JpegOf({1, 1, 1}, {20}));
  }
  const std::string spec = folder.Write("a.tar", TarOf(files));
  for (const auto& [split, size] :
       {std::pair(Split::kTrain, 32), std::pair(Split::kValidation, 4), std::pair(Split::kTest, 4),
        std::pair(Split::kTrainAndValidation, 36)}) {
    auto set = LoadDataset(spec, split);
    ASSERT_TRUE(set.ok()) << set.status().message();
    EXPECT_EQ(set->size(), size) << SplitName(split);
    EXPECT_EQ(CountLabel(*set, 0), size / 2);
  }
}

TEST(ImageSet, ChannelsAndSizeAreMadeAsAsked) {
  TemporaryFolder folder;
  const std::string spec =
      folder.Write("a.tar", TarOf({{"test/a/0.jpg", JpegOf({8, 8, 3}, {90, 90, 90})},
                                   {"test/a/1.jpg", JpegOf({16, 4, 1}, {30})}}));
  DatasetOptions options;
  EXPECT_THAT(StatusOf(spec, Split::kTest, options).message(),
              HasSubstr("a/1.jpg: image of 16x4x3, expected 8x8x3 as the first, test/a/0.jpg"));
  options.resize_height = 5;
  options.resize_width = 7;
  auto colour = LoadDataset(spec, Split::kTest, options);
  ASSERT_TRUE(colour.ok()) << colour.status().message();
  EXPECT_EQ(Examples(*colour).type().shape, (Shape{2, 5, 7, 3}));
  EXPECT_THAT(Examples(*colour).values<uint8_t>().first(105), Each(90));
  EXPECT_THAT(Examples(*colour).values<uint8_t>().last(105), Each(30));
  options.channels = 1;
  auto gray = LoadDataset(spec, Split::kTest, options);
  ASSERT_TRUE(gray.ok()) << gray.status().message();
  EXPECT_EQ(Examples(*gray).type().shape, (Shape{2, 5, 7, 1}));
  EXPECT_THAT(FirstPixels(*gray), ElementsAre(90, 30));
  options.max_bytes = 100000;
  options.resize_height = options.resize_width = 1000;
  EXPECT_EQ(StatusOf(spec, Split::kTest, options).code(), StatusCode::kResourceExhausted);
}

TEST(ImageSet, MaxExamplesKeepsTheSharesOfClasses) {
  TemporaryFolder folder;
  const std::string spec = folder.Write("a.tar", TarOf(SmallSet()));
  DatasetOptions options = NoCarving();
  options.max_examples = 2;
  auto set = LoadDataset(spec, Split::kTrain, options);
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(Labels(*set), ElementsAre(0, 1));
}

TEST(ImageSet, BadSourcesAreRefusedWithAReason) {
  TemporaryFolder folder;
  const std::string jpeg = JpegOf({40, 40, 3}, {10, 200, 30});
  std::string huge = jpeg;  // its frame header says 60000 x 60000
  const size_t frame = huge.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i : {5, 7}) {
    huge[frame + i] = '\xea';
    huge[frame + i + 1] = '\x60';
  }
  std::string tar_of_huge_entry = TarOf({{"test/a/0.jpg", jpeg}});
  tar_of_huge_entry.replace(124, 11, "77777777777");  // the size field: 8 GiB - 1
  unsigned sum = 0;
  tar_of_huge_entry.replace(148, 8, "        ");
  for (int i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar_of_huge_entry[i]);
  char checksum[8];
  std::snprintf(checksum, sizeof(checksum), "%06o", sum);
  tar_of_huge_entry.replace(148, 8, std::string(checksum, 7) + " ");
  const std::string tar = TarOf(SmallSet());
  const struct {
    std::string name, bytes;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {"cut.tar", TarOf({{"test/a/0.jpg", jpeg.substr(0, jpeg.size() / 2)}}), StatusCode::kDataLoss,
       "cut.tar/test/a/0.jpg: not a whole JPEG image: Premature end of JPEG file"},
      {"cut_scan.tar", TarOf({{"test/a/0.jpg", jpeg.substr(0, jpeg.size() - 9)}}),
       StatusCode::kDataLoss,
       "cut_scan.tar/test/a/0.jpg: damaged JPEG image: Premature end of JPEG file"},
      {"text.tar", TarOf({{"test/a/0.jpg", "hello"}}), StatusCode::kDataLoss,
       "text.tar/test/a/0.jpg: not a whole JPEG image"},
      {"empty_jpeg.tar", TarOf({{"test/a/0.jpg", ""}}), StatusCode::kDataLoss, "not a whole JPEG"},
      {"huge.tar", TarOf({{"test/a/0.jpg", huge}}), StatusCode::kResourceExhausted,
       "image of 60000x60000x3, the limit is"},
      {"entry.tar", tar_of_huge_entry, StatusCode::kResourceExhausted,
       "test/a/0.jpg, which declares 8589934591"},
      {"half.tar", tar.substr(0, tar.size() / 2 + 700), StatusCode::kDataLoss, "half.tar: "},
      {"half.tar.gz", GzipOf(tar).substr(0, 300), StatusCode::kDataLoss, "half.tar.gz: "},
      {"half.tar.zst", ZstdOf(tar).substr(0, 300), StatusCode::kDataLoss, "half.tar.zst: "},
      {"noise.tar", std::string(5000, 'x'), StatusCode::kDataLoss, "noise.tar: "},
      {"none.tar", TarOf({{"test/a/0.png", "x"}}), StatusCode::kNotFound,
       "found no *.jpg in [split/]class/ folders, but test/a/0.png"},
      {"flat.tar", TarOf({{"0.jpg", jpeg}}), StatusCode::kInvalidArgument, "in no class folder"},
      {"train.tar", TarOf({{"train/a/0.jpg", jpeg}}), StatusCode::kNotFound,
       "no test split, found: train"},
      {"mixed.tar", TarOf({{"test/a/0.jpg", jpeg}, {"b/0.jpg", jpeg}}),
       StatusCode::kInvalidArgument, "some examples lie in a named split (test) and some in none"},
      {"set.rar", "x", StatusCode::kUnsupported, "not a kind of data set"},
  };
  for (const auto& c : kCases) {
    const Status status = StatusOf(folder.Write(c.name, c.bytes), Split::kTest);
    EXPECT_EQ(status.code(), c.code) << c.name << ": " << status.message();
    EXPECT_THAT(status.message(), HasSubstr(c.message)) << c.name;
  }
}

TEST(ImageSet, ABombIsRefusedBeforeItUnpacks) {
  TemporaryFolder folder;
  const std::string zeros(1 << 22, '\0');
  const std::string spec = folder.Write(
      "a.tar.zst", ZstdOf(TarOf({{"notes.txt", zeros}, {"test/a/0.jpg", JpegOf({4, 4, 1}, {9})}})));
  EXPECT_TRUE(LoadDataset(spec, Split::kTest).ok());
  DatasetOptions options;
  options.max_bytes = 1 << 20;
  const Status status = StatusOf(spec, Split::kTest, options);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("a.tar.zst: unpacks to more than the limit of 1048576"));
}

TEST(ImageSet, AFolderMayHoldWhatIsNoFile) {
  TemporaryFolder folder;
  folder.Write("test/a/0.jpg", JpegOf({4, 4, 1}, {9}));
  std::filesystem::create_directory_symlink(folder.path(), folder.path() + "/test/loop");
  auto set = LoadDataset(folder.path(), Split::kTest);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->size(), 1);
  folder.Write("1/2/3/4/5/6/7/8/9.jpg", "");
  EXPECT_THAT(StatusOf(folder.path(), Split::kTest).message(),
              HasSubstr("more than 8 folders deep"));
  std::filesystem::remove_all(folder.path() + "/1");
  ASSERT_EQ(::mkfifo((folder.path() + "/test/a/1.jpg").c_str(), 0600), 0);
  const Status status = StatusOf(folder.path(), Split::kTest);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("test/a/1.jpg: it is not a regular file"));
}

TEST(ImageSet, AColourImageAmongGrayOnesIsRefused) {
  TemporaryFolder folder;
  const std::string spec = folder.Write("a.tar", TarOf({{"test/a/0.jpg", JpegOf({4, 4, 1}, {9})},
                                                        {"test/a/1.jpg", JpegOf({4, 4, 3}, {9})}}));
  EXPECT_THAT(StatusOf(spec, Split::kTest).message(), HasSubstr("colour image among gray ones"));
}

void WriteIdxSet(const TemporaryFolder& folder, const std::string& ending) {
  const auto pack = [&](const std::string& bytes) {
    return ending == ".gz" ? GzipOf(bytes) : bytes;
  };
  std::string images, labels;
  for (int i = 0; i < 20; ++i) {
    images += std::string(6, static_cast<char>(i));
    labels += static_cast<char>(i % 2);
  }
  folder.Write("train-images-idx3-ubyte" + ending, pack(IdxOf({20, 2, 3}, images)));
  folder.Write("train-labels-idx1-ubyte" + ending, pack(IdxOf({20}, labels)));
  folder.Write("t10k-images-idx3-ubyte" + ending, pack(IdxOf({2, 2, 3}, "aaaaaabbbbbb")));
  folder.Write("t10k-labels-idx1-ubyte" + ending, pack(IdxOf({2}, {"\1\0", 2})));
}

TEST(IdxSet, SplitsAreDisjointAndStratified) {
  for (const std::string ending : {"", ".gz"}) {
    TemporaryFolder folder;
    WriteIdxSet(folder, ending);
    std::set<uint8_t> seen;
    for (const auto& [split, size] :
         {std::pair(Split::kTrain, 18), std::pair(Split::kValidation, 2)}) {
      auto set = LoadDataset(folder.path(), split);
      ASSERT_TRUE(set.ok()) << set.status().message();
      EXPECT_EQ(Examples(*set).type().shape, (Shape{size, 2, 3, 1}));
      EXPECT_EQ(CountLabel(*set, 0), size / 2);
      EXPECT_THAT(set->class_names, ElementsAre("0", "1"));
      const std::vector<uint8_t> pixels = FirstPixels(*set);
      for (size_t i = 0; i < pixels.size(); ++i) EXPECT_EQ(pixels[i] % 2, Labels(*set)[i]);
      seen.insert(pixels.begin(), pixels.end());
    }
    EXPECT_EQ(seen.size(), 20u);
    auto both = LoadDataset(folder.path(), Split::kTrainAndValidation);
    ASSERT_TRUE(both.ok());
    EXPECT_EQ(both->size(), 20);
    auto test = LoadDataset(folder.path(), Split::kTest);
    ASSERT_TRUE(test.ok());
    EXPECT_THAT(Labels(*test), ElementsAre(1, 0));
    EXPECT_THAT(FirstPixels(*test), ElementsAre('a', 'b'));
    EXPECT_EQ(Examples(*test).type().shape, (Shape{2, 2, 3, 1}));
  }
}

TEST(IdxSet, BadFilesAreRefusedWithAReason) {
  const std::string whole = IdxOf({2, 2, 3}, "aaaaaabbbbbb");
  const struct {
    std::string bytes;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {"", StatusCode::kDataLoss, "IDX magic needs 4 bytes, found 0"},
      {whole.substr(0, 9), StatusCode::kDataLoss, "IDX header needs 12 bytes, found 5"},
      {whole.substr(0, 20), StatusCode::kDataLoss, "IDX data u8[2,2,3] needs 12 bytes, found 4"},
      {IdxOf({2, 20, 3}, "aaaaaab"), StatusCode::kDataLoss,
       "header claims u8[2,20,3], 120 bytes, the file of 23 bytes can hold at most 23"},
      {whole + "x", StatusCode::kDataLoss, "more data than the header's u8[2,2,3]"},
      {GzipOf(whole).substr(0, 22), StatusCode::kDataLoss, "gzip data is cut after 22 bytes"},
      {"\x1f\x8bxxxxxxxxxxxxxxx", StatusCode::kDataLoss, "gzip data is damaged"},
      {IdxOf({1u << 31, 28, 28}, "abc"), StatusCode::kResourceExhausted,
       "header claims u8[2147483648,28,28], 1683627180032 bytes, the limit is 4294967296"},
      {GzipOf(IdxOf({1u << 20, 28, 28}, "abc")), StatusCode::kDataLoss, "can hold at most"},
      {IdxOf({~0u, ~0u, ~0u}, "abc"), StatusCode::kResourceExhausted, "header claims"},
      {std::string("\0\0\x0d\1\0\0\0\1abcd", 12), StatusCode::kUnsupported, "element type 13"},
      {"P5 28 28", StatusCode::kDataLoss, "not an IDX file"},
      {IdxOf({3, 2, 3}, "aaaaaabbbbbbcccccc"), StatusCode::kDataLoss,
       "t10k-labels: has shape [2], expected [3] or [3,1]"},
  };
  for (const auto& c : kCases) {
    TemporaryFolder folder;
    WriteIdxSet(folder, "");
    const std::string path = folder.Write("t10k-images-idx3-ubyte", c.bytes);
    const Status status = StatusOf(folder.path(), Split::kTest);
    EXPECT_EQ(status.code(), c.code) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(folder.path()));
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

template <typename T>
NamedTensor Array(std::string name, Shape shape, std::vector<T> values) {
  auto tensor = Tensor::FromValues<T>({DTypeOf<T>, std::move(shape), {}}, values);
  EXPECT_TRUE(tensor.ok());
  return {std::move(name), *std::move(tensor)};
}

TEST(ArraySet, NpzAndNpyFolderGiveTheSame) {
  TemporaryFolder folder;
  const std::vector<NamedTensor> arrays = {
      Array<float>("x_train", {2, 3}, {1, 2, 3, 4, 5, 6}),
      Array<int64_t>("y_train", {2, 1}, {2, 0}),
      Array<float>("x_val", {1, 3}, {7, 8, 9}),
      Array<int64_t>("y_val", {1}, {1}),
      Array<int16_t>("x_test", {1, 3}, {-1, -2, -3}),
      Array<uint8_t>("y_test", {1}, {1}),
  };
  const std::string npz = folder.path() + "/a.npz";
  ASSERT_TRUE(WriteNpz(npz, arrays).ok());
  ASSERT_TRUE(CreateDirectories(folder.path() + "/npy").ok());
  for (const NamedTensor& array : arrays) {
    ASSERT_TRUE(WriteNpy(folder.path() + "/npy/" + array.name + ".npy", array.tensor.view()).ok());
  }
  for (const std::string& spec : {npz, folder.path() + "/npy"}) {
    auto both = LoadDataset(spec, Split::kTrainAndValidation);
    ASSERT_TRUE(both.ok()) << both.status().message();
    EXPECT_EQ(Examples(*both).type(), (TensorType{DType::kF32, {3, 3}, {}}));
    EXPECT_THAT(Examples(*both).values<float>(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
    EXPECT_THAT(Labels(*both), ElementsAre(2, 0, 1));
    auto train = LoadDataset(spec, Split::kTrain);
    ASSERT_TRUE(train.ok());
    EXPECT_THAT(Labels(*train), ElementsAre(2, 0));
    auto test = LoadDataset(spec, Split::kTest);
    ASSERT_TRUE(test.ok());
    EXPECT_THAT(Examples(*test).values<float>(), ElementsAre(-1, -2, -3));
  }
}

TEST(ArraySet, OneNpyHasNoLabels) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/x.npy";
  ASSERT_TRUE(WriteNpy(path, Array<uint8_t>("", {2, 1, 2}, {1, 2, 3, 4}).tensor.view()).ok());
  auto set = LoadDataset(path, Split::kTrain);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(Examples(*set).type(), (TensorType{DType::kU8, {2, 1, 2, 1}, {}}));
  EXPECT_EQ(set->label(), nullptr);
  DatasetOptions options;
  options.resize_height = options.resize_width = 2;
  auto resized = LoadDataset(path, Split::kTrain, options);
  ASSERT_TRUE(resized.ok()) << resized.status().message();
  EXPECT_THAT(Examples(*resized).values<uint8_t>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
}

TEST(ArraySet, HalfPrecisionBecomesSingle) {
  TemporaryFolder folder;
  auto half = Tensor::FromValues<uint16_t>(
      {DType::kF16, {6, 1}, {}},
      std::vector<uint16_t>{0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555});
  ASSERT_TRUE(half.ok());
  const std::string path = folder.path() + "/x.npy";
  ASSERT_TRUE(WriteNpy(path, half->view()).ok());
  DatasetOptions options = NoCarving();
  options.carve.test_fraction = 0;
  auto set = LoadDataset(path, Split::kTrain, options);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(Examples(*set).values<float>(),
              ElementsAre(1, -2, 0x1p-24f, 65504, 0, 0.333251953125f));
}

TEST(ArraySet, BadArraysAreRefusedWithAReason) {
  const struct {
    std::vector<NamedTensor> arrays;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {{Array<float>("a", {1, 1}, {1})}, StatusCode::kNotFound, "or x, y, found: a"},
      {{Array<float>("x_test", {1}, {1})}, StatusCode::kDataLoss, "expected [count,...]"},
      {{Array<float>("x_train", {1, 1}, {1})}, StatusCode::kNotFound, "no test split"},
      {{Array<float>("x_test", {0, 2}, {})}, StatusCode::kNotFound, "no examples"},
      {{Array<float>("x_test", {2, 0}, {})}, StatusCode::kDataLoss, "empty examples"},
      {{Array<float>("x_test", {1, 1}, {1}), Array<float>("y_test", {1}, {1})},
       StatusCode::kUnsupported,
       "expected integers"},
      {{Array<float>("x_test", {1, 1}, {1}), Array<int8_t>("y_test", {1}, {-1})},
       StatusCode::kDataLoss,
       "label -1 of example 0, expected 0 to 65535"},
      {{Array<float>("x_test", {1, 1}, {1}), Array<int64_t>("y_test", {1}, {int64_t{1} << 32})},
       StatusCode::kDataLoss,
       "label 4294967296 of example 0"},
      {{Array<float>("x_test", {2, 1}, {1, 2}), Array<int8_t>("y_test", {1}, {1})},
       StatusCode::kDataLoss,
       "has shape [1], expected [2] or [2,1] for 2 examples"},
  };
  TemporaryFolder folder;
  const std::string path = folder.path() + "/a.npz";
  for (const auto& c : kCases) {
    ASSERT_TRUE(WriteNpz(path, c.arrays).ok());
    const Status status = StatusOf(path, Split::kTest);
    EXPECT_EQ(status.code(), c.code) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(path));
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

TEST(LoadDataset, SaysWhereItLookedAndHowToGetASet) {
  TemporaryFolder folder;
  EXPECT_THAT(StatusOf("no-such-set", Split::kTest).message(),
              HasSubstr("no file or folder no-such-set, nor is it the name of a data set "
                        "(cifar10-jpeg, fashion-mnist)"));
  ASSERT_EQ(setenv("TERSOR_DATA_DIR", folder.path().c_str(), 1), 0);
  if (!FileExists("/usr/share/datasets/fashion-mnist")) {
    const Status status = StatusOf("fashion-mnist", Split::kTest);
    EXPECT_EQ(status.code(), StatusCode::kNotFound);
    EXPECT_THAT(status.message(), HasSubstr(folder.path() + "/fashion-mnist, "));
    EXPECT_THAT(status.message(), HasSubstr("apt install dataset-fashion-mnist"));
  }
  folder.Write("fashion-mnist/t10k-images-idx3-ubyte", IdxOf({1, 1, 1}, "a"));
  folder.Write("fashion-mnist/t10k-labels-idx1-ubyte", IdxOf({1}, {"\1", 1}));
  auto set = LoadDataset("fashion-mnist", Split::kTest);
  ASSERT_EQ(unsetenv("TERSOR_DATA_DIR"), 0);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->num_classes(), 10);
  EXPECT_EQ(set->class_names[9], "ankle boot");
}

TEST(LoadDataset, BadOptionsAreRefused) {
  DatasetOptions options;
  options.channels = 2;
  EXPECT_EQ(StatusOf("fashion-mnist", Split::kTest, options).code(), StatusCode::kInvalidArgument);
  options = {};
  options.resize_height = 7;
  EXPECT_EQ(StatusOf("fashion-mnist", Split::kTest, options).code(), StatusCode::kInvalidArgument);
  TemporaryFolder folder;
  WriteIdxSet(folder, "");
  options = {};
  options.carve.validation_fraction = 1;
  EXPECT_THAT(StatusOf(folder.path(), Split::kTrain, options).message(),
              HasSubstr("validation fraction 1"));
}

TEST(LoadDataset, FashionMnist) {
  auto test = LoadDataset("fashion-mnist", Split::kTest);
  if (test.status().code() == StatusCode::kNotFound) GTEST_SKIP() << test.status().message();
  ASSERT_TRUE(test.ok()) << test.status().message();
  EXPECT_EQ(Examples(*test).type().shape, (Shape{10000, 28, 28, 1}));
  EXPECT_EQ(Labels(*test)[0], 9);
  EXPECT_EQ(CountLabel(*test, 3), 1000);
  auto train = LoadDataset("fashion-mnist", Split::kTrain);
  ASSERT_TRUE(train.ok()) << train.status().message();
  EXPECT_EQ(train->size(), 54000);
  EXPECT_EQ(CountLabel(*train, 3), 5400);
}

TEST(LoadDataset, Cifar10Jpeg) {
  TERSOR_REQUIRE_TEST_DATA("data/cifar10-jpeg.tar.zst");
  auto test = LoadDataset("cifar10-jpeg", Split::kTest);
  ASSERT_TRUE(test.ok()) << test.status().message();
  EXPECT_EQ(Examples(*test).type().shape, (Shape{10000, 32, 32, 3}));
  EXPECT_THAT(test->class_names, ElementsAre("airplane", "automobile", "bird", "cat", "deer", "dog",
                                             "frog", "horse", "ship", "truck"));
  for (int label = 0; label < 10; ++label) {
    EXPECT_EQ(CountLabel(*test, label), 1000);
  }
}

}  // namespace
}  // namespace tersor::data
