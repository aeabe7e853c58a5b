#include "tersor/kernels/conv2d_f32/conv2d_f32.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <ostream>
#include <vector>

#include "tersor/base/random.h"
#include "tersor/kernels/conv2d_f32/makers.h"
#include "tersor/kernels/kernel_testing.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

constexpr float kTolerance = 1e-5f;  // of the largest output

struct Case {
  const char* name;
  int64_t batch, height, width, in, out, kernel_h, kernel_w;
  int64_t stride = 1, dilation = 1, groups = 1;
  const char* padding = "same";
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const Case kCases[] = {
    {"winograd_32", 1, 32, 32, 32, 32, 3, 3},
    {"winograd_odd_channels", 2, 9, 11, 13, 21, 3, 3},
    {"winograd_few_channels", 1, 16, 16, 6, 6, 3, 3},
    {"winograd_three_outputs", 1, 16, 16, 32, 3, 3, 3},
    {"winograd_valid", 2, 10, 14, 16, 24, 3, 3, 1, 1, 1, "valid"},
    {"winograd_one_sided_padding", 1, 9, 9, 16, 16, 3, 3, 1, 1, 1, "[2,0,0,2]"},
    {"winograd_wide_padding", 1, 5, 6, 8, 40, 3, 3, 1, 1, 1, "[3,4,5,3]"},
    {"winograd_many_channels", 1, 8, 8, 130, 66, 3, 3},
    {"winograd_many_tiles", 4, 28, 28, 8, 16, 3, 3},
    {"winograd_split_columns", 1, 8, 8, 64, 64, 3, 3},
    {"first_layer", 1, 32, 32, 3, 32, 3, 3},
    {"three_to_three", 1, 17, 13, 3, 3, 3, 3},
    {"one_cell", 1, 1, 1, 5, 7, 3, 3},
    {"one_column", 2, 9, 1, 4, 9, 3, 3},
    {"strided", 1, 32, 32, 16, 32, 3, 3, 2},
    {"strided_odd", 2, 15, 13, 7, 19, 3, 3, 2},
    {"stride_without_taps", 1, 9, 9, 8, 8, 1, 1, 2},
    {"pointwise", 2, 7, 9, 12, 33, 1, 1},
    {"pointwise_padded", 1, 5, 5, 8, 16, 1, 1, 1, 1, 1, "[1,1,1,1]"},
    {"five_by_five", 1, 12, 12, 5, 18, 5, 5},
    {"one_by_seven", 1, 9, 17, 6, 8, 1, 7},
    {"even_filter", 1, 8, 10, 9, 16, 2, 4},
    {"large_stride", 1, 23, 23, 3, 16, 7, 7, 4},
    {"dilated", 1, 16, 16, 8, 16, 3, 3, 1, 2},
    {"dilated_strided", 1, 17, 19, 5, 12, 3, 3, 2, 3},
    {"two_groups", 1, 10, 10, 12, 20, 3, 3, 1, 1, 2},
    {"many_groups", 1, 9, 9, 32, 32, 3, 3, 2, 1, 8},
    {"grouped_pointwise", 1, 6, 6, 24, 36, 1, 1, 1, 1, 4},
    {"depthwise", 1, 16, 16, 24, 24, 3, 3, 1, 1, 24},
    {"depthwise_odd", 2, 11, 9, 13, 13, 3, 3, 1, 1, 13},
    {"depthwise_strided", 1, 15, 16, 32, 32, 3, 3, 2, 1, 32},
    {"depthwise_five", 1, 14, 10, 17, 17, 5, 5, 1, 1, 17},
    {"depthwise_dilated", 1, 14, 14, 8, 8, 3, 3, 1, 2, 8},
    {"depthwise_multiplier", 1, 10, 10, 6, 12, 3, 3, 1, 1, 6},
    {"depthwise_valid", 1, 10, 10, 40, 40, 3, 3, 1, 1, 40, "valid"},
};

std::vector<float> Normal(int64_t count, uint64_t stream, float deviation = 1) {
  Random random(7, stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = deviation * random.NextNormal();
  return values;
}

/// How a case is asked for.
struct Variant {
  bool constant_weights = true, bias = false, padding_value = false;
  Activation activation = Activation::kNone;
  enum class Chain { kNone, kAffine, kResidual, kPool, kAffinePool, kResidualPool } chain{};
  int threads = 1;
};

/// A convolution with everything that it reads.
class Problem {
 public:
  Problem(const Case& c, const Variant& variant) : variant_(variant) {
    input_type_ = {DType::kF32, {c.batch, c.height, c.width, c.in}, {}};
    filter_type_ = {DType::kF32, {c.out, c.kernel_h, c.kernel_w, c.in / c.groups}, {}};
    attributes_.Set(Attr::strides, std::vector<int64_t>{c.stride, c.stride})
        .Set(Attr::dilations, std::vector<int64_t>{c.dilation, c.dilation})
        .Set(Attr::groups, c.groups)
        .Set(Attr::padding, *ParseAttrValue(Attr::padding, c.padding))
        .Set(Attr::activation, variant.activation);
    const Padding& asked = attributes_.PaddingOf();
    const Padding padding = asked.Resolve(c.height, c.width, c.kernel_h, c.kernel_w, c.stride,
                                          c.stride, c.dilation, c.dilation);
    const auto extent = [&](int64_t cells, int64_t pads, int64_t window) {
      return (cells + pads - (window - 1) * c.dilation - 1) / c.stride + 1;
    };
    const int64_t out_h = extent(c.height, padding.top + padding.bottom, c.kernel_h);
    const int64_t out_w = extent(c.width, padding.left + padding.right, c.kernel_w);
    output_type_ = {DType::kF32, {c.batch, out_h, out_w, c.out}, {}};
    channel_type_ = {DType::kF32, {c.out}, {}};
    padding_type_ = {DType::kF32, {c.in}, {}};
    input_ = Normal(input_type_.shape.num_elements(), 1);
    filter_ = Normal(filter_type_.shape.num_elements(), 2,
                     1 / std::sqrt(static_cast<float>(c.kernel_h * c.kernel_w * c.in) / c.groups));
    bias_ = Normal(c.out, 3);
    padding_value_ = Normal(c.in, 4);
    scale_ = Normal(c.out, 5);
    shift_ = Normal(c.out, 6);
    residual_ = Normal(output_type_.shape.num_elements(), 7);
    relu_.Set(Attr::activation, Activation::kRelu);
    pool_.Set(Attr::window, std::vector<int64_t>{2, 2})
        .Set(Attr::strides, std::vector<int64_t>{2, 2});
    stored_type_ = output_type_;
    MakeChain();
  }

  bool PoolFits() const { return output_type_.shape[1] >= 2 && output_type_.shape[2] >= 2; }
  const TensorType& stored_type() const { return stored_type_; }

  /// The result of one row; nothing where it refuses.
  std::optional<std::vector<float>> Run(const KernelRow& row) {
    const bool constant = variant_.constant_weights;
    std::vector<ConstTensorView> operands = {
        {&input_type_, nullptr},
        {&filter_type_, constant ? filter_.data() : nullptr},
        variant_.bias ? ConstTensorView{&channel_type_, constant ? bias_.data() : nullptr}
                      : ConstTensorView{},
        variant_.padding_value
            ? ConstTensorView{&padding_type_, constant ? padding_value_.data() : nullptr}
            : ConstTensorView{}};
    KernelSpec spec;
    spec.operands = operands;
    spec.results = {&output_type_, 1};
    spec.attributes = &attributes_;
    spec.epilogue = chain_;
    spec.threads = variant_.threads;
    const auto kernel = row.make(spec);
    if (kernel == nullptr) return std::nullopt;

    operands[0].data = input_.data();
    operands[1].data = filter_.data();
    if (variant_.bias) operands[2].data = bias_.data();
    if (variant_.padding_value) operands[3].data = padding_value_.data();
    if (reads_residual_) operands.push_back({&output_type_, residual_.data()});
    constexpr float kUntouched = 12345.0f;
    constexpr size_t kGuard = 32;
    const size_t count = static_cast<size_t>(stored_type_.shape.num_elements());
    std::vector<float> result(count + kGuard, kUntouched);
    TensorView view{&stored_type_, result.data()};
    auto scratch = Buffer::Allocate(kernel->scratch_bytes() + 64);
    std::fill_n(static_cast<uint8_t*>((*scratch)->data()), kernel->scratch_bytes(), 0xff);
    auto pool = ThreadPool::Create(variant_.threads).value();
    KernelCall call;
    call.operands = operands;
    call.results = {&view, 1};
    call.scratch = (*scratch)->data();
    call.pool = &pool;
    for (int repeat = 0; repeat < 2; ++repeat) kernel->Run(call);
    for (size_t i = count; i < result.size(); ++i) {
      EXPECT_EQ(result[i], kUntouched) << "wrote past the result";
    }
    result.resize(count);
    return result;
  }

 private:
  void MakeChain() {
    using Chain = Variant::Chain;
    const auto link = [&](Epilogue::Kind kind, ConstTensorView operand, const Attributes* attrs) {
      chain_.push_back({kind, operand, attrs, stored_type_});
    };
    const Chain chain = variant_.chain;
    if (chain == Chain::kAffine || chain == Chain::kAffinePool) {
      link(Epilogue::Kind::kMultiply, {&channel_type_, scale_.data()}, &none_);
      link(Epilogue::Kind::kAdd, {&channel_type_, shift_.data()}, &none_);
    }
    if (chain == Chain::kResidual || chain == Chain::kResidualPool) {
      link(Epilogue::Kind::kAdd, {&output_type_, nullptr}, &relu_);
      reads_residual_ = true;
    }
    if (chain == Chain::kPool || chain == Chain::kAffinePool || chain == Chain::kResidualPool) {
      stored_type_.shape[1] /= 2;
      stored_type_.shape[2] /= 2;
      link(Epilogue::Kind::kMaxPool2d, {}, &pool_);
    }
  }

  const Variant variant_;
  TensorType input_type_, filter_type_, output_type_, channel_type_, padding_type_, stored_type_;
  Attributes attributes_, none_, relu_, pool_;
  std::vector<float> input_, filter_, bias_, padding_value_, scale_, shift_, residual_;
  std::vector<Epilogue> chain_;
  bool reads_residual_ = false;
};

#if defined(__x86_64__)
/// Winograd whatever the cost rule says.
template <const winograd_f32::Loops& kLoops>
std::unique_ptr<Kernel> MakeWinogradAlways(const KernelSpec& spec) {
  auto conv = ParseSpec(spec);
  if (!conv.has_value() || !conv->geometry.Is3x3Stride1()) return nullptr;
  return MakeWinogradKernel(kLoops, std::move(*conv), spec.threads);
}
#endif

/// The rows that this machine can run, and Winograd also where the cost rule would not take it.
std::vector<KernelRow> TestedRows() {
  std::vector<KernelRow> rows(Rows().begin(), Rows().end() - 1);
#if defined(__x86_64__)
  rows.push_back({"conv2d_f32", "avx512_winograd_always", CpuLevel::kAvx512,
                  MakeWinogradAlways<winograd_f32::kAvx512Loops>});
  rows.push_back({"conv2d_f32", "avx2_winograd_always", CpuLevel::kAvx2,
                  MakeWinogradAlways<winograd_f32::kAvx2Loops>});
#endif
  return testing::AvailableRows(rows);
}

class Conv2dF32 : public ::testing::TestWithParam<Case> {
 protected:
  void ExpectRowsAgree(Variant variant) {
    Problem problem(GetParam(), variant);
    if (variant.chain >= Variant::Chain::kPool && !problem.PoolFits()) return;
    const auto expected = problem.Run(Rows().back());
    ASSERT_TRUE(expected.has_value());
    float largest = 0;
    for (float value : *expected) largest = std::max(largest, std::abs(value));
    for (const KernelRow& row : TestedRows()) {
      const auto result = problem.Run(row);
      if (!result.has_value()) continue;
      float worst = 0;
      for (size_t i = 0; i < result->size(); ++i) {
        const float error = std::abs((*result)[i] - (*expected)[i]);
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
      }
      EXPECT_LE(worst, kTolerance * largest) << row.name;
    }
  }
};

TEST_P(Conv2dF32, AgreesWithTheReference) { ExpectRowsAgree({}); }

TEST_P(Conv2dF32, TakesBiasAndPaddingValueThatComeWithTheCall) {
  ExpectRowsAgree({.constant_weights = false,
                   .bias = true,
                   .padding_value = true,
                   .activation = Activation::kRelu6});
}

TEST_P(Conv2dF32, TakesConstantBiasAndPaddingValue) {
  ExpectRowsAgree({.bias = true, .padding_value = true, .activation = Activation::kRelu});
}

TEST_P(Conv2dF32, TakesFollowers) {
  using Chain = Variant::Chain;
  for (Chain chain :
       {Chain::kAffine, Chain::kResidual, Chain::kPool, Chain::kAffinePool, Chain::kResidualPool}) {
    SCOPED_TRACE(static_cast<int>(chain));
    ExpectRowsAgree({.bias = true, .activation = Activation::kRelu, .chain = chain});
  }
}

TEST_P(Conv2dF32, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (const KernelRow& row : TestedRows()) {
    const auto one = Problem(GetParam(), {.bias = true, .threads = 1}).Run(row);
    const auto three = Problem(GetParam(), {.bias = true, .threads = 3}).Run(row);
    EXPECT_EQ(one, three) << row.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dF32, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Conv2dF32Rows, RefuseAFollowerThatTheyCannotDo) {
  const TensorType input{DType::kF32, {1, 8, 8, 8}, {}}, filter{DType::kF32, {8, 3, 3, 8}, {}};
  const TensorType slice{DType::kF32, {8, 1}, {}};
  const std::vector<float> values(8, 1.0f);
  Attributes attributes, none, wide;
  attributes.Set(Attr::padding, Padding{Padding::Kind::kSame});
  wide.Set(Attr::window, std::vector<int64_t>{3, 3}).Set(Attr::strides, std::vector<int64_t>{2, 2});
  const Epilogue refused[] = {
      {Epilogue::Kind::kMultiply, {&input, nullptr}, &none, input},
      {Epilogue::Kind::kAdd, {&slice, values.data()}, &none, input},
      {Epilogue::Kind::kMaxPool2d, {}, &wide, {DType::kF32, {1, 3, 3, 8}, {}}},
  };
  const ConstTensorView operands[] = {{&input, nullptr}, {&filter, nullptr}, {}, {}};
  for (const Epilogue& epilogue : refused) {
    for (const KernelRow& row : Rows()) {
      KernelSpec spec;
      spec.operands = operands;
      spec.results = {&input, 1};
      spec.attributes = &attributes;
      EXPECT_NE(Rows().back().make(spec), nullptr);
      spec.epilogue = {&epilogue, 1};
      EXPECT_EQ(row.make(spec), nullptr) << row.name;
    }
  }
}

}  // namespace
}  // namespace tersor::kernels::conv2d_f32
