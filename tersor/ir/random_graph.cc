#include "tersor/ir/random_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "tersor/base/random.h"
#include "tersor/ir/builder.h"

namespace tersor::ir {
namespace {

// Typical distance of an 8-bit element from its zero point, in the images that the generator makes.
constexpr double kImageRms = 60;
// The same of a weight, uniform over [-127, 127].
constexpr double kWeightRms = 73;

class Generator {
 public:
  Generator(uint64_t seed, const RandomGraphOptions& options)
      : options_(options), random_(seed, 0), builder_(StrCat("random_", seed)) {}

  Graph Run() {
    MakeInput();
    const int operators = 1 + Below(options_.max_image_operators);
    for (int i = 0; i < operators; ++i) AddImageOperator();
    if (!Chance(0.1)) AddHead();
    std::vector<ValueId> outputs = {current_};
    if (Chance(0.2) && images_.back() != current_) outputs.push_back(images_.back());
    auto graph = builder_.Build(std::move(outputs));
    TERSOR_CHECK(graph.ok());
    return std::move(graph).value();
  }

 private:
  int Below(int bound) { return static_cast<int>(random_.NextBelow(static_cast<uint64_t>(bound))); }
  bool Chance(double probability) { return random_.NextDouble() < probability; }
  double Between(double low, double high) { return low + (high - low) * random_.NextDouble(); }
  template <typename T>
  T OneOf(std::initializer_list<T> items) {
    return items.begin()[Below(static_cast<int>(items.size()))];
  }

  bool integer() const { return options_.dtype != DType::kF32; }
  const Shape& shape() const { return builder_.type(current_).shape; }
  double scale(ValueId id) const { return builder_.type(id).quantization->scales[0]; }
  std::string NewName(std::string_view stem) { return StrCat(stem, '.', serial_++); }

  // Integers: a type with this scale; f32: none.
  std::optional<TensorType> Hint(double scale) {
    if (!integer()) return std::nullopt;
    const int middle = options_.dtype == DType::kI8 ? 0 : 128;
    const int offset = Chance(0.4) ? -128 : Below(41) - 20;
    return QuantizedHint(options_.dtype, static_cast<float>(scale), middle + offset);
  }

  std::optional<TensorType> HintTimes(double factor_low, double factor_high) {
    return integer() ? Hint(scale(current_) * Between(factor_low, factor_high)) : std::nullopt;
  }

  void Take(ValueId id) {
    current_ = id;
    images_.push_back(id);
  }

  void MakeInput() {
    const int64_t channels = OneOf<int64_t>({1, 2, 3, 4, 5, 8, 13, 16});
    const Shape shape{kBatch, 1 + Below(14), 1 + Below(14), channels};
    if (!integer()) {
      Take(builder_.Input("image", shape));
      return;
    }
    TensorType type = *Hint(Between(0.005, 0.05));
    type.shape = shape;
    if (Chance(0.5)) {
      Take(builder_.Input("image", std::move(type)));
    } else {
      const ValueId image = builder_.Input("image", shape);
      Take(builder_.Quantize(image, type.dtype, *type.quantization));
    }
  }

  // A variable with normal (f32) or uniform (integer) elements times `deviation`.
  ValueId Weights(std::string_view stem, const Shape& shape, double deviation) {
    auto tensor = Tensor::Create({DType::kF32, shape, std::nullopt});
    if (tensor.ok()) {
      for (float& x : tensor->mutable_values<float>()) {
        x = static_cast<float>(random_.NextNormal() * deviation);
      }
    }
    return builder_.Variable(NewName(stem), std::move(tensor));
  }

  ValueId IntegerWeights(std::string_view stem, TensorType type) {
    auto tensor = RandomTensor(type, random_.NextU64());
    return builder_.Variable(NewName(stem), std::move(tensor));
  }

