// F(4x4, 3x3) in exact integers: 3x3 convolution at stride 1 with 36 products where the direct sum
// has 144. Points 0, 1, -1, 2, -2 and infinity (Lavin & Gray 2016), scaled so that nothing is a
// fraction:
//
//   input    V = B^T d B, |V| <= 100 * 128, over raw input integers d of a 6x6 patch, i16
//   filter   U = G g G^T, |U| <= 144 * 128, i16 (G: kFilterTransform in plan.cc)
//   products M = sum over channels of U * V, int32, wrapping around
//   result   A^T M A = 576 * acc, int32, wrapping around
//
// Every step is linear over the integers modulo 2^32, so wrapping around does no harm: 576 = 64 *
// 9, the result times the inverse of 9 modulo 2^32 is 64 * acc, and where |acc| < 2^25 (the maker
// checks it) a shift by 6 gives acc exactly.
#pragma once

#include "tersor/kernels/conv2d_int8/loops.h"
#include "tersor/kernels/simd/integer_chain-inl.h"

namespace tersor::kernels::conv2d_int8 {
namespace {

constexpr int kPoints = 36;
constexpr int32_t kInverseOf9 = 0x38e38e39;

// Input transforms work on 16 channels of i16 at every CPU level.
struct Six {
  I16x16 v[6];
};

// One dimension of B^T.
inline Six TransformInput(const Six& d) {
  const I16x16 a = d.v[3] - d.v[1];
  const I16x16 b = d.v[4] - d.v[2];
  const I16x16 a2 = a + a;
  return {{ShiftLeft<2>(d.v[0] - d.v[2]) + b, d.v[3] + d.v[4] - ShiftLeft<2>(d.v[1] + d.v[2]),
           d.v[4] - d.v[3] + ShiftLeft<2>(d.v[1] - d.v[2]), b + a2, b - a2,
           d.v[5] - d.v[3] - ShiftLeft<2>(a)}};
}

// One dimension of A^T.
inline void TransformResult(I32 m0, I32 m1, I32 m2, I32 m3, I32 m4, I32 m5, I32* y) {
  const I32 s1 = m1 + m2, d1 = m1 - m2;
  const I32 s2 = m3 + m4, d2 = m3 - m4;
  y[0] = m0 + s1 + s2;
  y[1] = d1 + (d2 + d2);
  y[2] = s1 + ShiftLeft<2>(s2);
  y[3] = d1 + ShiftLeft<3>(d2) + (m5 + (m5 + m5));
}

// Pixels of a row, 16 channels of each.
struct Pixels {
  const int8_t* at;
  ptrdiff_t step;
};

// The vertical transform of 16 channels of `count` columns, to [column][6].
inline void TransformColumns(const Pixels (&rows)[6], int count, int16_t* to) {
  const ptrdiff_t s0 = rows[0].step, s1 = rows[1].step, s2 = rows[2].step, s3 = rows[3].step,
                  s4 = rows[4].step, s5 = rows[5].step;
  const int8_t *r0 = rows[0].at, *r1 = rows[1].at, *r2 = rows[2].at, *r3 = rows[3].at,
               *r4 = rows[4].at, *r5 = rows[5].at;
  for (int column = 0; column < count; ++column, to += 96) {
    const Six t = TransformInput({{I16x16::Widen(r0), I16x16::Widen(r1), I16x16::Widen(r2),
                                   I16x16::Widen(r3), I16x16::Widen(r4), I16x16::Widen(r5)}});
    TERSOR_UNROLL
    for (int i = 0; i < 6; ++i) t.v[i].Store(to + i * 16);
    r0 += s0;
    r1 += s1;
    r2 += s2;
    r3 += s3;
    r4 += s4;
    r5 += s5;
  }
}

// The horizontal transform of one tile's six columns: to [6][6] points at distance `step`.
inline void TransformTile(const int16_t* from, int16_t* to, ptrdiff_t step) {
  for (int i = 0; i < 6; ++i, from += 16, to += 6 * step) {
    const Six t = TransformInput(
        {{I16x16::Load(from), I16x16::Load(from + 96), I16x16::Load(from + 192),
          I16x16::Load(from + 288), I16x16::Load(from + 384), I16x16::Load(from + 480)}});
    TERSOR_UNROLL
    for (int j = 0; j < 6; ++j) t.v[j].Store(to + j * step);
  }
}

// Where one task works: 16 channels of a row of tiles after the vertical transform [column][6],
// the transformed input [tile][point][padded_c], the products of kMaxRows tiles at most.
struct Scratch {
  int16_t* columns;
  int16_t* input;
  int32_t* products;
};

class Winograd {
 public:
  Winograd(const Plan& plan, const KernelCall& call)
      : p_(plan),
        input_(call.operands[0].as<int8_t>()),
        target_{call.results[0].as<int8_t>(), call.operands.data()} {}

