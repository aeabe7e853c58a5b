#include "tersor/kernels/conv2d_int8/conv_case.h"
#include "tersor/kernels/fully_connected_int8/fully_connected_int8.h"

namespace tersor::kernels::fully_connected_int8 {
namespace {

class Reference : public Kernel {
 public:
  explicit Reference(ConvCase c) : c_(std::move(c)) {}

  void Run(const KernelCall& call) const override {
    const bool signed_input = c_.input_dtype == DType::kI8;
    const bool signed_filter = c_.filter_dtype == DType::kI8;
    if (signed_input && signed_filter) Multiply<int8_t, int8_t>(call);
    if (signed_input && !signed_filter) Multiply<int8_t, uint8_t>(call);
    if (!signed_input && signed_filter) Multiply<uint8_t, int8_t>(call);
    if (!signed_input && !signed_filter) Multiply<uint8_t, uint8_t>(call);
  }

 private:
  template <typename In, typename Weight>
  void Multiply(const KernelCall& call) const {
    const bool has_bias = call.operands.size() > 2 && call.operands[2].type != nullptr;
    call.pool->Run(c_.batch, [&](int n) {
      const In* input = call.operands[0].as<In>() + int64_t{n} * c_.in_c;
      const Weight* weight = call.operands[1].as<Weight>();
      // i8 and u8 results have the same bits here.
      auto* result = call.results[0].as<uint8_t>() + int64_t{n} * c_.out_c;
      for (int o = 0; o < c_.out_c; ++o) {
        int32_t sum = has_bias ? call.operands[2].as<int32_t>()[o] : 0;
        const int32_t filter_zero = c_.filter_zeros[static_cast<size_t>(o)];
        for (int i = 0; i < c_.in_c; ++i) {
          sum += (int32_t{input[i]} - c_.input_zero) * (int32_t{*weight++} - filter_zero);
        }
        result[o] = static_cast<uint8_t>(
            Requantize(sum, c_.multipliers[static_cast<size_t>(o)], c_.result_zero, c_.range));
      }
    });
  }

  ConvCase c_;
};

}  // namespace

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec) {
  if (!spec.epilogue.empty()) return nullptr;
  auto parsed = ParseFullyConnectedCase(spec);
  if (!parsed) return nullptr;
  return std::make_unique<Reference>(std::move(*parsed));
}

}  // namespace tersor::kernels::fully_connected_int8