  ValueId Filter(const Shape& shape, double inputs) {
    if (!integer()) return Weights("filter", shape, 1.2 / std::sqrt(inputs));
    const double base = Between(0.002, 0.02);
    Quantization quantization;
    if (options_.dtype == DType::kU8) {
      quantization = {{static_cast<float>(base)}, {100 + Below(56)}, -1};
    } else {
      quantization.axis = 0;
      for (int64_t i = 0; i < shape[0]; ++i) {
        quantization.scales.push_back(static_cast<float>(base * Between(0.5, 1.5)));
        quantization.zero_points.push_back(0);
      }
    }
    return IntegerWeights("filter", {options_.dtype, shape, std::move(quantization)});
  }

  // What the weighted sum of `inputs` elements needs as its scale, and a bias for it.
  std::pair<ValueId, std::optional<TensorType>> BiasAndHint(ValueId filter, double inputs) {
    const int64_t outputs = builder_.type(filter).shape[0];
    const bool biased = Chance(0.8);
    if (!integer()) {
      return {biased ? Weights("bias", Shape{outputs}, 0.3) : kNoValue, std::nullopt};
    }
    const double unit = scale(current_) * builder_.type(filter).quantization->scales[0];
    const double spread = std::sqrt(inputs) * kImageRms * kWeightRms;
    auto hint = Hint(unit * spread / Between(25, 90));
    if (!biased) return {kNoValue, std::move(hint)};
    auto bias = Tensor::Create({DType::kI32, Shape{outputs}, std::nullopt});
    if (bias.ok()) {
      for (int32_t& x : bias->mutable_values<int32_t>()) {
        x = static_cast<int32_t>(spread * Between(-1, 1));
      }
    }
    return {builder_.Variable(NewName("bias"), std::move(bias)), std::move(hint)};
  }

  Activation SomeActivation() {
    return OneOf({Activation::kNone, Activation::kNone, Activation::kRelu, Activation::kRelu6});
  }

  // Padding that leaves a window of `reach` cells in the image along both axes.
  Padding SomePadding(int64_t reach_h, int64_t reach_w) {
    const bool fits = shape()[1] >= reach_h && shape()[2] >= reach_w;
    if (fits && Chance(0.3)) return kValidPadding;
    if (fits && Chance(0.3)) {
      const auto cells = [&](int64_t reach) {
        return static_cast<int64_t>(Below(static_cast<int>(std::min<int64_t>(reach, 3))));
      };
      return {Padding::Kind::kExplicit, cells(reach_h), cells(reach_h), cells(reach_w),
              cells(reach_w)};
    }
    return kSamePadding;
  }

  void AddConvolution() {
    Conv2dOptions options;
    const int64_t channels = shape()[3];
    const int64_t kernel_h = OneOf<int64_t>({1, 1, 2, 3, 3, 3, 5});
    const int64_t kernel_w = Chance(0.8) ? kernel_h : OneOf<int64_t>({1, 2, 3, 4});
    const int64_t dilation = Chance(0.15) ? 2 : 1;
    options.dilations = {dilation, dilation};
    const int64_t stride = Chance(0.25) ? 2 : 1;
    options.strides = {stride, Chance(0.9) ? stride : 1};
    int64_t outputs = OneOf<int64_t>({1, 3, 4, 7, 8, 15, 16, 17, 24, 32, 33});
    if (Chance(0.35)) {  // depthwise
      options.groups = channels;
      outputs = channels * (Chance(0.8) ? 1 : 2);
    } else if (channels % 2 == 0 && Chance(0.15)) {
      options.groups = 2;
      outputs += outputs % 2;
    }
    options.padding = SomePadding((kernel_h - 1) * dilation + 1, (kernel_w - 1) * dilation + 1);
    options.activation = SomeActivation();
    const int64_t inputs = kernel_h * kernel_w * (channels / options.groups);
    const int64_t cells = (shape()[1] + 4) * (shape()[2] + 4);
    if (cells * outputs * inputs > options_.max_macs_per_node) {
      outputs = std::max<int64_t>(1, options_.max_macs_per_node / (cells * inputs));
      outputs =
          options.groups == channels ? channels : (outputs + 1) / options.groups * options.groups;
    }
    outputs = std::max(outputs, options.groups);
    const ValueId filter = Filter({outputs, kernel_h, kernel_w, channels / options.groups},
                                  static_cast<double>(inputs));
    const auto [bias, hint] = BiasAndHint(filter, static_cast<double>(inputs));
    options.result_hint = hint;
    if (Chance(0.1)) {
      options.padding_value =
          integer() ? IntegerWeights("padding_value", {options_.dtype, Shape{channels},
                                                       builder_.type(current_).quantization})
                    : Weights("padding_value", Shape{channels}, 0.5);
    }
    Take(builder_.Conv2d(current_, filter, bias, options));
  }

