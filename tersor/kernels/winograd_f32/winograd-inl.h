// The arithmetic of winograd_f32.h at the including file's vector width.
#pragma once

#include "tersor/kernels/winograd_f32/gemm-inl.h"
#include "tersor/kernels/winograd_f32/stages-inl.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::winograd_f32 {
namespace {

constexpr float kA = 0.75f, kB = 1.5f;  // the points +-a, +-b
constexpr float kA2 = kA * kA, kB2 = kB * kB, kA3 = kA2 * kA, kB3 = kB2 * kB;
constexpr float kSum = kA2 + kB2, kProduct = kA2 * kB2;
// Products of each point's distances to the other finite points.
constexpr float kInverse0 = 1.0f / kProduct;
constexpr float kInverseA = 1.0f / (2 * kA2 * (kA2 - kB2));
constexpr float kInverseB = 1.0f / (2 * kB2 * (kB2 - kA2));

/// B^T x.
struct PatchTransform {
  static constexpr int kIn = 6, kOut = 6;
  TERSOR_INLINE static void Apply(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    const Vec a = Broadcast(kA), b = Broadcast(kB), a2 = Broadcast(kA2), b2 = Broadcast(kB2);
    const Vec sum = Broadcast(kSum), product = Broadcast(kProduct);
    y[0] = MulAdd(product, x[0], NegMulAdd(sum, x[2], x[4]));
    y[5] = MulAdd(product, x[1], NegMulAdd(sum, x[3], x[5]));
    const Vec even_a = NegMulAdd(b2, x[2], x[4]), odd_a = NegMulAdd(b2, x[1], x[3]);
    y[1] = MulAdd(a, odd_a, even_a);
    y[2] = NegMulAdd(a, odd_a, even_a);
    const Vec even_b = NegMulAdd(a2, x[2], x[4]), odd_b = NegMulAdd(a2, x[1], x[3]);
    y[3] = MulAdd(b, odd_b, even_b);
    y[4] = NegMulAdd(b, odd_b, even_b);
  }
};

/// A^T x.
struct ProductTransform {
  static constexpr int kIn = 6, kOut = 4;
  TERSOR_INLINE static void Apply(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    const Vec sum_a = Add(x[1], x[2]), difference_a = Sub(x[1], x[2]);
    const Vec sum_b = Add(x[3], x[4]), difference_b = Sub(x[3], x[4]);
    y[0] = Add(x[0], Add(sum_a, sum_b));
    y[1] = MulAdd(Broadcast(kA), difference_a, Mul(Broadcast(kB), difference_b));
    y[2] = MulAdd(Broadcast(kA2), sum_a, Mul(Broadcast(kB2), sum_b));
    y[3] = MulAdd(Broadcast(kA3), difference_a, MulAdd(Broadcast(kB3), difference_b, x[5]));
  }
};

/// A x.
struct TileTransform {
  static constexpr int kIn = 4, kOut = 6;
  TERSOR_INLINE static void Apply(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    y[0] = x[0];
    y[5] = x[3];
    const Vec a2 = Broadcast(kA2), b2 = Broadcast(kB2), a = Broadcast(kA), b = Broadcast(kB);
    const Vec even_a = MulAdd(a2, x[2], x[0]), odd_a = MulAdd(a2, x[3], x[1]);
    y[1] = MulAdd(a, odd_a, even_a);
    y[2] = NegMulAdd(a, odd_a, even_a);
    const Vec even_b = MulAdd(b2, x[2], x[0]), odd_b = MulAdd(b2, x[3], x[1]);
    y[3] = MulAdd(b, odd_b, even_b);
    y[4] = NegMulAdd(b, odd_b, even_b);
  }
};

/// G x.
struct TapTransform {
  static constexpr int kIn = 3, kOut = 6;
  TERSOR_INLINE static void Apply(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    y[0] = Mul(Broadcast(kInverse0), x[0]);
    y[5] = x[2];
    const Vec even_a = MulAdd(Broadcast(kA2), x[2], x[0]), odd_a = Mul(Broadcast(kA), x[1]);
    y[1] = Mul(Broadcast(kInverseA), Add(even_a, odd_a));
    y[2] = Mul(Broadcast(kInverseA), Sub(even_a, odd_a));
    const Vec even_b = MulAdd(Broadcast(kB2), x[2], x[0]), odd_b = Mul(Broadcast(kB), x[1]);
    y[3] = Mul(Broadcast(kInverseB), Add(even_b, odd_b));
    y[4] = Mul(Broadcast(kInverseB), Sub(even_b, odd_b));
  }
};

/// G^T x.
struct TapGradientTransform {
  static constexpr int kIn = 6, kOut = 3;
  TERSOR_INLINE static void Apply(const Vec (&x)[kIn], Vec (&y)[kOut]) {
    const Vec inverse_a = Broadcast(kInverseA), inverse_b = Broadcast(kInverseB);
    const Vec sum_a = Mul(inverse_a, Add(x[1], x[2])), sum_b = Mul(inverse_b, Add(x[3], x[4]));
    const Vec difference_a = Mul(inverse_a, Sub(x[1], x[2]));
    const Vec difference_b = Mul(inverse_b, Sub(x[3], x[4]));
    y[0] = MulAdd(Broadcast(kInverse0), x[0], Add(sum_a, sum_b));
    y[1] = MulAdd(Broadcast(kA), difference_a, Mul(Broadcast(kB), difference_b));
    y[2] = MulAdd(Broadcast(kA2), sum_a, MulAdd(Broadcast(kB2), sum_b, x[5]));
  }
};

/// y = T x T^T of a matrix of vectors, where Transform is x -> T x: `load(i, j)` gives the elements
/// of x, `store(i, j, y)` takes those of y.
template <typename Transform, typename Load, typename Store>
TERSOR_INLINE void TransformBothSides(const Load& load, const Store& store) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  Vec half[kOut][kIn];
  TERSOR_UNROLL for (int j = 0; j < kIn; ++j) {
    Vec x[kIn], y[kOut];
    TERSOR_UNROLL for (int i = 0; i < kIn; ++i) x[i] = load(i, j);
    Transform::Apply(x, y);
    TERSOR_UNROLL for (int i = 0; i < kOut; ++i) half[i][j] = y[i];
  }
  TERSOR_UNROLL for (int i = 0; i < kOut; ++i) {
    Vec x[kIn], y[kOut];
    TERSOR_UNROLL for (int j = 0; j < kIn; ++j) x[j] = half[i][j];
    Transform::Apply(x, y);
    TERSOR_UNROLL for (int j = 0; j < kOut; ++j) store(i, j, y[j]);
  }
}

