// Convolution as an implicit matrix product: the rows of the input that some result rows need are
// widened once into a padded image, in which the taps of one filter row are contiguous; then each
// 32-bit group of it (two i16, or four u8 that stand for q + 128) is broadcast against the packed
// filter. The zero point, and the 128, are folded into the bias.
#pragma once

#include "tersor/kernels/conv2d_int8/plan.h"
#include "tersor/kernels/simd/integer_vector.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

#if defined(TERSOR_AVX512VNNI)
using Element = uint8_t;
constexpr auto kDirectDot = DotQuads;
inline void Widen(uint8_t* to, const int8_t* from, int count) {
  for (int i = 0; i < count; ++i) to[i] = static_cast<uint8_t>(from[i] ^ 0x80);
}
#else
using Element = int16_t;
constexpr auto kDirectDot = DotPairs;
inline void Widen(int16_t* to, const int8_t* from, int count) {
  for (int i = 0; i < count; ++i) to[i] = from[i];
}
#endif

class Direct {
 public:
  Direct(const Plan& plan, const KernelCall& call)
      : p_(plan),
        input_(call.operands[0].as<int8_t>()),
        target_{call.results[0].as<int8_t>(), call.operands.data()} {}

  // Units [begin, end) of the whole batch: a unit is one row of the stored result.
  void Run(int begin, int end, Element* image) const {
    const int height = p_.chain.pool ? p_.out_h / 2 : p_.out_h;
    const int chunk = p_.chain.pool ? p_.chunk_rows / 2 : p_.chunk_rows;
    while (begin < end) {
      const int n = begin / height, y = begin % height;
      const int rows = Smaller(Smaller(chunk, height - y), end - begin);
      const int scale = p_.chain.pool ? 2 : 1;
      Chunk(n, y * scale, rows * scale, image);
      begin += rows;
    }
  }

 private:
  void Chunk(int n, int first, int rows, Element* image) const {
    FillImage(n, first * p_.stride_h - p_.pad_top,
              (rows - 1) * p_.stride_h + (p_.k_h - 1) * p_.dilation_h + 1, image);
    const char* filter = p_.filter;
    for (int vector = 0; vector < p_.vectors; vector += kBlockVectors) {
      const int vectors = Smaller(kBlockVectors, p_.vectors - vector);
      if (p_.chain.pool) {
        for (int y = 0; y < rows; y += 2) {
          for (int x = 0; x < p_.out_w; x += 2) {
            if (vectors == 2) {
              Windows<2>(filter, vector, n, first, y, x, image);
            } else {
              Windows<1>(filter, vector, n, first, y, x, image);
            }
          }
        }
      } else {
        for (int y = 0; y < rows; ++y) {
          if (vectors == 2) {
            Row<2>(filter, vector, n, first, y, image);
          } else {
            Row<1>(filter, vector, n, first, y, image);
          }
        }
      }
      filter += ptrdiff_t{p_.segments} * p_.groups * vectors * kLanes * 4;
    }
  }

  void FillImage(int n, int top, int rows, Element* image) const {
    const ptrdiff_t row_size = ptrdiff_t{p_.image_w} * p_.in_c;
    const int left = Smaller(p_.pad_left, p_.image_w);
    const int inside = Larger(0, Smaller(p_.in_w, p_.image_w - left));
    for (int row = 0; row < rows; ++row, image += row_size) {
      const int y = top + row;
      if (y < 0 || y >= p_.in_h) {
        FillCells(image, p_.image_w);
        continue;
      }
      FillCells(image, left);
      Widen(image + ptrdiff_t{left} * p_.in_c,
            input_ + (ptrdiff_t{n} * p_.in_h + y) * p_.in_w * p_.in_c, inside * p_.in_c);
      FillCells(image + ptrdiff_t{left + inside} * p_.in_c, p_.image_w - left - inside);
    }
  }

  void FillCells(Element* to, int count) const {
    for (int i = 0; i < count; ++i) Widen(to + ptrdiff_t{i} * p_.in_c, p_.padding, p_.in_c);
  }

  const char* PixelAt(const Element* image, int y, int x) const {
    return reinterpret_cast<const char*>(
        image + (ptrdiff_t{y} * p_.stride_h * p_.image_w + ptrdiff_t{x} * p_.stride_w) * p_.in_c);
  }