  void AddPool(bool average) {
    Pool2dOptions options;
    options.window = {OneOf<int64_t>({1, 2, 2, 3}), OneOf<int64_t>({1, 2, 2, 3})};
    if (Chance(0.4)) options.strides = {1 + Below(2), 1 + Below(2)};
    options.padding = SomePadding(options.window[0], options.window[1]);
    options.activation = Chance(0.8) ? Activation::kNone : Activation::kRelu;
    if (!average) {
      Take(builder_.MaxPool2d(current_, options));
      return;
    }
    options.count_padding = Chance(0.3);
    options.result_hint = HintTimes(0.7, 1.2);
    if (integer() && Chance(0.5)) {
      options.result_hint = QuantizedHint(options_.dtype, static_cast<float>(scale(current_)),
                                          builder_.type(current_).quantization->zero_points[0]);
    }
    Take(builder_.AvgPool2d(current_, options));
  }

  // The other operand of add, subtract and multiply.
  ValueId Partner() {
    for (ValueId id : images_) {
      if (id != current_ && builder_.type(id).shape == shape() && Chance(0.6)) return id;
    }
    if (Chance(0.2)) return current_;
    const int64_t channels = shape()[3];
    if (Chance(0.2)) return Mean({1, 2}, true);
    const Shape other = OneOf<Shape>({Shape{channels}, Shape{channels}, Shape{}, Shape{1},
                                      Shape{1, shape()[1], shape()[2], channels}});
    if (!integer()) return Weights("operand", other, 1);
    TensorType type = *Hint(Between(0.005, 0.05));
    type.shape = other;
    return IntegerWeights("operand", std::move(type));
  }

  void AddBinary() {
    const ValueId partner = Partner();
    const bool swapped = Chance(0.3);
    const ValueId lhs = swapped ? partner : current_;
    const ValueId rhs = swapped ? current_ : partner;
    const int op = Below(5);
    const double mine = integer() ? scale(current_) : 0, other = integer() ? scale(partner) : 0;
    const auto sum_hint = Hint((mine + other) * Between(0.4, 1.2));
    const auto product_hint = Hint(mine * other * kImageRms * Between(0.5, 2));
    const Activation activation = SomeActivation();
    if (op <= 1) {
      Take(builder_.Add(lhs, rhs, activation, sum_hint));
    } else if (op == 2) {
      Take(builder_.Subtract(lhs, rhs, sum_hint));
    } else {
      Take(builder_.Multiply(lhs, rhs, activation, product_hint));
    }
  }

  void AddUnary() {
    switch (Below(4)) {
      case 0:
        return Take(builder_.Op(OpKind::kRelu, {current_}, {}, HintTimes(0.5, 1)));
      case 1:
        return Take(builder_.Op(OpKind::kRelu6, {current_}, {}, HintTimes(0.5, 1)));
      case 2:
        return Take(builder_.Op(OpKind::kSigmoid, {current_}, {}, Hint(1.0 / 256)));
      default:
        return Take(builder_.Op(OpKind::kTanh, {current_}, {}, Hint(1.0 / 128)));
    }
  }