  // Tile rows [begin, end) of the whole batch.
  void Run(int begin, int end, const Scratch& scratch) const {
    for (int first = begin; first < end; first += p_.chunk_tile_rows) {
      const int rows = Smaller(p_.chunk_tile_rows, end - first);
      for (int row = 0; row < rows; ++row) TransformRow(first + row, row * p_.tiles_w, scratch);
      const int tiles = rows * p_.tiles_w;
      const int parts = CeilDiv(tiles, kMaxRows);
      for (int part = 0, tile = 0; part < parts; ++part) {
        const int count = CeilDiv(tiles - tile, parts - part);
        switch (count) {
          case 1:
            Tiles<1>(tile, first, scratch);
            break;
          case 2:
            Tiles<2>(tile, first, scratch);
            break;
          case 3:
            Tiles<3>(tile, first, scratch);
            break;
          case 4:
            Tiles<4>(tile, first, scratch);
            break;
          case 5:
            Tiles<5>(tile, first, scratch);
            break;
          default:
            Tiles<6>(tile, first, scratch);
        }
        tile += count;
      }
    }
  }

 private:
  void TransformRow(int tile_row, int first_tile, const Scratch& scratch) const {
    for (int c = 0; c < p_.padded_c; c += 16) {
      FillColumns(tile_row, c, scratch.columns);
      const ptrdiff_t step = p_.padded_c;
      int16_t* to = scratch.input + first_tile * kPoints * step + c;
      const int16_t* from = scratch.columns;
      const int tiles = p_.tiles_w;
      for (int tile = 0; tile < tiles; ++tile, to += kPoints * step, from += 4 * 96) {
        TransformTile(from, to, step);
      }
    }
  }

  // Channels [c, c + 16) of all columns that a row of tiles covers.
  void FillColumns(int tile_row, int c, int16_t* columns) const {
    const int image = tile_row / p_.tiles_h;
    const int top = tile_row % p_.tiles_h * 4 - p_.pad_top;
    const int count = p_.tiles_w * 4 + 2;
    const int left = Smaller(p_.pad_left, count);
    const int inside = Smaller(p_.in_w, count - left);
    Pixels rows[6], padding[6];
    bool reaches_end = false;
    for (int i = 0; i < 6; ++i) {
      const int y = top + i;
      rows[i] = padding[i] = {p_.padding + c, 0};
      if (y < 0 || y >= p_.in_h) continue;
      rows[i] = {input_ + (ptrdiff_t{image} * p_.in_h + y) * p_.in_w * p_.in_c + c, p_.in_c};
      reaches_end |= image == p_.batch - 1 && y == p_.in_h - 1;
    }
    // Pixels whose 16 bytes would reach behind the input's end.
    int plain = inside;
    if (reaches_end) {
      while (plain > 0 && (plain - 1) * p_.in_c + c + 16 > p_.in_w * p_.in_c) --plain;
    }
    TransformColumns(padding, left, columns);
    TransformColumns(rows, plain, columns + left * 96);
    for (int x = plain; x < inside; ++x) {
      alignas(16) int8_t copies[6][16] = {};
      Pixels one[6];
      for (int i = 0; i < 6; ++i) {
        CopyBytes(copies[i], rows[i].at + x * rows[i].step, Smaller(16, p_.in_c - c));
        one[i] = {copies[i], 0};
      }
      TransformColumns(one, 1, columns + (left + x) * 96);
    }
    TransformColumns(padding, count - left - inside, columns + (left + inside) * 96);
  }

  // kRows tiles from `tile` of the chunk that begins at tile row `first_row`.
  template <int kRows>
  void Tiles(int tile, int first_row, const Scratch& scratch) const {
    const int16_t* input = scratch.input + ptrdiff_t{tile} * kPoints * p_.padded_c;
    const char* filter = p_.filter;
    const int per_tile = p_.chain.pool ? 4 : 16;
    ptrdiff_t offsets[kRows * 16];
    for (int r = 0; r < kRows; ++r) {
      SetOffsets(first_row + (tile + r) / p_.tiles_w, (tile + r) % p_.tiles_w,
                 offsets + r * per_tile);
    }
    for (int vector = 0; vector < p_.vectors; vector += kBlockVectors) {
      const int vectors = Smaller(kBlockVectors, p_.vectors - vector);
      if (vectors == 2) {
        Products<kRows, 2>(filter, input, scratch.products);
      } else {
        Products<kRows, 1>(filter, input, scratch.products);
      }
      const int32_t* products = scratch.products;
      for (int v = 0; v < vectors; ++v) {
        const int channel = (vector + v) * kLanes;
        I32 sums[kRows * 16];
        for (int r = 0; r < kRows; ++r, products += kPoints * kLanes) {
          TransformProducts(products, channel, sums + r * per_tile);
        }
        FinishSums(p_.chain, target_, channel, Smaller(kLanes, p_.out_c - channel), sums, offsets,
                   kRows * per_tile);
      }
    }
  }

