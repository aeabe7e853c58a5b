// The arithmetic of winograd_f32.h at the including file's vector width.
#pragma once

#include <utility>

#include "tersor/kernels/simd/gemm-inl.h"
#include "tersor/kernels/simd/stages-inl.h"
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

// a * b + c and c - a * b of the transforms. They are bound by their stores, beside which Zen 3
// (and kin) does multiplications and additions, but no fused ones; so at its width they stay apart.
TERSOR_INLINE F32 AddProduct(F32 a, F32 b, F32 c) {
  return kLanes == 8 ? a * b + c : MultiplyAdd(a, b, c);
}
TERSOR_INLINE F32 SubProduct(F32 a, F32 b, F32 c) {
  return kLanes == 8 ? c - a * b : NegMultiplyAdd(a, b, c);
}

/// c + a * b and c - a * b.
TERSOR_INLINE void BothSigns(F32 a, F32 b, F32 c, F32& sum, F32& difference) {
  sum = AddProduct(a, b, c);
  difference = SubProduct(a, b, c);
}

/// B^T x.
struct PatchTransform {
  static constexpr int kIn = 6, kOut = 6;
  TERSOR_INLINE static void Apply(const F32 (&x)[kIn], F32 (&y)[kOut]) {
    const F32 a = F32::Fill(kA), b = F32::Fill(kB), a2 = F32::Fill(kA2), b2 = F32::Fill(kB2);
    const F32 sum = F32::Fill(kSum), product = F32::Fill(kProduct);
    y[0] = AddProduct(product, x[0], SubProduct(sum, x[2], x[4]));
    y[5] = AddProduct(product, x[1], SubProduct(sum, x[3], x[5]));
    const F32 even_a = SubProduct(b2, x[2], x[4]), odd_a = SubProduct(b2, x[1], x[3]);
    BothSigns(a, odd_a, even_a, y[1], y[2]);
    const F32 even_b = SubProduct(a2, x[2], x[4]), odd_b = SubProduct(a2, x[1], x[3]);
    BothSigns(b, odd_b, even_b, y[3], y[4]);
  }
};

/// A^T x.
struct ProductTransform {
  static constexpr int kIn = 6, kOut = 4;
  TERSOR_INLINE static void Apply(const F32 (&x)[kIn], F32 (&y)[kOut]) {
    const F32 sum_a = x[1] + x[2], difference_a = x[1] - x[2];
    const F32 sum_b = x[3] + x[4], difference_b = x[3] - x[4];
    y[0] = x[0] + (sum_a + sum_b);
    y[1] = AddProduct(F32::Fill(kA), difference_a, F32::Fill(kB) * difference_b);
    y[2] = AddProduct(F32::Fill(kA2), sum_a, F32::Fill(kB2) * sum_b);
    y[3] = AddProduct(F32::Fill(kA3), difference_a, AddProduct(F32::Fill(kB3), difference_b, x[5]));
  }
};

/// A x.
struct TileTransform {
  static constexpr int kIn = 4, kOut = 6;
  TERSOR_INLINE static void Apply(const F32 (&x)[kIn], F32 (&y)[kOut]) {
    y[0] = x[0];
    y[5] = x[3];
    const F32 a2 = F32::Fill(kA2), b2 = F32::Fill(kB2), a = F32::Fill(kA), b = F32::Fill(kB);
    const F32 even_a = AddProduct(a2, x[2], x[0]), odd_a = AddProduct(a2, x[3], x[1]);
    BothSigns(a, odd_a, even_a, y[1], y[2]);
    const F32 even_b = AddProduct(b2, x[2], x[0]), odd_b = AddProduct(b2, x[3], x[1]);
    BothSigns(b, odd_b, even_b, y[3], y[4]);
  }
};

/// G x.
struct TapTransform {
  static constexpr int kIn = 3, kOut = 6;
  TERSOR_INLINE static void Apply(const F32 (&x)[kIn], F32 (&y)[kOut]) {
    y[0] = F32::Fill(kInverse0) * x[0];
    y[5] = x[2];
    const F32 even_a = AddProduct(F32::Fill(kA2), x[2], x[0]), odd_a = F32::Fill(kA) * x[1];
    y[1] = F32::Fill(kInverseA) * (even_a + odd_a);
    y[2] = F32::Fill(kInverseA) * (even_a - odd_a);
    const F32 even_b = AddProduct(F32::Fill(kB2), x[2], x[0]), odd_b = F32::Fill(kB) * x[1];
    y[3] = F32::Fill(kInverseB) * (even_b + odd_b);
    y[4] = F32::Fill(kInverseB) * (even_b - odd_b);
  }
};

