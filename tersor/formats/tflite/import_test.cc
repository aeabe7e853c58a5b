// What a file says, and the graph that it becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "tersor/formats/formats_testing.h"
#include "tersor/formats/tflite/model.h"
#include "tersor/formats/tflite/tflite.h"
#include "tersor/ir/text.h"

namespace tersor::formats::tflite {
namespace {

using ::testing::HasSubstr;

// A file, written down tensor by tensor and operator by operator.
class FileBuilder {
 public:
  int32_t Tensor(std::string name, TensorType type, std::vector<int64_t> signature = {}) {
    TensorInfo& tensor = model_.tensors.emplace_back();
    tensor.name = std::move(name);
    tensor.dtype = type.dtype;
    tensor.shape = type.shape;
    tensor.quantization = type.quantization;
    tensor.signature = std::move(signature);
    return static_cast<int32_t>(model_.tensors.size()) - 1;
  }
  int32_t Input(std::string name, TensorType type, std::vector<int64_t> signature = {}) {
    model_.inputs.push_back(Tensor(std::move(name), std::move(type), std::move(signature)));
    return model_.inputs.back();
  }
  template <typename T>
  int32_t Constant(std::string name, TensorType type, const std::vector<T>& values) {
    const int32_t number = Tensor(std::move(name), std::move(type));
    std::string& bytes = data_.emplace_back(values.size() * sizeof(T), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    model_.tensors.back().constant = true;
    model_.tensors.back().data = std::as_bytes(std::span(bytes));
    return number;
  }
  int32_t Zeros(std::string name, TensorType type) {
    const auto size = static_cast<size_t>(type.size_bytes());
    return Constant(std::move(name), std::move(type), std::vector<uint8_t>(size, 0));
  }
  int32_t Integers(const std::vector<int32_t>& values) {
    return Constant("", {DType::kI32, {static_cast<int64_t>(values.size())}, {}}, values);
  }
  int32_t Op(BuiltinOp op, std::vector<int32_t> inputs, int32_t result,
             OperatorOptions options = {}) {
    model_.operators.push_back({op, 1, std::move(inputs), {result}, std::move(options)});
    return result;
  }
  Model& model() { return model_; }

  Result<ir::Graph> Read(std::vector<int32_t> outputs) {
    model_.outputs = std::move(outputs);
    auto bytes = WriteModel(model_);
    if (!bytes.ok()) return bytes.status();
    return Import(ToBuffer(*std::move(bytes)));
  }
  std::string Text(std::vector<int32_t> outputs) {
    auto graph = Read(std::move(outputs));
    return graph.ok() ? ir::Print(*graph) : graph.status().message();
  }

 private:
  Model model_;
  std::deque<std::string> data_;
};

TensorType F32(Shape shape) { return {DType::kF32, std::move(shape), {}}; }
TensorType Quantized(DType dtype, Shape shape, float scale, int32_t zero_point) {
  return {dtype, std::move(shape), Quantization{{scale}, {zero_point}, -1}};
}

TEST(Import, BatchOfOneMeansAnyBatch) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 4}));
  EXPECT_EQ(f.Text({f.Op(BuiltinOp::kRELU, {x}, f.Tensor("y", F32({1, 4})))}),
            "graph @graph(%x: f32[N,4]) -> (%y: f32[N,4]) {\n"
            "  %y = relu(%x)\n"
            "}\n");
}

TEST(Import, BatchStaysFixedWhereTheFileSaysSo) {
  FileBuilder signature;
  const int32_t x = signature.Input("x", F32({1, 4}), {1, 4});
  EXPECT_THAT(
      signature.Text({signature.Op(BuiltinOp::kRELU, {x}, signature.Tensor("y", F32({1, 4})))}),
      HasSubstr("%x: f32[1,4]"));
  FileBuilder three;
  const int32_t z = three.Input("x", F32({3, 4}));
  EXPECT_THAT(three.Text({three.Op(BuiltinOp::kRELU, {z}, three.Tensor("y", F32({3, 4})))}),
              HasSubstr("%x: f32[3,4]"));
}