/// Walks tiles in their order: calls body(index, example, tile_y, tile_x).
template <typename Body>
TERSOR_INLINE void ForTiles(const Layer& layer, int64_t first, int64_t count, const Body& body) {
  const int64_t tiles_x = layer.tiles_x(), tiles_y = layer.tiles_y();
  int64_t x = first % tiles_x, y = first / tiles_x % tiles_y, n = first / tiles_x / tiles_y;
  for (int64_t tile = 0; tile < count; ++tile) {
    body(tile, n, y, x);
    if (++x < tiles_x) continue;
    x = 0;
    if (++y < tiles_y) continue;
    y = 0;
    ++n;
  }
}

/// Transforms all channels of a patch with cells at `cell(i, j)` to kPoints points.
template <typename Transform, typename Cell>
TERSOR_INLINE void TransformCells(int64_t channels, const Cell& cell, float* out, int64_t point) {
  int64_t c = 0;
  const auto store = [&](int i, int j, Vec y)
                         TERSOR_LAMBDA { Store(out + (i * kPatch + j) * point + c, y); };
  for (; c + kWidth <= channels; c += kWidth) {
    TransformBothSides<Transform>([&](int i, int j) TERSOR_LAMBDA { return Load(cell(i, j) + c); },
                                  store);
  }
  if (c == channels) return;
  TransformBothSides<Transform>(
      [&](int i, int j) TERSOR_LAMBDA { return LoadPartial(cell(i, j) + c, channels - c); }, store);
}