/// G^T x.
struct TapGradientTransform {
  static constexpr int kIn = 6, kOut = 3;
  TERSOR_INLINE static void Apply(const F32 (&x)[kIn], F32 (&y)[kOut]) {
    const F32 inverse_a = F32::Fill(kInverseA), inverse_b = F32::Fill(kInverseB);
    const F32 sum_a = inverse_a * (x[1] + x[2]), sum_b = inverse_b * (x[3] + x[4]);
    const F32 difference_a = inverse_a * (x[1] - x[2]);
    const F32 difference_b = inverse_b * (x[3] - x[4]);
    y[0] = AddProduct(F32::Fill(kInverse0), x[0], sum_a + sum_b);
    y[1] = AddProduct(F32::Fill(kA), difference_a, F32::Fill(kB) * difference_b);
    y[2] = AddProduct(F32::Fill(kA2), sum_a, AddProduct(F32::Fill(kB2), sum_b, x[5]));
  }
};

/// `value`, of which the compiler knows nothing: keeps it from computing 36 addresses before a loop
/// over channels, and fetching them one by one from the stack in it.
template <typename T>
TERSOR_INLINE T Opaque(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

/// y = T x T^T of a matrix of vectors, where Transform is x -> T x: `load_row(i, row)` gives rows
/// of x, `store_column(j, column)` takes columns of y.
template <typename Transform, typename LoadRow, typename StoreColumn>
TERSOR_INLINE void TransformBothSides(const LoadRow& load_row, const StoreColumn& store_column) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  F32 half[kIn][kOut];
  TERSOR_UNROLL for (int i = 0; i < kIn; ++i) {
    F32 x[kIn];
    load_row(i, x);
    Transform::Apply(x, half[i]);
  }
  TERSOR_UNROLL for (int j = 0; j < kOut; ++j) {
    F32 x[kIn], y[kOut];
    TERSOR_UNROLL for (int i = 0; i < kIn; ++i) x[i] = half[i][j];
    Transform::Apply(x, y);
    store_column(j, y);
  }
}

/// For TransformBothSides: the 6x6 points at base + (i * 6 + j) * point.
struct PointRows {
  const float* base;
  int64_t point;
  TERSOR_INLINE void operator()(int i, F32 (&row)[kPatch]) const {
    const float* from = base + i * kPatch * point;
    TERSOR_UNROLL for (int j = 0; j < kPatch; ++j) row[j] = F32::Load(from + j * point);
  }
};
struct PointColumns {
  float* base;
  int64_t point;
  TERSOR_INLINE void operator()(int j, const F32 (&column)[kPatch]) const {
    float* to = base + j * point;
    const int64_t step = kPatch * point;
    TERSOR_UNROLL for (int i = 0; i < kPatch; ++i) column[i].Store(to + i * step);
  }
};

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

/// The patch at (y, x) of an image whose surroundings are `padding`, all channels, to kPoints
/// points.
template <typename Transform>
TERSOR_INLINE void TransformImagePatch(const float* image, int64_t height, int64_t width,
                                       int64_t channels, int64_t y, int64_t x, const float* padding,
                                       float* out, int64_t point) {
  constexpr int kSide = Transform::kIn;
  int64_t c = 0;
  if (y >= 0 && x >= 0 && y + kSide <= height && x + kSide <= width) {
    const float* corner = image + (y * width + x) * channels;
    for (; c + kLanes <= channels; c += kLanes) {
      const int64_t cell = Opaque(channels), row = Opaque(width * channels);
      TransformBothSides<Transform>(
          [&](int i, F32(&cells)[kSide]) TERSOR_LAMBDA {
            const float* from = corner + i * row + c;
            TERSOR_UNROLL for (int j = 0; j < kSide; ++j) cells[j] = F32::Load(from + j * cell);
          },
          PointColumns{out + c, Opaque(point)});
    }
    if (c == channels) return;
  }
  const float* cells[kSide * kSide];
  TERSOR_UNROLL for (int k = 0; k < kSide * kSide; ++k) cells[k] = padding;
  const auto inside = [](int64_t first, int64_t extent) TERSOR_LAMBDA {
    const int64_t begin = first < 0 ? -first : 0, left = extent - first;
    return std::pair<int64_t, int64_t>(begin, left < kSide ? left : kSide);
  };
  const auto [row, row_end] = inside(y, height);
  const auto [column, column_end] = inside(x, width);
  for (int64_t i = row; i < row_end; ++i) {
    const float* cell = image + ((y + i) * width + x) * channels;
    for (int64_t j = column; j < column_end; ++j) cells[i * kSide + j] = cell + j * channels;
  }
  for (; c < channels; c += kLanes) {
    const int64_t count = channels - c;
    const float* const* from = Opaque(&cells[0]);
    if (count >= kLanes) {
      TransformBothSides<Transform>(
          [&](int i, F32(&row)[kSide]) TERSOR_LAMBDA {
            TERSOR_UNROLL for (int j = 0; j < kSide; ++j) row[j] =
                F32::Load(from[i * kSide + j] + c);
          },
          PointColumns{out + c, Opaque(point)});
    } else {
      TransformBothSides<Transform>(
          [&](int i, F32(&row)[kSide]) TERSOR_LAMBDA {
            TERSOR_UNROLL for (int j = 0; j < kSide; ++j) {
              row[j] = F32::LoadPart(from[i * kSide + j] + c, count);
            }
          },
          PointColumns{out + c, Opaque(point)});
    }
  }
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
  const int64_t block = column / (2 * kLanes) * (2 * kLanes);
  const int64_t block_columns = columns - block > kLanes ? 2 * kLanes : kLanes;
  return block * depth + row * block_columns + (column - block);
}