  // The products of kRows tiles at kVectors vectors of result channels: [vector][tile][point].
  // Moves `filter` to the next block.
  template <int kRows, int kVectors>
  void Products(const char*& filter, const int16_t* input, int32_t* products) const {
    const char* rows[kRows];
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      rows[r] = reinterpret_cast<const char*>(input + ptrdiff_t{r} * kPoints * p_.padded_c);
    }
    const ptrdiff_t point_bytes = ptrdiff_t{p_.padded_c} * 2;
    const ptrdiff_t group_bytes = ptrdiff_t{CeilDiv(p_.in_c, 2)} * 4;
    const char* at_filter = filter;
    for (ptrdiff_t at = 0; at < kPoints * point_bytes; at += point_bytes) {
      I32 acc[kRows][kVectors];
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) {
        TERSOR_UNROLL
        for (int v = 0; v < kVectors; ++v) acc[r][v] = I32::Fill(0);
      }
      MultiplyGroups<kRows, kVectors, DotPairs>(rows, at, at + group_bytes, at_filter, acc);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) {
        TERSOR_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          acc[r][v].Store(products + (v * kRows + r) * kPoints * kLanes);
        }
      }
      products += kLanes;
    }
    filter = at_filter;
  }

  // Where the results of a tile go.
  void SetOffsets(int tile_row, int tile_x, ptrdiff_t* offsets) const {
    const int side = p_.chain.pool ? 2 : 4;
    const int height = p_.out_h * side / 4, width = p_.out_w * side / 4;
    const int image = tile_row / p_.tiles_h;
    const int y0 = tile_row % p_.tiles_h * side, x0 = tile_x * side;
    for (int i = 0; i < side; ++i) {
      for (int j = 0; j < side; ++j) {
        const ptrdiff_t at = (ptrdiff_t{image} * height + y0 + i) * width + x0 + j;
        *offsets++ = y0 + i < height && x0 + j < width ? at * p_.out_c : -1;
      }
    }
  }

  // 36 products of one tile to its 16 sums, bias included; behind a pool, to the 4 that decide.
  void TransformProducts(const int32_t* m, int channel, I32* sums) const {
    I32 t[4][6];
    TERSOR_UNROLL
    for (int x = 0; x < 6; ++x) {
      I32 y[4];
      const int32_t* at = m + x * kLanes;
      TransformResult(I32::Load(at), I32::Load(at + 6 * kLanes), I32::Load(at + 12 * kLanes),
                      I32::Load(at + 18 * kLanes), I32::Load(at + 24 * kLanes),
                      I32::Load(at + 30 * kLanes), y);
      TERSOR_UNROLL
      for (int i = 0; i < 4; ++i) t[i][x] = y[i];
    }
    const I32 inverse = I32::Fill(kInverseOf9);
    const I32 bias = I32::Load(p_.bias + channel);
    if (!p_.chain.pool) {
      TERSOR_UNROLL
      for (int i = 0; i < 4; ++i) {
        I32 y[4];
        TransformResult(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5], y);
        TERSOR_UNROLL
        for (int j = 0; j < 4; ++j) {
          sums[i * 4 + j] = ShiftRight<6>(y[j] * inverse) + bias;
        }
      }
      return;
    }
    const I32 flip = I32::Load(p_.chain.pool_flip + channel);
    TERSOR_UNROLL
    for (int i = 0; i < 2; ++i) {
      I32 y[2][4];
      TERSOR_UNROLL
      for (int k = 0; k < 2; ++k) {
        const I32(&row)[6] = t[i * 2 + k];
        TransformResult(row[0], row[1], row[2], row[3], row[4], row[5], y[k]);
        TERSOR_UNROLL
        for (int j = 0; j < 4; ++j) y[k][j] = y[k][j] * inverse;
      }
      TERSOR_UNROLL
      for (int j = 0; j < 2; ++j) {
        const I32 top = PoolSums(y[0][j * 2], y[0][j * 2 + 1], y[1][j * 2], y[1][j * 2 + 1], flip);
        sums[i * 2 + j] = ShiftRight<6>(top) + bias;
      }
    }
  }

  const Plan& p_;
  const int8_t* input_;
  ChainTarget target_;
};

void RunWinograd(const Plan& plan, const KernelCall& call) {
  const Winograd winograd(plan, call);
  const int rows = plan.batch * plan.tiles_h;
  call.pool->Run(plan.tasks, [&](int task) {
    char* at = static_cast<char*>(call.scratch) + static_cast<ptrdiff_t>(plan.task_bytes) * task;
    const int columns = plan.tiles_w * 4 + 2;
    const ptrdiff_t tiles = ptrdiff_t{plan.chunk_tile_rows} * plan.tiles_w;
    Scratch scratch;
    scratch.columns = reinterpret_cast<int16_t*>(at);
    at += RoundUp(columns * 6 * 16 * 2, 64);
    scratch.input = reinterpret_cast<int16_t*>(at);
    at += (tiles * kPoints * plan.padded_c * 2 + 63) / 64 * 64;
    scratch.products = reinterpret_cast<int32_t*>(at);
    winograd.Run(static_cast<int>(int64_t{rows} * task / plan.tasks),
                 static_cast<int>(int64_t{rows} * (task + 1) / plan.tasks), scratch);
  });
}

}  // namespace
}  // namespace tersor::kernels::conv2d_int8
