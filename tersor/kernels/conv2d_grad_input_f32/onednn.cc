// The input's gradient through oneDNN, in plain NHWC; only the filter is put into an order of the
// library's choice.
//
// oneDNN cuts its work by OpenMP's number of threads, which is set to 1 around making and running a
// primitive: a shard of a training step has one thread, and the result must not depend on others.
// The library allocates small descriptors at each call, which the contract of Kernel would rather
// have none of; this row is for training.
#include <algorithm>
#include <dnnl.hpp>
#include <unordered_map>

#include "tersor/kernels/conv2d_grad_input_f32/makers.h"

extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int threads);
}

namespace tersor::kernels::conv2d_grad_input_f32 {
namespace {

using dnnl::memory;

class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  const int before_;
};

const dnnl::engine& Engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc Desc(const memory::dims& dims, memory::format_tag tag) {
  return {dims, memory::data_type::f32, tag};
}

memory Wrap(const memory::desc& desc, const void* data) {
  return {desc, Engine(), const_cast<void*>(data)};
}

size_t Align(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// Scratch: the filter in the primitive's order where that is another, then the library's own.
class OneDnnGradInput final : public Kernel {
 public:
  explicit OneDnnGradInput(const Geometry& g)
      : input_(Desc({g.batch, g.in_channels, g.height, g.width}, memory::format_tag::nhwc)),
        output_(
            Desc({g.batch, g.out_channels, g.out_height, g.out_width}, memory::format_tag::nhwc)) {
    memory::dims dims = {g.out_channels, g.in_channels, g.kernel_h, g.kernel_w};
    if (g.groups > 1) dims = {g.groups, g.group_out(), g.group_in(), g.kernel_h, g.kernel_w};
    filter_ = Desc(dims, g.groups > 1 ? memory::format_tag::gohwi : memory::format_tag::ohwi);
    const memory::desc any_filter = Desc(dims, memory::format_tag::any);
    const auto after = [](int64_t outputs, int64_t stride, int64_t window, int64_t dilation,
                          int64_t extent, int64_t before) {
      return std::max<int64_t>(
          0, (outputs - 1) * stride + (window - 1) * dilation + 1 - extent - before);
    };
    const memory::dims strides = {g.stride_h, g.stride_w};
    const memory::dims dilations = {g.dilation_h - 1, g.dilation_w - 1};
    const memory::dims before = {g.pad_top, g.pad_left};
    const memory::dims behind = {
        after(g.out_height, g.stride_h, g.kernel_h, g.dilation_h, g.height, g.pad_top),
        after(g.out_width, g.stride_w, g.kernel_w, g.dilation_w, g.width, g.pad_left)};
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    constexpr auto kDirect = dnnl::algorithm::convolution_direct;
    const dnnl::convolution_forward::primitive_desc forward(
        Engine(), dnnl::prop_kind::forward_training, kDirect, input_, any_filter, output_, strides,
        dilations, before, behind);
    const dnnl::convolution_backward_data::primitive_desc desc(
        Engine(), kDirect, input_, any_filter, output_, strides, dilations, before, behind, forward,
        attributes);
    primitive_ = dnnl::convolution_backward_data(desc);
    scratchpad_ = desc.scratchpad_desc();
    ordered_filter_ = desc.weights_desc();
    filter_bytes_ = ordered_filter_ == filter_ ? 0 : ordered_filter_.get_size();
  }

  size_t scratch_bytes() const override {
    return Align(filter_bytes_) + Align(static_cast<size_t>(scratchpad_.get_size()));
  }

  void Run(const KernelCall& call) const override {
    const OneOpenMpThread one_thread;
    dnnl::stream stream(Engine());
    memory filter = Wrap(filter_, call.operands[kFilter].data);
    if (filter_bytes_ > 0) {
      memory ordered = Wrap(ordered_filter_, call.scratch);
      dnnl::reorder(filter, ordered).execute(stream, filter, ordered);
      filter = ordered;
    }
    primitive_.execute(
        stream, {{DNNL_ARG_WEIGHTS, filter},
                 {DNNL_ARG_DIFF_DST, Wrap(output_, call.operands[kGradient].data)},
                 {DNNL_ARG_DIFF_SRC, Wrap(input_, call.results[0].data)},
                 {DNNL_ARG_SCRATCHPAD, Wrap(scratchpad_, static_cast<std::byte*>(call.scratch) +
                                                             Align(filter_bytes_))}});
    stream.wait();
  }

 private:
  memory::desc input_, output_, filter_, ordered_filter_, scratchpad_;
  dnnl::primitive primitive_;
  size_t filter_bytes_ = 0;  ///< of scratch
};

}  // namespace

std::unique_ptr<Kernel> MakeOneDnn(const KernelSpec& spec) {
  const auto geometry = ForwardGeometry(spec);
  if (!geometry.has_value()) return nullptr;
  const OneOpenMpThread one_thread;
  try {
    return std::make_unique<OneDnnGradInput>(*geometry);
  } catch (const dnnl::error&) {
    return nullptr;  // the library has no such kernel
  }
}

}  // namespace tersor::kernels::conv2d_grad_input_f32