void TransformFilter(const float* filter, int64_t out_channels, int64_t in_channels, bool flipped,
                     float* u) {
  const int64_t depth = flipped ? out_channels : in_channels;
  const int64_t columns = flipped ? in_channels : out_channels;
  const int64_t point = depth * RoundUp(columns, kLanes);
  for (int64_t column = 0; column < columns; column += kLanes) {
    const int64_t count = columns - column < kLanes ? columns - column : kLanes;
    for (int64_t row = 0; row < depth; ++row) {
      float* out = u + FilterPlace(depth, columns, row, column);
      const PointColumns store = {out, point};
      if (flipped) {
        const float* taps = filter + row * 9 * in_channels + column;
        TransformBothSides<TapTransform>(
            [&](int i, F32(&x)[3]) TERSOR_LAMBDA {
              TERSOR_UNROLL for (int j = 0; j < 3; ++j) {
                x[j] = LoadUpTo(taps + ((2 - i) * 3 + 2 - j) * in_channels, count);
              }
            },
            store);
        continue;
      }
      alignas(64) float gathered[9][kLanes] = {};
      const float* taps = filter + column * 9 * in_channels + row;
      for (int64_t k = 0; k < count; ++k) {
        TERSOR_UNROLL for (int tap = 0; tap < 9; ++tap) {
          gathered[tap][k] = taps[(k * 9 + tap) * in_channels];
        }
      }
      TransformBothSides<TapTransform>(
          [&](int i, F32(&x)[3]) TERSOR_LAMBDA {
            TERSOR_UNROLL for (int j = 0; j < 3; ++j) x[j] = F32::Load(gathered[i * 3 + j]);
          },
          store);
    }
  }
}

/// out = left * right (or += where kAdd) for one register block.
template <int kRows, int kVectors, bool kTransposed, bool kAdd>
TERSOR_INLINE void MultiplyBlock(const float* left, int64_t left_stride, const float* right,
                                 int64_t right_stride, int64_t depth, float* out,
                                 int64_t out_stride) {
  F32 acc[kRows][kVectors];
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
      acc[r][j] = kAdd ? F32::Load(out + r * out_stride + j * kLanes) : F32::Zero();
    }
  }
  AddProducts<kRows, kVectors>(acc, left, kTransposed ? 1 : left_stride,
                               kTransposed ? left_stride : 1, right, right_stride, depth);
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
      acc[r][j].Store(out + r * out_stride + j * kLanes);
    }
  }
}

template <int kVectors, int kMostRows>
void MultiplyColumns(const float* v, int64_t v_row, const float* u, float* m, int64_t m_row,
                     int64_t rows, int64_t depth) {
  EvenBlocks(rows, kMostRows, [&](int64_t first, int count) {
    WithRows<kVectors, kMostRows>(count, [&]<int kRows, int kVecs>() TERSOR_LAMBDA {
      MultiplyBlock<kRows, kVecs, false, false>(v + first * v_row, v_row, u, kVecs * kLanes, depth,
                                                m + first * m_row, m_row);
    });
  });
}

void Multiply(PointMatrix v, const float* u, PointMatrix m, int64_t rows, int64_t depth,
              int64_t columns, int64_t column, int64_t column_end) {
  const int64_t u_point = depth * RoundUp(columns, kLanes);
  for (int point = 0; point < kPoints; ++point) {
    const float* left = v.data + point * v.point;
    for (int64_t c = column; c < column_end; c += 2 * kLanes) {
      const float* right = u + point * u_point + c * depth;
      float* out = m.data + point * m.point + c;
      if (columns - c > kLanes) {
        MultiplyColumns<2, kRowsOfTwo>(left, v.row, right, out, m.row, rows, depth);
      } else {
        MultiplyColumns<1, kRowsOfOne>(left, v.row, right, out, m.row, rows, depth);
      }
    }
  }
}