TEST(Import, BatchIsFixedWhereAnOperatorMixesIt) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 4, 6}), {-1, 4, 6});
  const int32_t y = f.Op(BuiltinOp::kRESHAPE, {x, f.Integers({4, 6})}, f.Tensor("y", F32({4, 6})));
  EXPECT_EQ(f.Text({y}),
            "graph @graph(%x: f32[1,4,6]) -> (%y: f32[4,6]) {\n"
            "  %y = reshape(%x) {shape=[4,6]}\n"
            "}\n");
}

TEST(Import, FreeExtentsAreNamedByTheirAxis) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 1, 8}), {-1, -1, 8});
  const int32_t m = f.Input("m", F32({1, 1, 1}), {-1, -1, 1});
  const int32_t a = f.Op(BuiltinOp::kMUL, {x, m}, f.Tensor("a", F32({1, 1, 8})));
  const int32_t b =
      f.Op(BuiltinOp::kRESHAPE, {a, f.Integers({1, -1, 2, 4})}, f.Tensor("b", F32({1, 1, 2, 4})));
  EXPECT_EQ(f.Text({b}),
            "graph @graph(%x: f32[N,D1,8], %m: f32[N,D1,1]) -> (%b: f32[N,D1,2,4]) {\n"
            "  %0 = multiply(%x, %m)\n"
            "  %b = reshape(%0) {shape=[-1,D1,2,4]}\n"
            "}\n");
}

// Outputs are read example by example.
TEST(Import, BatchIsFixedWhereItWouldLeaveTheFirstPlace) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 4, 6}), {-1, 4, 6});
  const int32_t y =
      f.Op(BuiltinOp::kTRANSPOSE, {x, f.Integers({1, 0, 2})}, f.Tensor("y", F32({4, 1, 6})));
  EXPECT_EQ(f.Text({y}),
            "graph @graph(%x: f32[1,4,6]) -> (%y: f32[4,1,6]) {\n"
            "  %y = transpose(%x) {permutation=[1,0,2]}\n"
            "}\n");
}

TEST(Import, ReshapesKeepTheBatch) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 2, 6}));
  const int32_t a =
      f.Op(BuiltinOp::kRESHAPE, {x, f.Integers({-1, 12})}, f.Tensor("a", F32({1, 12})));
  const int32_t b =
      f.Op(BuiltinOp::kRESHAPE, {a, f.Integers({1, 3, -1})}, f.Tensor("b", F32({1, 3, 4})));
  const int32_t c =
      f.Op(BuiltinOp::kEXPAND_DIMS, {b, f.Integers({-1})}, f.Tensor("c", F32({1, 3, 4, 1})));
  OperatorOptions squeeze;
  squeeze.dims = {3};
  const int32_t d = f.Tensor("d", F32({1, 3, 4}));
  f.Op(BuiltinOp::kSQUEEZE, {c}, d, squeeze);
  EXPECT_EQ(f.Text({d}),
            "graph @graph(%x: f32[N,2,6]) -> (%d: f32[N,3,4]) {\n"
            "  %0 = reshape(%x) {shape=[-1,12]}\n"
            "  %1 = reshape(%0) {shape=[-1,3,4]}\n"
            "  %2 = reshape(%1) {shape=[-1,3,4,1]}\n"
            "  %d = reshape(%2) {shape=[-1,3,4]}\n"
            "}\n");
}

