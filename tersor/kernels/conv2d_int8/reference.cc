#include "tersor/kernels/conv2d_int8/conv2d_int8.h"
#include "tersor/kernels/conv2d_int8/conv_case.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

class Reference : public Kernel {
 public:
  explicit Reference(ConvCase c) : c_(std::move(c)) {}

  // The cells that padding holds.
  size_t scratch_bytes() const override { return sizeof(int32_t) * static_cast<size_t>(c_.in_c); }

  void Run(const KernelCall& call) const override {
    auto* cells = static_cast<int32_t*>(call.scratch);
    FillPaddedCells(c_, *call.operands[0].type,
                    call.operands.size() > 3 ? call.operands[3] : ConstTensorView{}, cells);
    const bool signed_input = c_.input_dtype == DType::kI8;
    const bool signed_filter = c_.filter_dtype == DType::kI8;
    if (signed_input && signed_filter) Convolve<int8_t, int8_t>(call, cells);
    if (signed_input && !signed_filter) Convolve<int8_t, uint8_t>(call, cells);
    if (!signed_input && signed_filter) Convolve<uint8_t, int8_t>(call, cells);
    if (!signed_input && !signed_filter) Convolve<uint8_t, uint8_t>(call, cells);
  }

 private:
  template <typename In, typename Weight>
  void Convolve(const KernelCall& call, const int32_t* cells) const {
    const int rows = c_.batch * c_.out_h;
    call.pool->Run(rows, [&](int row) {
      const int n = row / c_.out_h, y = row % c_.out_h;
      for (int x = 0; x < c_.out_w; ++x) {
        for (int o = 0; o < c_.out_c; ++o) {
          const int32_t q =
              Requantize(Sum<In, Weight>(call, cells, n, y, x, o),
                         c_.multipliers[static_cast<size_t>(o)], c_.result_zero, c_.range);
          const int64_t at = (int64_t{row} * c_.out_w + x) * c_.out_c + o;
          // i8 and u8 results have the same bits here.
          call.results[0].as<uint8_t>()[at] = static_cast<uint8_t>(q);
        }
      }
    });
  }

  template <typename In, typename Weight>
  int32_t Sum(const KernelCall& call, const int32_t* cells, int n, int y, int x, int o) const {
    const int per_group = c_.in_c / c_.groups;
    const int first = o / (c_.out_c / c_.groups) * per_group;
    const int32_t filter_zero = c_.filter_zeros[static_cast<size_t>(o)];
    const Weight* weight = call.operands[1].as<Weight>() + int64_t{o} * c_.taps();
    const bool has_bias = call.operands.size() > 2 && call.operands[2].type != nullptr;
    int32_t sum = has_bias ? call.operands[2].as<int32_t>()[o] : 0;
    for (int i = 0; i < c_.k_h; ++i) {
      for (int j = 0; j < c_.k_w; ++j) {
        const int in_y = y * c_.stride_h + i * c_.dilation_h - c_.pad_top;
        const int in_x = x * c_.stride_w + j * c_.dilation_w - c_.pad_left;
        const bool inside = in_y >= 0 && in_y < c_.in_h && in_x >= 0 && in_x < c_.in_w;
        const In* pixel = nullptr;
        if (inside) {
          pixel = call.operands[0].as<In>() +
                  ((int64_t{n} * c_.in_h + in_y) * c_.in_w + in_x) * c_.in_c;
        }
        for (int k = first; k < first + per_group; ++k) {
          const int32_t q = inside ? int32_t{pixel[k]} : cells[k];
          sum += (q - c_.input_zero) * (int32_t{*weight++} - filter_zero);
        }
      }
    }
    return sum;
  }

  ConvCase c_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  if (!spec.epilogue.empty()) return nullptr;
  auto parsed = ParseConvCase(spec);
  if (!parsed) return nullptr;
  return std::make_unique<Reference>(std::move(*parsed));
}

}  // namespace tersor::kernels::conv2d_int8
