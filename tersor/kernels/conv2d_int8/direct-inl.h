// Convolution as an implicit matrix product: the rows of the input that some result rows need are
// widened once into a padded image, in which the taps of one filter row are contiguous; then each
// 32-bit group of it (two i16, or four u8 that stand for q + 128) is broadcast against the packed
// filter. The zero point, and the 128, are folded into the bias.
#pragma once

#include "tersor/kernels/conv2d_int8/loops.h"
#include "tersor/kernels/simd/integer_chain-inl.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

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
  // Pixels of a result row whose sums are finished together.
  static constexpr int kRun = 64;

  struct Place {
    int n, first;  // image, and the result row that the padded image begins with
    const Element* image;
  };

  void Chunk(int n, int first, int rows, Element* image) const {
    FillImage(n, first * p_.stride_h - p_.pad_top,
              (rows - 1) * p_.stride_h + (p_.k_h - 1) * p_.dilation_h + 1, image);
    const Place place{n, first, image};
    const int width = p_.chain.pool ? p_.out_w / 2 : p_.out_w;
    const char* filter = p_.filter;
    for (int vector = 0; vector < p_.vectors; vector += kBlockVectors) {
      const int vectors = Smaller(kBlockVectors, p_.vectors - vector);
      for (int y = 0; y < rows; y += p_.chain.pool ? 2 : 1) {
        for (int x = 0; x < width; x += kRun) {
          const int count = Smaller(kRun, width - x);
          if (vectors == 2) {
            Run<2>(filter, vector, place, y, x, count);
          } else {
            Run<1>(filter, vector, place, y, x, count);
          }
        }
      }
      filter += ptrdiff_t{p_.segments} * p_.groups * vectors * kLanes * 4;
    }
  }

  // `count` stored pixels of one row.
  template <int kVectors>
  void Run(const char* filter, int vector, const Place& place, int y, int x, int count) const {
    I32 sums[kVectors][kRun];
    ptrdiff_t offsets[kRun];
    const int scale = p_.chain.pool ? 2 : 1;
    const int height = p_.out_h / scale, width = p_.out_w / scale;
    const ptrdiff_t first = (ptrdiff_t{place.n} * height + (place.first + y) / scale) * width + x;
    for (int i = 0; i < count; ++i) offsets[i] = (first + i) * p_.out_c;
    const int padded = RoundUp(count, 4);
    for (int i = count; i < padded; ++i) {
      offsets[i] = -1;
      for (int v = 0; v < kVectors; ++v) sums[v][i] = I32::Fill(0);
    }
    if (p_.chain.pool) {
      for (int i = 0; i < count; ++i)
        Window<kVectors>(filter, vector, place, y, (x + i) * 2, sums, i);
    } else {
      Pixels<kVectors>(filter, vector, place, y, x, count, sums);
    }
    for (int v = 0; v < kVectors; ++v) {
      const int channel = (vector + v) * kLanes;
      FinishSums(p_.chain, target_, channel, Smaller(kLanes, p_.out_c - channel), sums[v], offsets,
                 padded);
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
  void Pixels(const char* filter, int vector, const Place& place, int y, int x, int count,
              I32 (&sums)[kVectors][kRun]) const {
    const int parts = CeilDiv(count, kMaxRows);
    for (int part = 0, i = 0; part < parts; ++part) {
      const int rows = CeilDiv(count - i, parts - part);
      switch (rows) {
        case 1:
          Part<1, kVectors>(filter, vector, place, y, x + i, sums, i);
          break;
        case 2:
          Part<2, kVectors>(filter, vector, place, y, x + i, sums, i);
          break;
        case 3:
          Part<3, kVectors>(filter, vector, place, y, x + i, sums, i);
          break;
        case 4:
          Part<4, kVectors>(filter, vector, place, y, x + i, sums, i);
          break;
        case 5:
          Part<5, kVectors>(filter, vector, place, y, x + i, sums, i);
          break;
        default:
          Part<6, kVectors>(filter, vector, place, y, x + i, sums, i);
      }
      i += rows;
    }
  }

  template <int kRows, int kVectors>
  void Sums(const char* filter, int vector, const char* const (&pixels)[kRows],
            I32 (&acc)[kRows][kVectors]) const {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const I32 bias = I32::Load(p_.bias + (vector + v) * kLanes);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) acc[r][v] = bias;
    }
    for (int s = 0; s < p_.segments; ++s) {
      const ptrdiff_t begin = p_.segment_offsets[s];
      MultiplyGroups<kRows, kVectors, kGroupDot>(pixels, begin, begin + p_.groups * 4, filter, acc);
    }
  }

  template <int kRows, int kVectors>
  void Part(const char* filter, int vector, const Place& place, int y, int x,
            I32 (&sums)[kVectors][kRun], int i) const {
    const char* pixels[kRows];
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) pixels[r] = PixelAt(place.image, y, x + r);
    I32 acc[kRows][kVectors];
    Sums<kRows, kVectors>(filter, vector, pixels, acc);
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      TERSOR_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[v][i + r] = acc[r][v];
    }
  }

  // One window of the pool.
  template <int kVectors>
  void Window(const char* filter, int vector, const Place& place, int y, int x,
              I32 (&sums)[kVectors][kRun], int i) const {
    const char* const pixels[4] = {PixelAt(place.image, y, x), PixelAt(place.image, y, x + 1),
                                   PixelAt(place.image, y + 1, x),
                                   PixelAt(place.image, y + 1, x + 1)};
    I32 acc[4][kVectors];
    Sums<4, kVectors>(filter, vector, pixels, acc);
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sums[v][i] = PoolSums(acc[0][v], acc[1][v], acc[2][v], acc[3][v],
                            I32::Load(p_.chain.pool_flip + (vector + v) * kLanes));
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