TEST(Import, DepthwiseFilterIsAConvolutionOfManyGroups) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 5, 5, 2}));
  std::vector<float> taps(1 * 1 * 3 * 4);
  for (size_t i = 0; i < taps.size(); ++i) taps[i] = static_cast<float>(i);
  const int32_t w = f.Constant("w", F32({1, 1, 3, 4}), taps);
  const int32_t b = f.Zeros("b", F32({4}));
  OperatorOptions options;
  options.stride_h = options.stride_w = 2;
  options.depth_multiplier = 2;
  options.activation = FusedActivation::kRelu6;
  const int32_t y = f.Tensor("y", F32({1, 3, 3, 4}));
  f.Op(BuiltinOp::kDEPTHWISE_CONV_2D, {x, w, b}, y, options);
  auto graph = f.Read({y});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_THAT(ir::Print(*graph), HasSubstr("conv2d(%x, @w, @b) {activation=relu6, groups=2, "
                                           "padding=same, strides=[2,2]}"));
  const Tensor& filter = graph->value(graph->FindVariable("w")).data();
  EXPECT_EQ(filter.type().shape, (Shape{4, 1, 3, 1}));
  EXPECT_THAT(filter.values<float>(), testing::ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
}

TEST(Import, HalfPrecisionConstantsStayHalf) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 5, 5, 2}));
  const int32_t half = f.Zeros("w", {DType::kF16, {1, 3, 3, 2}, {}});
  const int32_t w = f.Op(BuiltinOp::kDEQUANTIZE, {half}, f.Tensor("w32", F32({1, 3, 3, 2})));
  OperatorOptions options;
  options.stride_h = options.stride_w = options.depth_multiplier = 1;
  const int32_t y = f.Tensor("y", F32({1, 5, 5, 2}));
  f.Op(BuiltinOp::kDEPTHWISE_CONV_2D, {x, w}, y, options);
  EXPECT_EQ(f.Text({y}),
            "graph @graph(%x: f32[N,5,5,2]) -> (%y: f32[N,5,5,2]) {\n"
            "  %0 = cast(@w) {dtype=f32}\n"
            "  %y = conv2d(%x, %0) {groups=2, padding=same}\n"
            "}\n"
            "variable @w: f16[2,3,3,1] trainable\n");
}

TEST(Import, DynamicRangeKeepsTheInt8Filter) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 4}));
  const int32_t w = f.Zeros("w", Quantized(DType::kI8, {3, 4}, 0.5f, 0));
  const int32_t y = f.Tensor("y", F32({1, 3}));
  f.Op(BuiltinOp::kFULLY_CONNECTED, {x, w, -1}, y);
  EXPECT_THAT(f.Text({y}), HasSubstr("%y = fully_connected(%x, @w)\n"));
}

TEST(Import, QuantizedUint8BecomesInt8) {
  FileBuilder f;
  const int32_t x = f.Input("x", Quantized(DType::kU8, {1, 4}, 0.5f, 100));
  const int32_t w = f.Constant("w", Quantized(DType::kU8, {1, 4}, 0.25f, 120),
                               std::vector<uint8_t>{0, 120, 128, 255});
  const int32_t b = f.Zeros("b", {DType::kI32, {1}, Quantization{{0.125f}, {0}, -1}});
  const int32_t y = f.Tensor("y", Quantized(DType::kU8, {1, 1}, 2, 10));
  f.Op(BuiltinOp::kFULLY_CONNECTED, {x, w, b}, y);
  EXPECT_EQ(f.Text({y}),
            "graph @graph(%x: u8[N,4] q(0.5, 100)) -> (%y: u8[N,1] q(2, 10)) {\n"
            "  %0: i8[N,4] q(0.5, -28) = quantize(%x)\n"
            "  %1: i8[N,1] q(2, -118) = fully_connected(%0, @w, @b)\n"
            "  %y: u8[N,1] q(2, 10) = quantize(%1)\n"
            "}\n"
            "variable @w: i8[1,4] q(0.25, -8) = [-128, -8, 0, 127]\n"
            "variable @b: i32[1] q(0.125, 0) = [0]\n");
}

