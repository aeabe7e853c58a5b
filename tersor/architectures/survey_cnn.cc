// The image classifier that the survey trains at several widths (Menghani 2021, section 4.1):
//
//   input HxWxC
//   twice conv3x3(32) - relu - batch norm,     max pool 2x2
//   twice conv3x3(64w) - relu - batch norm,    max pool 2x2
//   twice conv3x3(128w) - relu - batch norm,   max pool 2x2
//   flatten, dropout, dense(512w) - relu, dropout, dense(classes), softmax
//
// SAME padding; widths are rounded to the nearest integer, at least 1. For 32x32x3 and 10 classes
// it has 14,713 parameters at w = 0.05 and 1,343,018 at w = 1 (moving statistics counted).
#include <algorithm>
#include <cmath>

#include "tersor/architectures/family.h"
#include "tersor/architectures/initializers.h"
#include "tersor/ir/builder.h"

namespace tersor::architectures {

Result<ir::Graph> BuildSurveyCnn(const FamilyOptions& options);

namespace {

constexpr double kConvolutionDropout = 0.25, kDenseDropout = 0.5;

class SurveyCnn {
 public:
  explicit SurveyCnn(const FamilyOptions& options) : options_(options), b_("survey_cnn") {}

  Result<ir::Graph> Build() {
    const Shape& in = options_.input;
    ir::ValueId x = b_.Input("image", Shape{kBatch, in[0], in[1], in[2]});
    Shape shape = in;
    const int64_t channels[] = {32, Scaled(64), Scaled(128)};
    int layer = 0;
    for (int64_t c : channels) {
      for (int i = 0; i < 2; ++i) x = ConvReluNorm(x, ++layer, shape[2], c), shape[2] = c;
      x = b_.MaxPool2d(x, {.padding = ir::kSamePadding});
      shape[0] = (shape[0] + 1) / 2;
      shape[1] = (shape[1] + 1) / 2;
    }
    x = b_.Flatten(x);
    x = Dropout(x, kConvolutionDropout, 1);
    const int64_t flat = shape.num_elements(), hidden = Scaled(512);
    x = b_.Relu(Dense(x, "dense1", flat, hidden));
    x = Dropout(x, kDenseDropout, 2);
    x = Dense(x, "dense2", hidden, options_.classes);
    return b_.Build({b_.Name(b_.Softmax(x), "probabilities")});
  }

 private:
  int64_t Scaled(int64_t width) const {
    return std::max<int64_t>(1, std::llround(static_cast<double>(width) * options_.width));
  }

  ir::ValueId ConvReluNorm(ir::ValueId x, int layer, int64_t inputs, int64_t outputs) {
    const std::string name = StrCat("conv", layer), norm = StrCat("norm", layer);
    const std::string filter = name + ".filter";
    x = b_.Conv2d(
        x, b_.Variable(filter, GlorotUniform({outputs, 3, 3, inputs}, options_.seed, filter)),
        b_.Variable(name + ".bias", Filled({outputs}, 0)), {.padding = ir::kSamePadding});
    x = b_.Relu(x);
    return b_.BatchNorm(x, b_.Variable(norm + ".scale", Filled({outputs}, 1)),
                        b_.Variable(norm + ".offset", Filled({outputs}, 0)),
                        b_.Variable(norm + ".mean", Filled({outputs}, 0), false),
                        b_.Variable(norm + ".variance", Filled({outputs}, 1), false));
  }

  ir::ValueId Dense(ir::ValueId x, const std::string& name, int64_t inputs, int64_t outputs) {
    const std::string filter = name + ".filter";
    return b_.FullyConnected(
        x, b_.Variable(filter, GlorotUniform({outputs, inputs}, options_.seed, filter)),
        b_.Variable(name + ".bias", Filled({outputs}, 0)));
  }

  ir::ValueId Dropout(ir::ValueId x, double rate, int64_t stream) {
    if (counter_ == ir::kNoValue) {
      counter_ = b_.Variable("dropout.counter", Tensor::Create({DType::kI64, {}, {}}), false);
    }
    Attributes attributes;
    attributes.Set(Attr::rate, rate)
        .Set(Attr::seed, static_cast<int64_t>(options_.seed * 16 + static_cast<uint64_t>(stream)));
    return b_.Op(ir::OpKind::kDropout, {x, counter_}, attributes);
  }

  const FamilyOptions& options_;
  ir::GraphBuilder b_;
  ir::ValueId counter_ = ir::kNoValue;
};

}  // namespace

Result<ir::Graph> BuildSurveyCnn(const FamilyOptions& options) {
  if (options.input.rank() != 3) {
    return InvalidArgument("survey-cnn: the input is height, width, channels, found ",
                           options.input.ToString());
  }
  for (int64_t extent : options.input.dims()) {
    if (extent < 1 || extent > 4096) {
      return InvalidArgument("survey-cnn: an input of ", options.input.ToString(),
                             ", expected extents of 1 to 4096");
    }
  }
  if (Status legal = CheckOptions(options); !legal.ok()) return legal.WithContext("survey-cnn");
  if (options.classes < 2) {
    return InvalidArgument("survey-cnn: ", options.classes, " classes, expected at least 2");
  }
  return SurveyCnn(options).Build();
}

}  // namespace tersor::architectures
