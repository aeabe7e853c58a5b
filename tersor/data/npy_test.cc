#include "tersor/data/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tersor/data/test_bytes.h"

namespace tersor::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char kHeader[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

TEST(Npy, ReadsWhatNumPyWrites) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::string_view data(reinterpret_cast<const char*>(values), sizeof(values));
  auto tensor = ParseNpy(Bytes(NpyOf(kHeader, data)), "a.npy");
  ASSERT_TRUE(tensor.ok()) << tensor.status().message();
  EXPECT_EQ(tensor->type(), (TensorType{DType::kF32, {2, 3}, {}}));
  EXPECT_THAT(tensor->values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, HeaderMayBeSpacedAndOrderedOtherwise) {
  auto scalar = ParseNpy(
      Bytes(NpyOf("{\"shape\" :( ) ,'fortran_order':True,'descr':'|u1'}", "\x07")), "a.npy");
  ASSERT_TRUE(scalar.ok()) << scalar.status().message();
  EXPECT_EQ(scalar->type(), (TensorType{DType::kU8, {}, {}}));
  EXPECT_EQ(scalar->values<uint8_t>()[0], 7);
  auto none = ParseNpy(
      Bytes(NpyOf("{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }", "")), "a.npy");
  ASSERT_TRUE(none.ok()) << none.status().message();
  EXPECT_EQ(none->type(), (TensorType{DType::kI64, {0}, {}}));
}

TEST(Npy, EveryElementTypeComesBack) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kI8, DType::kU8, DType::kI16, DType::kI32,
                      DType::kI64, DType::kBool}) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 0}, Shape{3, 1, 4}}) {
      auto tensor = Tensor::Create({dtype, shape, {}});
      ASSERT_TRUE(tensor.ok());
      auto* bytes = static_cast<uint8_t*>(tensor->buffer()->data());
      const auto size = static_cast<size_t>(tensor->type().size_bytes());
      for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i % 2);
      auto text = SerializeNpy(tensor->view());
      ASSERT_TRUE(text.ok());
      EXPECT_EQ((text->size() - size) % 64, 0u);
      auto back = ParseNpy(Bytes(*text), "a.npy");
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(back->type(), tensor->type());
      EXPECT_EQ(std::memcmp(back->buffer()->data(), bytes, size), 0);
    }
  }
  auto bf16 = Tensor::Create({DType::kBF16, {1}, {}});
  EXPECT_EQ(SerializeNpy(bf16->view()).status().code(), StatusCode::kUnsupported);
}

TEST(Npy, BadBytesAreRefusedWithAReason) {
  const std::string data(24, '\0');
  const struct {
    std::string bytes;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {"", StatusCode::kDataLoss, "a.npy: not an .npy file"},
      {"\x93NUMPY\x01", StatusCode::kDataLoss, "cut in its header"},
      {std::string("\x93NUMPY\x02\0\x01\0\0", 11), StatusCode::kDataLoss, "cut in its header"},
      {"\x93NUMPY\x09\x03\x01\x01zzz", StatusCode::kUnsupported, "version 9"},
      {NpyOf(kHeader, data).substr(0, 40), StatusCode::kDataLoss, "header claims 60 bytes"},
      {NpyOf(kHeader, data.substr(1)), StatusCode::kDataLoss, "needs 24 bytes, found 23"},
      {NpyOf(kHeader, data + "x"), StatusCode::kDataLoss, "needs 24 bytes, found 25"},
      {NpyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", data),
       StatusCode::kDataLoss, "f32[4294967296,4294967296] needs 9223372036854775807 bytes"},
      {NpyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", data),
       StatusCode::kDataLoss, "expected an extent"},
      {NpyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }", data),
       StatusCode::kDataLoss, "expected an extent"},
      {NpyOf("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", data),
       StatusCode::kUnsupported, "element type '<f8'"},
      {NpyOf("{'descr': '>f4', 'fortran_order': False, 'shape': (6,), }", data),
       StatusCode::kUnsupported, "element type '>f4'"},
      {NpyOf("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", data),
       StatusCode::kUnsupported, "Fortran order"},
      {NpyOf("{'descr': '<f4', 'shape': (2, 3), }", data), StatusCode::kDataLoss, "once each"},
      {NpyOf("{'descr': [('a', '<f4')], }", data), StatusCode::kDataLoss, "element type in quotes"},
      {NpyOf("(2, 3)", data), StatusCode::kDataLoss, "expected '{'"},
  };
  for (const auto& c : kCases) {
    const Status status = ParseNpy(Bytes(c.bytes), "a.npy").status();
    EXPECT_EQ(status.code(), c.code) << c.message;
    EXPECT_THAT(status.message(), HasSubstr(c.message));
  }
}

TEST(Npz, ComesBackStoredAndDeflated) {
  TemporaryFolder folder;
  const int32_t a[] = {1, -2, 3};
  const uint8_t b[] = {9};
  std::vector<NamedTensor> tensors;
  tensors.push_back({"a", *Tensor::FromValues<int32_t>({DType::kI32, {3}, {}}, a)});
  tensors.push_back({"deep/b", *Tensor::FromValues<uint8_t>({DType::kU8, {1, 1}, {}}, b)});
  const std::string path = folder.path() + "/a.npz";
  ASSERT_TRUE(WriteNpz(path, tensors).ok());
  auto stored = ReadNpz(path);
  ASSERT_TRUE(stored.ok()) << stored.status().message();
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ((*stored)[1].name, "deep/b");
  EXPECT_THAT((*stored)[0].tensor.values<int32_t>(), ElementsAre(1, -2, 3));

  const std::string deflated = ZipOf({{"a.npy", *SerializeNpy(tensors[0].tensor.view())}});
  auto inflated = ParseNpz(Bytes(deflated), "b.npz");
  ASSERT_TRUE(inflated.ok()) << inflated.status().message();
  EXPECT_THAT((*inflated)[0].tensor.values<int32_t>(), ElementsAre(1, -2, 3));
}

TEST(Npz, BadBytesAreRefusedWithAReason) {
  const std::string whole = ZipOf({{"a.npy", NpyOf(kHeader, std::string(24, '\1'))}});
  ASSERT_TRUE(ParseNpz(Bytes(whole), "a.npz").ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseNpz(Bytes(whole.substr(0, size)), "a.npz").ok()) << size;
  }
  const std::string bomb = ZipOf({{"a.npy", NpyOf(kHeader, std::string(1 << 20, '\0'))}});
  const Status status = ParseNpz(Bytes(bomb), "a.npz", 1 << 16).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("a.npz: unpacks to more than the limit of 65536 bytes"));
  EXPECT_THAT(ParseNpz(Bytes(ZipOf({{"a.npy", "text"}})), "a.npz").status().message(),
              HasSubstr("a.npz: a.npy: not an .npy file"));
}

}  // namespace
}  // namespace tersor::data