TEST(Import, PartsOfAConcatenationAreBroughtToOneScale) {
  FileBuilder f;
  const int32_t x = f.Input("x", Quantized(DType::kI8, {1, 4}, 0.5f, 1));
  const int32_t z = f.Input("z", Quantized(DType::kI8, {1, 2}, 0.25f, 2));
  OperatorOptions options;
  options.axis = -1;
  const int32_t y = f.Tensor("y", Quantized(DType::kI8, {1, 6}, 0.5f, 1));
  f.Op(BuiltinOp::kCONCATENATION, {x, z}, y, options);
  EXPECT_THAT(f.Text({y}), HasSubstr("  %0: i8[N,2] q(0.5, 1) = quantize(%z)\n"
                                     "  %y = concat(%x, %0) {axis=1}\n"));
}

TEST(Import, PaddedValueIsReal) {
  FileBuilder f;
  const int32_t x = f.Input("x", Quantized(DType::kI8, {1, 4}, 0.5f, 1));
  const int32_t pads = f.Constant("", {DType::kI32, {2, 2}, {}}, std::vector<int32_t>{0, 0, 1, 2});
  const int32_t value = f.Constant("", Quantized(DType::kI8, {}, 0.5f, 1), std::vector<int8_t>{-3});
  const int32_t y = f.Tensor("y", Quantized(DType::kI8, {1, 7}, 0.5f, 1));
  f.Op(BuiltinOp::kPADV2, {x, pads, value}, y);
  EXPECT_THAT(f.Text({y}), HasSubstr("%y = pad(%x) {pads=[0,0,1,2], value=-2}"));
}

TEST(Import, LayersSeeRowsOfAnyInput) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 2, 3}));
  const int32_t w = f.Zeros("w", F32({5, 6}));
  const int32_t y = f.Op(BuiltinOp::kFULLY_CONNECTED, {x, w}, f.Tensor("y", F32({1, 5})));
  EXPECT_THAT(f.Text({y}), HasSubstr("  %0 = reshape(%x) {shape=[-1,6]}\n"
                                     "  %y = fully_connected(%0, @w)\n"));
}

TEST(Import, FusedActivationsThatNoAttributeHas) {
  FileBuilder f;
  const int32_t x = f.Input("x", F32({1, 3}));
  OperatorOptions n1, relu;
  n1.activation = FusedActivation::kReluN1To1;
  relu.activation = FusedActivation::kRelu;
  const int32_t a = f.Tensor("a", F32({1, 3}));
  const int32_t y = f.Tensor("y", F32({1, 3}));
  f.Op(BuiltinOp::kADD, {x, x}, a, n1);
  f.Op(BuiltinOp::kDIV, {a, x}, y, relu);
  EXPECT_THAT(f.Text({y}), HasSubstr("  %0 = add(%x, %x)\n"
                                     "  %1 = clamp(%0) {max=1, min=-1}\n"
                                     "  %2 = divide(%1, %x)\n"
                                     "  %y = relu(%2)\n"));
}

TEST(Import, NamesAreCleanAndUnique) {
  FileBuilder f;
  const int32_t x = f.Input("in put;b;c", F32({1, 3}));
  const int32_t w = f.Constant("in put", F32({1}), std::vector<float>{1});
  const int32_t v = f.Constant("", F32({1}), std::vector<float>{2});
  const int32_t a = f.Op(BuiltinOp::kADD, {x, w}, f.Tensor("", F32({1, 3})));
  const int32_t y = f.Op(BuiltinOp::kADD, {a, v}, f.Tensor("in put", F32({1, 3})));
  EXPECT_EQ(f.Text({y}),
            "graph @graph(%in_put: f32[N,3]) -> (%in_put_2: f32[N,3]) {\n"
            "  %0 = add(%in_put, @in_put_1)\n"
            "  %in_put_2 = add(%0, @constant_2)\n"
            "}\n"
            "variable @in_put_1: f32[1] trainable = [1]\n"
            "variable @constant_2: f32[1] trainable = [2]\n");
}