  ValueId Mean(std::vector<int64_t> axes, bool keep_dims) {
    Attributes attributes;
    attributes.Set(Attr::axes, std::move(axes)).Set(Attr::keep_dims, keep_dims);
    return builder_.Op(OpKind::kReduceMean, {current_}, std::move(attributes), HintTimes(0.3, 1));
  }

  void AddImageOperator() {
    const int choice = Below(20);
    if (choice < 9) return AddConvolution();
    if (choice < 11) return AddPool(false);
    if (choice < 13) return AddPool(true);
    if (choice < 16) return AddBinary();
    if (choice < 18) return AddUnary();
    if (choice == 18 && shape()[3] <= 32) return Take(builder_.Concat({current_, current_}, 3));
    const auto cells = [&] { return static_cast<int64_t>(Below(3)); };
    Take(builder_.Pad(current_, {0, 0, cells(), cells(), cells(), cells(), 0, 0},
                      Chance(0.5) ? 0 : 0.25));
  }

  void AddFullyConnected() {
    const int64_t inputs = shape()[1];
    const int64_t limit = std::max<int64_t>(1, options_.max_macs_per_node / inputs);
    const int64_t outputs = std::min(OneOf<int64_t>({1, 2, 5, 10, 16, 17, 40, 64}), limit);
    const ValueId filter = Filter({outputs, inputs}, static_cast<double>(inputs));
    const auto [bias, hint] = BiasAndHint(filter, static_cast<double>(inputs));
    current_ = builder_.FullyConnected(current_, filter, bias, SomeActivation(), hint);
  }

  void AddHead() {
    current_ = Chance(0.5) ? builder_.Flatten(current_) : Mean({1, 2}, false);
    const int layers = Below(3);
    for (int i = 0; i < layers; ++i) AddFullyConnected();
    const bool floats = integer() && Chance(0.5);
    if (floats) current_ = builder_.Dequantize(current_);
    if (Chance(0.5)) {
      current_ =
          builder_.Op(OpKind::kSoftmax, {current_}, {}, floats ? std::nullopt : Hint(1.0 / 256));
    }
  }

  const RandomGraphOptions& options_;
  Random random_;
  GraphBuilder builder_;
  ValueId current_ = kNoValue;
  std::vector<ValueId> images_;  // [N,H,W,C], in order
  int serial_ = 0;
};

template <typename T>
void FillUniform(Tensor& tensor, Random& random, int64_t low, int64_t high) {
  for (T& x : tensor.mutable_values<T>()) {
    x = static_cast<T>(
        low + static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(high - low + 1))));
  }
}

}  // namespace

Graph RandomGraph(uint64_t seed, const RandomGraphOptions& options) {
  return Generator(seed, options).Run();
}

Result<Tensor> RandomTensor(const TensorType& type, uint64_t seed) {
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(type));
  Random random(seed, 1);
  switch (type.dtype) {
    case DType::kF32:
      for (float& x : tensor.mutable_values<float>()) x = random.NextNormal();
      return tensor;
    case DType::kI8:
      FillUniform<int8_t>(tensor, random, INT8_MIN, INT8_MAX);
      return tensor;
    case DType::kU8:
      FillUniform<uint8_t>(tensor, random, 0, UINT8_MAX);
      return tensor;
    case DType::kI16:
      FillUniform<int16_t>(tensor, random, INT16_MIN, INT16_MAX);
      return tensor;
    case DType::kI32:
      FillUniform<int32_t>(tensor, random, 0, 9);
      return tensor;
    case DType::kI64:
      FillUniform<int64_t>(tensor, random, 0, 9);
      return tensor;
    default:
      return Unsupported("random data of type ", type.ToString());
  }
}

Result<std::vector<Tensor>> RandomInputs(const Graph& graph, int64_t batch, uint64_t seed) {
  std::vector<Tensor> tensors;
  for (ValueId id : graph.inputs()) {
    TensorType type = graph.value(id).type();
    type.shape = type.shape.WithBatch(batch);
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor, RandomTensor(type, seed + tensors.size()));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace tersor::ir
