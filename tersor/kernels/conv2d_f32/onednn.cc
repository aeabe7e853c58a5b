// The three convolutions through oneDNN, in plain NHWC; only the filter is put into an order of the
// library's choice.
//
// oneDNN cuts its work by OpenMP's number of threads, which is set to 1 around making and running a
// primitive: a shard of a training step has one thread, and the result must not depend on others.
// The library allocates small descriptors at each call, which the contract of Kernel would rather
// have none of; these rows are for training.
#include "tersor/kernels/conv2d_f32/onednn.h"

#include <algorithm>
#include <dnnl.hpp>
#include <unordered_map>

#include "tersor/kernels/conv2d_f32/makers.h"

extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int threads);
}

namespace tersor::kernels::conv2d_f32 {
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

/// Descriptions of the tensors of a convolution, as users have them and as primitives may choose.
struct Descs {
  explicit Descs(const Geometry& g)
      : source(Desc({g.batch, g.in_channels, g.height, g.width}, memory::format_tag::nhwc)),
        result(
            Desc({g.batch, g.out_channels, g.out_height, g.out_width}, memory::format_tag::nhwc)),
        bias(Desc({g.out_channels}, memory::format_tag::x)),
        strides({g.stride_h, g.stride_w}),
        dilations({g.dilation_h - 1, g.dilation_w - 1}),
        pads_before({g.pad_top, g.pad_left}) {
    memory::dims dims = {g.out_channels, g.in_channels, g.kernel_h, g.kernel_w};
    if (g.groups > 1) {
      dims = {g.groups, g.group_out(), g.group_in(), g.kernel_h, g.kernel_w};
    }
    filter = Desc(dims, g.groups > 1 ? memory::format_tag::gohwi : memory::format_tag::ohwi);
    any_filter = Desc(dims, memory::format_tag::any);
    const auto after = [](int64_t outputs, int64_t stride, int64_t window, int64_t dilation,
                          int64_t extent, int64_t before) {
      return std::max<int64_t>(
          0, (outputs - 1) * stride + (window - 1) * dilation + 1 - extent - before);
    };
    pads_after = {after(g.out_height, g.stride_h, g.kernel_h, g.dilation_h, g.height, g.pad_top),
                  after(g.out_width, g.stride_w, g.kernel_w, g.dilation_w, g.width, g.pad_left)};
  }

  memory::desc source, result, bias, filter, any_filter;
  memory::dims strides, dilations, pads_before, pads_after;
};

size_t Align(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// What the three kernels share: a primitive, its scratch, and the filter's order.
class OneDnnKernel : public Kernel {
 public:
  size_t scratch_bytes() const override {
    return Align(filter_bytes_) + Align(static_cast<size_t>(scratchpad_.get_size()));
  }

 protected:
  /// `reorders_filter`: the filter in the primitive's order is made in scratch.
  template <typename PrimitiveDesc>
  void Set(const PrimitiveDesc& desc, const Descs& descs, dnnl::primitive primitive) {
    primitive_ = std::move(primitive);
    scratchpad_ = desc.scratchpad_desc();
    user_filter_ = descs.filter;
    filter_bytes_ = filter_ == user_filter_ ? 0 : filter_.get_size();
  }

  memory Wrap(const memory::desc& desc, const void* data) const {
    return {desc, Engine(), const_cast<void*>(data)};
  }
  void Execute(const KernelCall& call, std::unordered_map<int, memory> arguments) const {
    std::byte* scratchpad = static_cast<std::byte*>(call.scratch) + Align(filter_bytes_);
    arguments.emplace(DNNL_ARG_SCRATCHPAD, Wrap(scratchpad_, scratchpad));
    dnnl::stream stream(Engine());
    primitive_.execute(stream, arguments);
    stream.wait();
  }
  /// The filter in the primitive's order.
  memory FilterIn(const KernelCall& call, const void* data) const {
    if (filter_bytes_ == 0) return Wrap(filter_, data);
    memory from = Wrap(user_filter_, data), to = Wrap(filter_, call.scratch);
    Reorder(from, to);
    return to;
  }
  void Reorder(memory& from, memory& to) const {
    dnnl::stream stream(Engine());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }

  dnnl::primitive primitive_;
  memory::desc filter_, user_filter_, scratchpad_;
  size_t filter_bytes_ = 0;  ///< of scratch
};

dnnl::primitive_attr UserScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

class Forward final : public OneDnnKernel {
 public:
  Forward(const Geometry& g, bool has_bias, Activation activation, const float* filter)
      : descs_(g), has_bias_(has_bias) {
    dnnl::primitive_attr attributes = UserScratchpad();
    dnnl::post_ops post;
    if (activation == Activation::kRelu) {
      post.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
    } else if (activation == Activation::kRelu6) {
      post.append_eltwise(dnnl::algorithm::eltwise_clip, 0, 6);
    }
    attributes.set_post_ops(post);
    const dnnl::convolution_forward::primitive_desc desc(
        Engine(), dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
        descs_.source, descs_.any_filter, has_bias ? descs_.bias : memory::desc(), descs_.result,
        descs_.strides, descs_.dilations, descs_.pads_before, descs_.pads_after, attributes);
    filter_ = desc.weights_desc();
    Set(desc, descs_, dnnl::convolution_forward(desc));
    if (filter != nullptr) {
      packed_ = memory(filter_, Engine());
      memory from = Wrap(user_filter_, filter);
      Reorder(from, packed_);
      filter_bytes_ = 0;
    }
  }

  size_t packed_bytes() const override { return packed_ ? filter_.get_size() : 0; }

  void Run(const KernelCall& call) const override {
    const OneOpenMpThread one_thread;
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, Wrap(descs_.source, call.operands[kInput].data)},
        {DNNL_ARG_WEIGHTS, packed_ ? packed_ : FilterIn(call, call.operands[kFilter].data)},
        {DNNL_ARG_DST, Wrap(descs_.result, call.results[0].data)}};
    if (has_bias_) {
      arguments.emplace(DNNL_ARG_BIAS, Wrap(descs_.bias, call.operands[kBias].data));
    }
    Execute(call, std::move(arguments));
  }