/// The same for the patch at (y, x) of an image whose surroundings are `padding`.
template <typename Transform>
TERSOR_INLINE void TransformImagePatch(const float* image, int64_t height, int64_t width,
                                       int64_t channels, int64_t y, int64_t x, const float* padding,
                                       float* out, int64_t point) {
  constexpr int kSide = Transform::kIn;
  if (y >= 0 && x >= 0 && y + kSide <= height && x + kSide <= width) {
    const float* rows[kSide];
    TERSOR_UNROLL for (int i = 0; i < kSide; ++i) {
      rows[i] = image + ((y + i) * width + x) * channels;
    }
    TransformCells<Transform>(
        channels, [&](int i, int j) TERSOR_LAMBDA { return rows[i] + j * channels; }, out, point);
    return;
  }
  const float* cells[kSide][kSide];
  for (int i = 0; i < kSide; ++i) {
    const bool row_inside = y + i >= 0 && y + i < height;
    for (int j = 0; j < kSide; ++j) {
      const bool inside = row_inside && x + j >= 0 && x + j < width;
      cells[i][j] = inside ? image + ((y + i) * width + x + j) * channels : padding;
    }
  }
  TransformCells<Transform>(
      channels, [&](int i, int j) TERSOR_LAMBDA { return cells[i][j]; }, out, point);
}

void TransformInput(const Layer& layer, const float* input, const float* padding, int64_t first,
                    int64_t count, PointMatrix v) {
  ForTiles(layer, first, count, [&](int64_t tile, int64_t n, int64_t ty, int64_t tx) {
    TransformImagePatch<PatchTransform>(input + n * layer.height * layer.width * layer.channels,
                                        layer.height, layer.width, layer.channels,
                                        ty * kTile - layer.pad_top, tx * kTile - layer.pad_left,
                                        padding, v.data + tile * v.row, v.point);
  });
}

void TransformGradient(const Layer& layer, const float* gradient, const float* zeros, int64_t first,
                       int64_t count, PointMatrix dm) {
  const int64_t image = layer.out_height * layer.out_width * layer.out_channels;
  ForTiles(layer, first, count, [&](int64_t tile, int64_t n, int64_t ty, int64_t tx) {
    TransformImagePatch<TileTransform>(gradient + n * image, layer.out_height, layer.out_width,
                                       layer.out_channels, ty * kTile, tx * kTile, zeros,
                                       dm.data + tile * dm.row, dm.point);
  });
}

/// Where column `column` of row `row` lies in one point of U.
TERSOR_INLINE int64_t FilterPlace(int64_t depth, int64_t columns, int64_t row, int64_t column) {
  const int64_t block = column / (2 * kWidth) * (2 * kWidth);
  const int64_t block_columns = columns - block > kWidth ? 2 * kWidth : kWidth;
  return block * depth + row * block_columns + (column - block);
}

void TransformFilter(const float* filter, int64_t out_channels, int64_t in_channels, bool flipped,
                     float* u) {
  const int64_t depth = flipped ? out_channels : in_channels;
  const int64_t columns = flipped ? in_channels : out_channels;
  const int64_t point = depth * RoundUp(columns, kWidth);
  for (int64_t column = 0; column < columns; column += kWidth) {
    const int64_t count = columns - column < kWidth ? columns - column : kWidth;
    for (int64_t row = 0; row < depth; ++row) {
      float* out = u + FilterPlace(depth, columns, row, column);
      const auto store = [&](int i, int j, Vec y)
                             TERSOR_LAMBDA { Store(out + (i * kPatch + j) * point, y); };
      if (flipped) {
        const float* taps = filter + row * 9 * in_channels + column;
        TransformBothSides<TapTransform>(
            [&](int i, int j) TERSOR_LAMBDA {
              return LoadUpTo(taps + ((2 - i) * 3 + 2 - j) * in_channels, count);
            },
            store);
        continue;
      }
      alignas(64) float gathered[9][kWidth] = {};
      const float* taps = filter + column * 9 * in_channels + row;
      for (int64_t k = 0; k < count; ++k) {
        TERSOR_UNROLL for (int tap = 0; tap < 9; ++tap) {
          gathered[tap][k] = taps[(k * 9 + tap) * in_channels];
        }
      }
      TransformBothSides<TapTransform>(
          [&](int i, int j) TERSOR_LAMBDA { return Load(gathered[i * 3 + j]); }, store);
    }
  }
}