// What is wrong is said with its place.
TEST(Import, RefusesWithTheOperatorsName) {
  auto message = [](auto make) {
    FileBuilder f;
    return f.Text({make(f, f.Input("x", F32({1, 4})))});
  };
  EXPECT_EQ(message([](FileBuilder& f, int32_t) {
              const int32_t a = f.Tensor("a", F32({1, 4}));
              const int32_t b = f.Tensor("b", F32({1, 4}));
              f.Op(BuiltinOp::kRELU, {a}, b);
              return f.Op(BuiltinOp::kRELU, {b}, a);
            }),
            "operator 0 (RELU): operand 0: tensor 1 (a) is read before an operator makes it");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              const int32_t a = f.Tensor("a", F32({1, 4}));
              f.Op(BuiltinOp::kRELU, {x}, a);
              return f.Op(BuiltinOp::kTANH, {x}, a);
            }),
            "operator 1 (TANH): its result, tensor 1, is already made elsewhere");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) { return f.Op(BuiltinOp::kRELU, {x}, x); }),
            "operator 0 (RELU): its result, tensor 0, is already made elsewhere");
  EXPECT_EQ(message([](FileBuilder& f, int32_t) {
              const int32_t numbers = f.Input("numbers", {DType::kI32, {2, 2}, {}});
              return f.Op(BuiltinOp::kRESHAPE, {numbers, f.Integers({4})}, f.Tensor("y", F32({4})));
            }),
            "operator 0 (RESHAPE): its result is i32, the file says f32");
  for (const int32_t axis : {-3, 2}) {
    EXPECT_EQ(message([&](FileBuilder& f, int32_t x) {
                return f.Op(BuiltinOp::kMEAN, {x, f.Integers({axis})}, f.Tensor("y", F32({1})));
              }),
              StrCat("operator 0 (MEAN): axis ", axis, " of a tensor of rank 2"));
  }
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              return f.Op(BuiltinOp::kADD, {x}, f.Tensor("y", F32({1, 4})));
            }),
            "operator 0 (ADD): 1 operands, expected 2");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              return f.Op(BuiltinOp::kRESHAPE, {x, x}, f.Tensor("y", F32({1, 4})));
            }),
            "operator 0 (RESHAPE): operand 1 is computed, expected a constant");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              OperatorOptions options;
              options.beta = 2;
              const int32_t y = f.Tensor("y", F32({1, 4}));
              return f.Op(BuiltinOp::kSOFTMAX, {x}, y, options);
            }),
            "operator 0 (SOFTMAX): beta is 2, expected 1");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              OperatorOptions options;
              options.window_h = 1;
              const int32_t y = f.Tensor("y", F32({1, 4}));
              return f.Op(BuiltinOp::kMAX_POOL_2D, {x}, y, options);
            }),
            "operator 0 (MAX_POOL_2D): max_pool2d: input is [1,4], expected [N,H,W,C]");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              return f.Op(BuiltinOp::kADD, {x, 77}, f.Tensor("y", F32({1, 4})));
            }),
            "operator 0 (ADD): operand 1 is tensor 77, the file has 2");
  EXPECT_EQ(message([](FileBuilder& f, int32_t x) {
              const int32_t w = f.Constant("w", F32({1, 1000000, 1000000}), std::vector<float>{1});
              return f.Op(BuiltinOp::kADD, {x, w}, f.Tensor("y", F32({1, 4})));
            }),
            "tensor 1: buffer 1 has 4 bytes, f32[1,1000000,1000000] takes 4000000000000");
  EXPECT_EQ(
      message([](FileBuilder& f, int32_t x) {
        return f.Op(BuiltinOp::kADD, {x, x}, f.Tensor("y", Quantized(DType::kI8, {1, 4}, -1, 0)));
      }),
      "tensor 1: scale -1, expected a positive number");
}

TEST(Import, OtherFilesAreRefused) {
  EXPECT_EQ(Import(ToBuffer("")).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Import(ToBuffer("TFL3TFL3")).status().message(),
            "damaged tables: an offset or a length points out of the file of 8 bytes");
  EXPECT_EQ(Import(ToBuffer("not a model at all")).status().message(),
            "not a tflite file: the identifier TFL3 is missing at byte 4");
}

}  // namespace
}  // namespace tersor::formats::tflite