  template <int kVectors>
  void Row(const char* filter, int vector, int n, int first, int y, const Element* image) const {
    const int parts = CeilDiv(p_.out_w, kMaxRows);
    int x = 0;
    for (int part = 0; part < parts; ++part) {
      const int count = CeilDiv(p_.out_w - x, parts - part);
      switch (count) {
        case 1:
          Pixels<1, kVectors>(filter, vector, n, first, y, x, image);
          break;
        case 2:
          Pixels<2, kVectors>(filter, vector, n, first, y, x, image);
          break;
        case 3:
          Pixels<3, kVectors>(filter, vector, n, first, y, x, image);
          break;
        case 4:
          Pixels<4, kVectors>(filter, vector, n, first, y, x, image);
          break;
        case 5:
          Pixels<5, kVectors>(filter, vector, n, first, y, x, image);
          break;
        default:
          Pixels<6, kVectors>(filter, vector, n, first, y, x, image);
      }
      x += count;
    }
  }

  template <int kRows, int kVectors>
  void Sums(const char* filter, int vector, const char* const (&pixels)[kRows],
            I32 (&acc)[kRows][kVectors]) const {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const I32 bias = LoadI(p_.bias + (vector + v) * kLanes);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) acc[r][v] = bias;
    }
    for (int s = 0; s < p_.segments; ++s) {
      const ptrdiff_t begin = p_.segment_offsets[s];
      MultiplyGroups<kRows, kVectors, kDirectDot>(pixels, begin, begin + p_.groups * 4, filter,
                                                  acc);
    }
  }

  template <int kRows, int kVectors>
  void Pixels(const char* filter, int vector, int n, int first, int y, int x,
              const Element* image) const {
    const char* pixels[kRows];
    ptrdiff_t offsets[kRows];
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      pixels[r] = PixelAt(image, y, x + r);
      offsets[r] = ((ptrdiff_t{n} * p_.out_h + first + y) * p_.out_w + x + r) * p_.out_c;
    }
    I32 acc[kRows][kVectors];
    Sums<kRows, kVectors>(filter, vector, pixels, acc);
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      I32 sums[kRows];
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) sums[r] = acc[r][v];
      const int channel = (vector + v) * kLanes;
      FinishSums<kRows>(p_.chain, target_, channel, Smaller(kLanes, p_.out_c - channel), sums,
                        offsets);
    }
  }

  // One window of the pool.
  template <int kVectors>
  void Windows(const char* filter, int vector, int n, int first, int y, int x,
               const Element* image) const {
    const char* const pixels[4] = {PixelAt(image, y, x), PixelAt(image, y, x + 1),
                                   PixelAt(image, y + 1, x), PixelAt(image, y + 1, x + 1)};
    const ptrdiff_t offsets[1] = {
        ((ptrdiff_t{n} * (p_.out_h / 2) + (first + y) / 2) * (p_.out_w / 2) + x / 2) * p_.out_c};
    I32 acc[4][kVectors];
    Sums<4, kVectors>(filter, vector, pixels, acc);
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int channel = (vector + v) * kLanes;
      const I32 sums[1] = {PoolSums(acc[0][v], acc[1][v], acc[2][v], acc[3][v],
                                    LoadI(p_.chain.pool_flip + channel))};
      FinishSums<1>(p_.chain, target_, channel, Smaller(kLanes, p_.out_c - channel), sums, offsets);
    }
  }

  const Plan& p_;
  const int8_t* input_;
  ChainTarget target_;
};

void RunDirect(const Plan& plan, const KernelCall& call) {
  const Direct direct(plan, call);
  const int units = plan.batch * (plan.chain.pool ? plan.out_h / 2 : plan.out_h);
  call.pool->Run(plan.tasks, [&](int task) {
    char* image = static_cast<char*>(call.scratch) + static_cast<ptrdiff_t>(plan.task_bytes) * task;
    direct.Run(static_cast<int>(int64_t{units} * task / plan.tasks),
               static_cast<int>(int64_t{units} * (task + 1) / plan.tasks),
               reinterpret_cast<Element*>(image));
  });
}

}  // namespace
}  // namespace tersor::kernels::conv2d_int8