/// out = left * right (or += where kAdd) for one register block.
template <int kRows, int kVectors, bool kTransposed, bool kAdd>
TERSOR_INLINE void MultiplyBlock(const float* left, int64_t left_stride, const float* right,
                                 int64_t right_stride, int64_t depth, float* out,
                                 int64_t out_stride) {
  Vec acc[kRows][kVectors];
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
      acc[r][j] = kAdd ? Load(out + r * out_stride + j * kWidth) : Zero();
    }
  }
  MultiplyAdd<kRows, kVectors, kTransposed>(acc, left, left_stride, right, right_stride, depth);
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
      Store(out + r * out_stride + j * kWidth, acc[r][j]);
    }
  }
}

template <int kVectors, int kMostRows>
void MultiplyColumns(const float* v, int64_t v_row, const float* u, float* m, int64_t m_row,
                     int64_t rows, int64_t depth) {
  EvenBlocks(rows, kMostRows, [&](int64_t first, int count) {
    WithRows<kVectors, kMostRows>(count, [&]<int kRows, int kVecs>() TERSOR_LAMBDA {
      MultiplyBlock<kRows, kVecs, false, false>(v + first * v_row, v_row, u, kVecs * kWidth, depth,
                                                m + first * m_row, m_row);
    });
  });
}

void Multiply(PointMatrix v, const float* u, PointMatrix m, int64_t rows, int64_t depth,
              int64_t columns, int64_t column, int64_t column_end) {
  const int64_t u_point = depth * RoundUp(columns, kWidth);
  for (int point = 0; point < kPoints; ++point) {
    const float* left = v.data + point * v.point;
    for (int64_t c = column; c < column_end; c += 2 * kWidth) {
      const float* right = u + point * u_point + c * depth;
      float* out = m.data + point * m.point + c;
      if (columns - c > kWidth) {
        MultiplyColumns<2, kRowsOfTwo>(left, v.row, right, out, m.row, rows, depth);
      } else {
        MultiplyColumns<1, kRowsOfOne>(left, v.row, right, out, m.row, rows, depth);
      }
    }
  }
}

void Accumulate(PointMatrix left, PointMatrix right, int64_t tiles, int64_t rows, int64_t columns,
                bool first, float* du) {
  const int64_t du_row = RoundUp(columns, kWidth);
  const auto block = [&]<int kVectors, int kMostRows>(const float* a, const float* b, float* out) {
    EvenBlocks(rows, kMostRows, [&](int64_t row, int count) {
      WithRows<kVectors, kMostRows>(count, [&]<int kRows, int kVecs>() TERSOR_LAMBDA {
        float* to = out + row * du_row;
        if (first) {
          MultiplyBlock<kRows, kVecs, true, false>(a + row, left.row, b, right.row, tiles, to,
                                                   du_row);
        } else {
          MultiplyBlock<kRows, kVecs, true, true>(a + row, left.row, b, right.row, tiles, to,
                                                  du_row);
        }
      });
    });
  };
  for (int point = 0; point < kPoints; ++point) {
    const float* a = left.data + point * left.point;
    for (int64_t c = 0; c < columns; c += 2 * kWidth) {
      const float* b = right.data + point * right.point + c;
      float* out = du + point * rows * du_row + c;
      if (columns - c > kWidth) {
        block.template operator()<2, kRowsOfTwo>(a, b, out);
      } else {
        block.template operator()<1, kRowsOfOne>(a, b, out);
      }
    }
  }
}

