// The vector code of depthwise_int8, in the width of the including file.
#pragma once

#include "tersor/kernels/depthwise_int8/loops.h"
#include "tersor/kernels/simd/integer_chain-inl.h"

namespace tersor::kernels::depthwise_int8 {
namespace {

class Depthwise {
 public:
  Depthwise(const Plan& plan, const KernelCall& call)
      : p_(plan),
        input_(call.operands[0].as<int8_t>()),
        target_{call.results[0].as<int8_t>(), call.operands.data()} {}

  // Rows [begin, end) of the whole batch's result.
  void Run(int begin, int end, int8_t* line, int32_t* image) const {
    while (begin < end) {
      const int n = begin / p_.out_h, y = begin % p_.out_h;
      const int rows = Smaller(Smaller(p_.chunk_rows, p_.out_h - y), end - begin);
      FillImage(n, y * p_.stride_h - p_.pad_top,
                (rows - 1) * p_.stride_h + (p_.k_h - 1) * p_.dilation_h + 1, line, image);
      for (int channel = 0; channel < p_.channels; channel += kLanes) {
        for (int row = 0; row < rows; ++row) {
          const int32_t* at =
              image + ptrdiff_t{row} * p_.stride_h * p_.image_w * p_.channels + channel;
          Row(at, channel, (ptrdiff_t{n} * p_.out_h + y + row) * p_.out_w);
        }
      }
      begin += rows;
    }
  }

 private:
  // Pixels of a result row whose sums are finished together.
  static constexpr int kRun = 64;

  void FillImage(int n, int top, int rows, int8_t* line, int32_t* image) const {
    const ptrdiff_t channels = p_.channels, width = p_.image_w;
    for (int row = 0; row < rows; ++row) {
      const int y = top + row;
      const bool inside = y >= 0 && y < p_.in_h;
      const int8_t* from = input_;
      if (inside) from += (ptrdiff_t{n} * p_.in_h + y) * p_.in_w * p_.in_c;
      for (int x = 0; x < width; ++x) {
        const int in_x = x - p_.pad_left;
        int8_t* to = line + x * channels;
        if (!inside || in_x < 0 || in_x >= p_.in_w) {
          __builtin_memcpy(to, p_.padding, static_cast<size_t>(channels));
        } else if (p_.multiplier == 1) {
          __builtin_memcpy(to, from + ptrdiff_t{in_x} * p_.in_c, static_cast<size_t>(p_.in_c));
        } else {
          const int8_t* pixel = from + ptrdiff_t{in_x} * p_.in_c;
          for (int c = 0; c < p_.in_c; ++c) {
            for (int m = 0; m < p_.multiplier; ++m) *to++ = pixel[c];
          }
        }
      }
      const ptrdiff_t right = p_.dilation_w * channels;
      for (ptrdiff_t i = 0; i < width * channels; i += kLanes) {
        PairBytes(line + i, line + i + right).Store(image + i);
      }
      image += width * channels;
    }
  }

  void Row(const int32_t* image, int channel, ptrdiff_t first_pixel) const {
    for (int x = 0; x < p_.out_w; x += kRun) {
      const int count = Smaller(kRun, p_.out_w - x);
      I32 sums[kRun];
      ptrdiff_t offsets[kRun];
      const ptrdiff_t step = ptrdiff_t{p_.stride_w} * p_.channels;
      for (int i = 0; i < count; ++i) offsets[i] = (first_pixel + x + i) * p_.out_c;
      int i = 0;
      for (; i + 4 <= count; i += 4) Pixels<4>(image + (x + i) * step, channel, sums + i);
      for (; i < count; ++i) Pixels<1>(image + (x + i) * step, channel, sums + i);
      for (; i % 4 != 0; ++i) {
        sums[i] = I32::Fill(0);
        offsets[i] = -1;
      }
      FinishSums(p_.chain, target_, channel, Smaller(kLanes, p_.out_c - channel), sums, offsets, i);
    }
  }

  template <int kPixels>
  void Pixels(const int32_t* image, int channel, I32* sums) const {
    const ptrdiff_t step = ptrdiff_t{p_.stride_w} * p_.channels;
    const ptrdiff_t pair_step = ptrdiff_t{p_.dilation_w} * 2 * p_.channels;
    const ptrdiff_t row_step = ptrdiff_t{p_.dilation_h} * p_.image_w * p_.channels;
    const int32_t* filter = p_.filter + ptrdiff_t{channel} * p_.k_h * p_.pairs;
    I32 acc[kPixels];
    TERSOR_UNROLL
    for (int i = 0; i < kPixels; ++i) acc[i] = I32::Load(p_.bias + channel);
    for (int row = 0; row < p_.k_h; ++row, image += row_step) {
      const int32_t* at = image;
      for (int pair = 0; pair < p_.pairs; ++pair, at += pair_step, filter += kLanes) {
        const I32 w = I32::Load(filter);
        TERSOR_UNROLL
        for (int i = 0; i < kPixels; ++i) acc[i] = DotPairs(acc[i], I32::Load(at + i * step), w);
      }
    }
    TERSOR_UNROLL
    for (int i = 0; i < kPixels; ++i) sums[i] = acc[i];
  }

  const Plan& p_;
  const int8_t* input_;
  ChainTarget target_;
};

void Run(const Plan& plan, const KernelCall& call) {
  const Depthwise depthwise(plan, call);
  const int rows = plan.batch * plan.out_h;
  call.pool->Run(plan.tasks, [&](int task) {
    char* at = static_cast<char*>(call.scratch) + static_cast<ptrdiff_t>(plan.task_bytes) * task;
    depthwise.Run(static_cast<int>(int64_t{rows} * task / plan.tasks),
                  static_cast<int>(int64_t{rows} * (task + 1) / plan.tasks),
                  reinterpret_cast<int8_t*>(at), reinterpret_cast<int32_t*>(at + plan.line_bytes));
  });
}

constexpr Loops kLoops = {.lanes = kLanes, .run = Run};

}  // namespace
}  // namespace tersor::kernels::depthwise_int8
