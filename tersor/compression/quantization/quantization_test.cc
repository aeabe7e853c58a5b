#include "tersor/compression/quantization/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tersor/base/file.h"
#include "tersor/base/options.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/compression/quantization/quantization_testing.h"
#include "tersor/formats/formats.h"
#include "tersor/ir/builder.h"
#include "tersor/ir/verifier.h"
#include "tersor/transforms/testing.h"

namespace tersor::compression {
namespace {

using testing::HasSubstr;

data::Dataset Images(int64_t count, Shape image, uint64_t seed = 1) {
  std::vector<int64_t> dims = image.dims();
  dims.insert(dims.begin(), count);
  Tensor images = Tensor::Create({DType::kU8, Shape(dims), {}}).value();
  Random random(seed, 0);
  for (uint8_t& pixel : images.mutable_values<uint8_t>()) {
    pixel = static_cast<uint8_t>(random.NextU32());
  }
  return data::DatasetInMemory("noise", {{"image", images}}).value();
}

CalibrationStatistics Calibrated(const ir::Graph& model, const Shape& image = {8, 8, 3},
                                 int threads = 1, int64_t count = 40) {
  CalibrationOptions options;
  options.threads = threads;
  auto statistics = Calibrate(model, Images(count, image), options);
  EXPECT_TRUE(statistics.ok()) << statistics.status().message();
  return *std::move(statistics);
}

ir::Graph Quantized(const ir::Graph& model, const QuantizationOptions& options = {},
                    TechniqueReport* report = nullptr, const Shape& image = {8, 8, 3}) {
  const CalibrationStatistics statistics = Calibrated(model, image);
  auto quantized = Quantize(model, options, &statistics, report);
  EXPECT_TRUE(quantized.ok()) << quantized.status().message();
  return *std::move(quantized);
}

// Real values of the first output on the same pixels.
std::vector<double> Outputs(const ir::Graph& model, const data::Dataset& images) {
  auto prepared = transforms::PrepareForInference(model);
  EXPECT_TRUE(prepared.ok()) << prepared.status().message();
  TensorType type = prepared->value(prepared->inputs()[0]).type();
  type.shape = type.shape.WithBatch(images.size());
  Tensor input = Tensor::Create(type).value();
  const Tensor pixels = images.Column("image").value();
  const auto encoder = data::InputEncoder::Create(type, pixels.type(), data::Normalize::kSigned);
  EXPECT_TRUE(encoder.ok()) << encoder.status().message();
  encoder->Encode(pixels.view().data, images.size(), input.mutable_view().data);
  runtime::CompileOptions options;
  options.batch = images.size();
  auto outputs = runtime::RunOnce(*prepared, {&input, 1}, options);
  EXPECT_TRUE(outputs.ok()) << outputs.status().message();
  const Tensor& output = (*outputs)[0];
  std::vector<double> values;
  if (output.type().dtype == DType::kF32) {
    for (float x : output.values<float>()) values.push_back(x);
    return values;
  }
  const Quantization& q = *output.type().quantization;
  for (int8_t x : output.values<int8_t>()) {
    values.push_back(static_cast<double>(q.scales[0]) * (x - q.zero_points[0]));
  }
  return values;
}

// Signal to noise in decibels.
double Snr(const std::vector<double>& wanted, const std::vector<double>& found) {
  double signal = 0, noise = 1e-30;
  for (size_t i = 0; i < wanted.size(); ++i) {
    signal += wanted[i] * wanted[i];
    noise += (wanted[i] - found[i]) * (wanted[i] - found[i]);
  }
  return 10 * std::log10(signal / noise);
}

std::string FileText(const ir::Graph& graph) {
  const std::string path = testing::TempDir() + "/tersor_quantization_test.tersor";
  EXPECT_TRUE(formats::ExportModel(graph, path).ok());
  return ReadFile(path).value();
}

TEST(FullInteger, IsCloseToTheFloatModelAndSmall) {
  const ir::Graph model = Parsed(kModel);
  TechniqueReport report;
  const ir::Graph quantized = Quantized(model, {}, &report);
  EXPECT_TRUE(ir::Verify(quantized).ok());
  EXPECT_TRUE(report.left_out.empty());
  EXPECT_EQ(quantized.value(quantized.inputs()[0]).type().dtype, DType::kI8);
  EXPECT_EQ(quantized.value(quantized.outputs()[0]).name(), "probabilities");
  EXPECT_EQ(quantized.value(quantized.outputs()[0]).type().quantization,
            (Quantization{{1.0f / 256}, {-128}, -1}));
  for (const auto& node : quantized.nodes()) {
    EXPECT_EQ(quantized.value(node->result()).type().dtype, DType::kI8) << node->info().name;
  }
  const data::Dataset images = Images(20, {8, 8, 3}, 9);
  EXPECT_GT(Snr(Outputs(model, images), Outputs(quantized, images)), 22);
  EXPECT_LT(FileText(quantized).size(), 0.35 * static_cast<double>(FileText(model).size()));
  EXPECT_LT(report.weight_bytes_after, 0.3 * static_cast<double>(report.weight_bytes_before));
}

TEST(FullInteger, PrintsAndParses) {
  const ir::Graph quantized = Quantized(Parsed(kModel));
  const std::string text = ir::Print(quantized, {.data = true});
  auto parsed = ir::Parse(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(ir::Print(*parsed, {.data = true}), text);
}

TEST(FullInteger, CanBeWrittenAsTflite) {
  const ir::Graph quantized = Quantized(Parsed(kModel));
  const std::string path = testing::TempDir() + "/tersor_quantization_test.tflite";
  const Status written = formats::ExportModel(quantized, path);
  ASSERT_TRUE(written.ok()) << written.message();
  auto read = formats::ImportModel(path);
  ASSERT_TRUE(read.ok()) << read.status().message();
  const data::Dataset images = Images(10, {8, 8, 3}, 9);
  EXPECT_EQ(Outputs(*read, images), Outputs(quantized, images));
}

TEST(FullInteger, TheSameBitsForAnyNumberOfThreads) {
  const ir::Graph model = Parsed(kModel);
  std::string texts[2];
  for (auto method :
       {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
    QuantizationOptions options;
    options.settings.standard.calibration = method;
    for (int threads : {1, 3}) {
      const CalibrationStatistics statistics = Calibrated(model, {8, 8, 3}, threads, 43);
      auto quantized = Quantize(model, options, &statistics);
      ASSERT_TRUE(quantized.ok());
      texts[threads / 2] = ir::Print(*quantized, {.data = true});
    }
    EXPECT_EQ(texts[0], texts[1]) << OptionName(method);
  }
}

TEST(FullInteger, ExclusionByOperatorAndByName) {
  const ir::Graph model = Parsed(kModel);
  QuantizationOptions options;
  QuantizationSetting real{.skip = true};
  options.settings.by_operator = {{ir::OpKind::kConv2d, real}};
  options.settings.by_name = {{"conv2*", {}}, {"*head*", real}};
  TechniqueReport report;
  const ir::Graph quantized = Quantized(model, options, &report);
  EXPECT_TRUE(ir::Verify(quantized).ok());
  auto dtype = [&](const char* name) {
    return quantized.value(quantized.FindVariable(name)).type().dtype;
  };
  EXPECT_EQ(dtype("conv1.filter"), DType::kF32) << "by its operator";
  EXPECT_EQ(dtype("conv2.filter"), DType::kI8) << "its name is stronger";
  EXPECT_EQ(dtype("head.filter"), DType::kF32) << "by its name";
  EXPECT_EQ(dtype("dense.filter"), DType::kI8);
  ASSERT_EQ(report.left_out.size(), 2u);
  EXPECT_EQ(report.left_out[0].note, "excluded");
  EXPECT_EQ(quantized.value(quantized.inputs()[0]).type().dtype, DType::kI8);
  const data::Dataset images = Images(20, {8, 8, 3}, 9);
  EXPECT_GT(Snr(Outputs(model, images), Outputs(quantized, images)), 22);
}

// A weight that no rewrite changes keeps its encoding; one that is quantized gets new data, and
// with it loses the old encoding.
TEST(FullInteger, AnEncodedWeightIsKeptOrQuantizedFromItsDenseForm) {
  ir::Graph model = Parsed(kModel);
  const ir::Graph dense = model.Clone();
  for (const char* name : {"head.filter", "dense.filter"}) {
    ir::Value& filter = model.value(model.FindVariable(name));
    filter.set_encoded(Encode(Encoding::kBitmap, filter.data(), {}).value());
  }
  QuantizationOptions options;
  options.settings.by_name = {{"head*", {.skip = true}}};
  const ir::Graph quantized = Quantized(model, options);
  EXPECT_EQ(quantized.value(quantized.FindVariable("head.filter")).encoded(),
            model.value(model.FindVariable("head.filter")).encoded());
  EXPECT_EQ(quantized.value(quantized.FindVariable("dense.filter")).encoded(), nullptr);
  const data::Dataset images = Images(20, {8, 8, 3}, 9);
  EXPECT_EQ(Outputs(quantized, images), Outputs(Quantized(dense, options), images));
}

TEST(FullInteger, AnExcludedOutputIsNamedAndI8) {
  QuantizationOptions options;
  options.settings.standard.skip = true;
  const ir::Graph model = Parsed(kModel);
  const ir::Graph quantized = Quantized(model, options);
  const ir::Value& output = quantized.value(quantized.outputs()[0]);
  EXPECT_EQ(output.name(), "probabilities");
  EXPECT_EQ(output.type().dtype, DType::kI8);
  const data::Dataset images = Images(20, {8, 8, 3}, 9);
  EXPECT_GT(Snr(Outputs(model, images), Outputs(quantized, images)), 35);
}

TEST(FullInteger, EveryOperatorThatHasIntegerArithmetic) {
  const ir::Graph model = Parsed(R"(
graph @many(%x: f32[N,6,6,4]) -> (%y: f32[N,3,5,8], %z: f32[N,4], %w: f32[N,4]) {
  %0 = pad(%x) {pads=[0,0,1,1,1,1,0,0], value=0.5}
  %1 = avg_pool2d(%0) {strides=[2,2], window=[2,2]}
  %2 = sigmoid(%1)
  %3 = tanh(%1)
  %4 = concat(%2, %3, %1) {axis=3}
  %5 = slice(%4) {begin=[0,0,0,2], shape=[-1,3,4,8]}
  %6 = transpose(%5) {permutation=[0,2,1,3]}
  %7 = relu(%6)
  %8 = subtract(%7, @c)
  %9 = maximum(%8, @c)
  %10 = clamp(%9) {min=-0.4, max=0.6}
  %11 = pad(%10) {pads=[0,0,0,1,0,0,0,0]}
  %12 = transpose(%11) {permutation=[0,2,1,3]}
  %13 = conv2d(%12, @depthwise, @bias, @border) {groups=8, padding=same}
  %y = exp(%13)
  %14 = reduce_mean(%1) {axes=[1,2]}
  %z = log_softmax(%14)
  %15 = reduce_max(%1) {axes=[1,2]}
  %16 = divide(%15, @d.positive)
  %w = negate(%16)
}
variable @c: f32[8]
variable @depthwise: f32[8,3,3,1]
variable @bias: f32[8]
variable @border: f32[8]
variable @d.positive: f32[4]
)");
  auto checked = ir::Verify(model);
  ASSERT_TRUE(checked.ok()) << checked.message();
  TechniqueReport report;
  Quantized(model, {}, &report, {6, 6, 4});
  ASSERT_EQ(report.left_out.size(), 1u);
  EXPECT_EQ(report.left_out[0].op, "divide");
  EXPECT_EQ(report.left_out[0].note, "has no integer arithmetic");
  const data::Dataset images = Images(10, {6, 6, 4}, 9);
  for (const auto& node : model.nodes()) {
    ir::Graph part = model.Clone();
    part.SetOutputs({node->result()});
    part.RemoveDead();
    const ir::Graph quantized = Quantized(part, {}, nullptr, {6, 6, 4});
    EXPECT_GT(Snr(Outputs(part, images), Outputs(quantized, images)), 20)
        << node->info().name << ' ' << node->result();
  }
}

TEST(FullInteger, AShiftIsAddedExactlyAndItsErrorGoesIntoTheNextBias) {
  ir::Graph model = Parsed(R"(
graph @g(%x: f32[N,4,4,2]) -> (%y: f32[N,4,4,1]) {
  %0 = conv2d(%x, @first) {activation=relu}
  %1 = add(%0, @shift)
  %y = conv2d(%1, @second) {padding=[1,0,0,0]}
}
variable @first: f32[1,1,1,2] trainable = [1, 1]
variable @shift: f32[1] trainable = [-0.3]
variable @second: f32[1,2,1,1] trainable = [1, 0.5]
)");
  const ir::Graph quantized = Quantized(model, {}, nullptr, {4, 4, 2});
  const ir::Node& add = *quantized.nodes()[1];
  ASSERT_EQ(add.op(), ir::OpKind::kAdd);
  const Quantization& scale = *quantized.value(add.result()).type().quantization;
  EXPECT_EQ(quantized.value(add.operand(0)).type().quantization, scale);
  EXPECT_EQ(quantized.value(add.operand(1)).type().quantization, scale);
  const int8_t shift = quantized.value(add.operand(1)).data().values<int8_t>()[0];
  const double residual =
      -0.3f - static_cast<double>(scale.scales[0]) * (shift - scale.zero_points[0]);
  const ir::Value& bias = quantized.value(quantized.FindVariable("second.bias"));
  const double unit = static_cast<double>(scale.scales[0]) / 127;
  EXPECT_NEAR(bias.data().values<int32_t>()[0] * unit, 1.5 * residual, unit);
}

TEST(FullInteger, ABiasBeyondI32RaisesTheFilterScale) {
  ir::Graph model = Parsed(R"(
graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %y = fully_connected(%x, @f, @b)
}
variable @f: f32[2,2] trainable = [1e-9, 2e-9, 1, -1]
variable @b: f32[2] trainable = [5, 0.25]
)");
  TechniqueReport report;
  const ir::Graph quantized = Quantized(model, {}, &report, {2});
  EXPECT_THAT(report.changed[0].note, HasSubstr("1 filter scales were raised"));
  const data::Dataset images = Images(10, {2}, 9);
  EXPECT_GT(Snr(Outputs(model, images), Outputs(quantized, images)), 35);
}

TEST(Weights, EachKindKeepsItsPromise) {
  const ir::Graph model = Parsed(kModel);
  const data::Dataset images = Images(20, {8, 8, 3}, 9);
  const auto wanted = Outputs(model, images);
  const auto size = static_cast<double>(FileText(model).size());
  const struct {
    QuantizationKind kind;
    double share, snr;
  } cases[] = {
      {QuantizationKind::kFloat16, 0.55, 55},
      {QuantizationKind::kWeightOnly, 0.35, 28},
      {QuantizationKind::kDynamicRange, 0.35, 28},
  };
  for (const auto& c : cases) {
    QuantizationOptions options;
    options.kind = c.kind;
    TechniqueReport report;
    auto quantized = Quantize(model, options, nullptr, &report);
    ASSERT_TRUE(quantized.ok()) << quantized.status().message();
    EXPECT_GT(Snr(wanted, Outputs(*quantized, images)), c.snr) << OptionName(c.kind);
    EXPECT_LT(FileText(*quantized).size(), c.share * size) << OptionName(c.kind);
    EXPECT_EQ(report.changed.size(), 4u) << OptionName(c.kind);
    const std::string path = testing::TempDir() + "/tersor_quantization_test.tflite";
    ASSERT_TRUE(formats::ExportModel(*quantized, path).ok());
    auto read = formats::ImportModel(path);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_GT(Snr(Outputs(*quantized, images), Outputs(*read, images)), 90);
  }
}

TEST(Weights, ExclusionAndWhatDoesNotFit) {
  ir::Graph model = Parsed(R"(
graph @g(%x: f32[N,32]) -> (%y: f32[N,32]) {
  %0 = fully_connected(%x, @large)
  %1 = fully_connected(%0, @kept)
  %y = fully_connected(%1, @small)
}
variable @large: f32[32,32] trainable
variable @kept: f32[32,32] trainable
variable @small: f32[32,32] trainable
)");
  Tensor(model.value(model.FindVariable("large")).data()).mutable_values<float>()[0] = 1e6f;
  QuantizationOptions options;
  options.kind = QuantizationKind::kFloat16;
  options.settings.by_name = {{"kept", {.skip = true}}};
  TechniqueReport report;
  ASSERT_TRUE(Quantize(model, options, nullptr, &report).ok());
  ASSERT_EQ(report.left_out.size(), 2u);
  EXPECT_THAT(report.left_out[0].note, HasSubstr("f16 ends at 65504"));
  EXPECT_EQ(report.left_out[1].note, "excluded");
  options.minimum_saved_bytes = 10'000;
  ASSERT_TRUE(Quantize(model, options, nullptr, &report).ok());
  EXPECT_TRUE(report.changed.empty());
}

TEST(Quantize, RefusesWhatMakesNoSense) {
  const ir::Graph model = Parsed(kModel);
  auto message = [](const auto& result) { return std::string(result.status().message()); };
  EXPECT_THAT(message(Quantize(model, {})), HasSubstr("needs calibration data"));

  const CalibrationStatistics statistics = Calibrated(model);
  const ir::Graph other = Parsed(R"(
graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %y = relu(%x)
}
)");
  EXPECT_THAT(message(Quantize(other, {}, &statistics)), HasSubstr("of another model"));

  const ir::Graph quantized = Quantized(model);
  EXPECT_THAT(message(Quantize(quantized, {}, &statistics)), HasSubstr("quantized already"));
  EXPECT_THAT(message(Calibrate(quantized, Images(3, {8, 8, 3}))), HasSubstr("expected f32"));

  QuantizationOptions options;
  options.settings.standard.percentile = 0;
  EXPECT_THAT(message(Quantize(model, options, &statistics)), HasSubstr("percentile: found '0'"));

  EXPECT_THAT(message(Calibrate(model, data::Dataset())), HasSubstr("has no examples"));
  EXPECT_FALSE(Calibrate(model, Images(3, {4, 4, 3})).ok());

  const ir::Graph nan = Parsed(R"(
graph @g(%x: f32[N,2]) -> (%y: f32[N,2]) {
  %bad = log(%x)
  %y = relu(%bad)
}
)");
  EXPECT_THAT(message(Calibrate(nan, Images(3, {2}))),
              HasSubstr("value bad: a value is not a number"));
}

}  // namespace
}  // namespace tersor::compression