 private:
  const Descs descs_;
  const bool has_bias_;
  memory packed_;
};

dnnl::convolution_forward::primitive_desc Hint(const Descs& descs) {
  return {Engine(),
          dnnl::prop_kind::forward_training,
          dnnl::algorithm::convolution_direct,
          descs.source,
          descs.any_filter,
          descs.result,
          descs.strides,
          descs.dilations,
          descs.pads_before,
          descs.pads_after};
}

class GradInput final : public OneDnnKernel {
 public:
  explicit GradInput(const Geometry& g) : descs_(g) {
    const dnnl::convolution_backward_data::primitive_desc desc(
        Engine(), dnnl::algorithm::convolution_direct, descs_.source, descs_.any_filter,
        descs_.result, descs_.strides, descs_.dilations, descs_.pads_before, descs_.pads_after,
        Hint(descs_), UserScratchpad());
    filter_ = desc.weights_desc();
    Set(desc, descs_, dnnl::convolution_backward_data(desc));
  }

  void Run(const KernelCall& call) const override {
    const OneOpenMpThread one_thread;
    Execute(call, {{DNNL_ARG_WEIGHTS, FilterIn(call, call.operands[0].data)},
                   {DNNL_ARG_DIFF_DST, Wrap(descs_.result, call.operands[1].data)},
                   {DNNL_ARG_DIFF_SRC, Wrap(descs_.source, call.results[0].data)}});
  }

 private:
  const Descs descs_;
};

class GradFilter final : public OneDnnKernel {
 public:
  explicit GradFilter(const Geometry& g) : descs_(g) {
    const dnnl::convolution_backward_weights::primitive_desc desc(
        Engine(), dnnl::algorithm::convolution_direct, descs_.source, descs_.any_filter,
        descs_.result, descs_.strides, descs_.dilations, descs_.pads_before, descs_.pads_after,
        Hint(descs_), UserScratchpad());
    filter_ = desc.diff_weights_desc();
    Set(desc, descs_, dnnl::convolution_backward_weights(desc));
  }

  void Run(const KernelCall& call) const override {
    const OneOpenMpThread one_thread;
    void* gradient = call.results[0].data;
    memory ordered = Wrap(filter_, filter_bytes_ == 0 ? gradient : call.scratch);
    Execute(call, {{DNNL_ARG_SRC, Wrap(descs_.source, call.operands[0].data)},
                   {DNNL_ARG_DIFF_DST, Wrap(descs_.result, call.operands[1].data)},
                   {DNNL_ARG_DIFF_WEIGHTS, ordered}});
    if (filter_bytes_ == 0) return;
    memory plain = Wrap(user_filter_, gradient);
    Reorder(ordered, plain);
  }

 private:
  const Descs descs_;
};

/// A kernel of the library, or null where it has none.
template <typename T, typename... Args>
std::unique_ptr<Kernel> Make(const Args&... args) {
  const OneOpenMpThread one_thread;
  try {
    return std::make_unique<T>(args...);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Kernel> MakeOneDnn(const KernelSpec& spec) {
  const auto parsed = ParseSpec(spec);
  if (!parsed.has_value() || parsed->has_padding_value || !spec.epilogue.empty()) return nullptr;
  return Make<Forward>(parsed->geometry, HasOperand(spec, kBias), spec.attributes->ActivationOf(),
                       parsed->filter);
}

std::unique_ptr<Kernel> MakeOneDnnGradInput(const Geometry& geometry) {
  return Make<GradInput>(geometry);
}

std::unique_ptr<Kernel> MakeOneDnnGradFilter(const Geometry& geometry) {
  return Make<GradFilter>(geometry);
}

}  // namespace tersor::kernels::conv2d_f32