void Accumulate(PointMatrix left, PointMatrix right, int64_t tiles, int64_t rows, int64_t columns,
                bool first, float* du) {
  const int64_t du_row = RoundUp(columns, kLanes);
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
    for (int64_t c = 0; c < columns; c += 2 * kLanes) {
      const float* b = right.data + point * right.point + c;
      float* out = du + point * rows * du_row + c;
      if (columns - c > kLanes) {
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
  const int64_t du_row = RoundUp(columns, kLanes);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; column += kLanes) {
      const int64_t count = columns - column < kLanes ? columns - column : kLanes;
      const float* from = du + row * du_row + column;
      alignas(64) float taps[9][kLanes];
      TransformBothSides<TapGradientTransform>(
          PointRows{from, rows * du_row}, [&](int j, const F32(&y)[3]) TERSOR_LAMBDA {
            TERSOR_UNROLL for (int i = 0; i < 3; ++i) y[i].Store(taps[i * 3 + j]);
          });
      if (!transposed) {
        float* to = filter_gradient + row * 9 * in_channels + column;
        for (int tap = 0; tap < 9; ++tap) {
          StoreUpTo(to + tap * in_channels, count, F32::Load(taps[tap]));
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
    const bool whole =
        layer.out_height - y >= kTile && layer.out_width - x >= kTile && count >= kLanes;
    if (stages.max_pool) {
      RunPooled(m, point);
    } else if (whole) {
      RunCells<true>(m, point);
    } else {
      RunCells<false>(m, point);
    }
  }

  /// kWhole: every cell and channel exists.
  template <bool kWhole>
  TERSOR_INLINE void RunCells(const float* m, int64_t point) const {
    const int64_t rows = kWhole ? kTile : layer.out_height - y;
    const int64_t columns = kWhole ? kTile : layer.out_width - x;
    const int64_t row_step = Opaque(layer.out_width * layer.out_channels);
    const int64_t place = (y * layer.out_width + x) * layer.out_channels;
    TransformBothSides<ProductTransform>(
        PointRows{m, Opaque(point)}, [&](int j, F32(&cells)[kTile]) TERSOR_LAMBDA {
          if (j >= columns) return;
          Finish(j, cells);
          float* to = output + place + j * layer.out_channels + channel;
          TERSOR_UNROLL for (int i = 0; i < kTile; ++i) {
            if (i >= rows) break;
            if constexpr (kWhole) {
              cells[i].Store(to + i * row_step);
            } else {
              StoreUpTo(to + i * row_step, count, cells[i]);
            }
          }
        });
  }

  TERSOR_INLINE void RunPooled(const float* m, int64_t point) const {
    const int64_t height = layer.out_height / 2, width = layer.out_width / 2;
    F32 left[kTile] = {};
    TransformBothSides<ProductTransform>(
        PointRows{m, Opaque(point)}, [&](int j, F32(&cells)[kTile]) TERSOR_LAMBDA {
          Finish(j, cells);
          if (j % 2 == 0) {
            TERSOR_UNROLL for (int i = 0; i < kTile; ++i) left[i] = cells[i];
            return;
          }
          const int64_t row = y / 2, column = (x + j) / 2;
          if (column >= width) return;
          float* to = output + (row * width + column) * layer.out_channels + channel;
          TERSOR_UNROLL for (int i = 0; i < 2; ++i) {
            if (row + i >= height) return;
            StoreUpTo(to + i * width * layer.out_channels, count,
                      Max(Max(left[2 * i], left[2 * i + 1]), Max(cells[2 * i], cells[2 * i + 1])));
          }
        });
  }

  TERSOR_INLINE void Finish(int j, F32 (&cells)[kTile]) const {
    ApplyStages(stages, cells, channel, count, [&](int i) TERSOR_LAMBDA {
      const int64_t cell_y = y + i, cell_x = x + j;
      if (cell_y >= layer.out_height || cell_x >= layer.out_width) return int64_t{-1};
      return ((example * layer.out_height + cell_y) * layer.out_width + cell_x) *
             layer.out_channels;
    });
  }
};

void TransformOutput(const Layer& layer, PointMatrix m, int64_t first, int64_t count,
                     int64_t column, int64_t column_end, const Stages& stages, float* output) {
  const int64_t cells = stages.max_pool ? (layer.out_height / 2) * (layer.out_width / 2)
                                        : layer.out_height * layer.out_width;
  const int64_t end = column_end < layer.out_channels ? column_end : layer.out_channels;
  ForTiles(layer, first, count, [&](int64_t tile, int64_t n, int64_t ty, int64_t tx) {
    float* image = output + n * cells * layer.out_channels;
    for (int64_t c = column; c < end; c += kLanes) {
      TileOutput{layer, stages, image, n, ty * kTile, tx * kTile, c, end - c}.Run(
          m.data + tile * m.row + c, m.point);
    }
  });
}

constexpr Loops kLoops = {kLanes, TransformInput, TransformFilter, Multiply, TransformOutput};
}  // namespace
}  // namespace tersor::kernels::winograd_f32