void FinishFilterGradient(const float* du, int64_t out_channels, int64_t in_channels,
                          bool transposed, float* filter_gradient) {
  const int64_t rows = transposed ? in_channels : out_channels;
  const int64_t columns = transposed ? out_channels : in_channels;
  const int64_t du_row = RoundUp(columns, kWidth);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; column += kWidth) {
      const int64_t count = columns - column < kWidth ? columns - column : kWidth;
      const float* from = du + row * du_row + column;
      alignas(64) float taps[9][kWidth];
      TransformBothSides<TapGradientTransform>(
          [&](int i, int j) TERSOR_LAMBDA { return Load(from + (i * kPatch + j) * rows * du_row); },
          [&](int i, int j, Vec y) TERSOR_LAMBDA { Store(taps[i * 3 + j], y); });
      if (!transposed) {
        float* to = filter_gradient + row * 9 * in_channels + column;
        for (int tap = 0; tap < 9; ++tap) {
          StoreUpTo(to + tap * in_channels, count, Load(taps[tap]));
        }
        continue;
      }
      for (int64_t k = 0; k < count; ++k) {
        float* to = filter_gradient + (column + k) * 9 * in_channels + row;
        for (int tap = 0; tap < 9; ++tap) to[tap * in_channels] = taps[tap][k];
      }
    }
  }
}

/// One vector of channels of one tile, from M to the output.
struct TileOutput {
  const Layer& layer;
  const Stages& stages;
  float* output;  ///< of the example
  int64_t example, y, x, channel, count;

  TERSOR_INLINE void Run(const float* m, int64_t point) const {
    const int64_t rows = layer.out_height - y, columns = layer.out_width - x;
    const int64_t channels = layer.out_channels;
    const int64_t base = ((example * layer.out_height + y) * layer.out_width + x) * channels;
    Vec kept[4] = {};
    Vec line[4];
    TransformBothSides<ProductTransform>(
        [&](int i, int j) TERSOR_LAMBDA { return Load(m + (i * kPatch + j) * point); },
        [&](int i, int j, Vec value) TERSOR_LAMBDA {
          line[j] = value;
          if (j < kTile - 1) return;
          ApplyStages(stages, line, channel, count, [&](int cell) TERSOR_LAMBDA {
            return i < rows && cell < columns ? base + (i * layer.out_width + cell) * channels : -1;
          });
          if (stages.max_pool) {
            if (i % 2 == 0) {
              TERSOR_UNROLL for (int k = 0; k < kTile; ++k) kept[k] = line[k];
            } else {
              StorePooled(i, kept, line);
            }
            return;
          }
          if (i >= rows) return;
          float* to = output + ((y + i) * layer.out_width + x) * channels + channel;
          TERSOR_UNROLL for (int k = 0; k < kTile; ++k) {
            if (k < columns) StoreUpTo(to + k * channels, count, line[k]);
          }
        });
  }

  TERSOR_INLINE void StorePooled(int i, const Vec (&above)[4], const Vec (&below)[4]) const {
    const int64_t height = layer.out_height / 2, width = layer.out_width / 2;
    const int64_t row = (y + i) / 2, column = x / 2;
    if (row >= height) return;
    float* to = output + (row * width + column) * layer.out_channels + channel;
    TERSOR_UNROLL for (int k = 0; k < 2; ++k) {
      if (column + k >= width) return;
      StoreUpTo(to + k * layer.out_channels, count,
                Max(Max(above[2 * k], above[2 * k + 1]), Max(below[2 * k], below[2 * k + 1])));
    }
  }
};

void TransformOutput(const Layer& layer, PointMatrix m, int64_t first, int64_t count,
                     int64_t column, int64_t column_end, const Stages& stages, float* output) {
  const int64_t cells = stages.max_pool ? (layer.out_height / 2) * (layer.out_width / 2)
                                        : layer.out_height * layer.out_width;
  const int64_t end = column_end < layer.out_channels ? column_end : layer.out_channels;
  ForTiles(layer, first, count, [&](int64_t tile, int64_t n, int64_t ty, int64_t tx) {
    float* image = output + n * cells * layer.out_channels;
    for (int64_t c = column; c < end; c += kWidth) {
      TileOutput{layer, stages, image, n, ty * kTile, tx * kTile, c, end - c}.Run(
          m.data + tile * m.row + c, m.point);
    }
  });
}

constexpr Simd kSimd = {kWidth, TransformInput, TransformFilter, Multiply, TransformOutput};
constexpr GradientSimd kGradientSimd = {TransformGradient, Accumulate, FinishFilterGradient};

}  // namespace
}  // namespace tersor::kernels::winograd_f32
