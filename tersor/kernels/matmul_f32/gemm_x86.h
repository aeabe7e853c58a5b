// Dense f32 matrix product C = A * B (+ bias, activation) for one x86 vector width.
//
// The right matrix is read from panels of kPanelColumns columns: for each depth step k the panel's
// values B[k][column...], the last panel cut to whole vectors and padded with zeros. A constant B
// is packed once by PackAll; otherwise Gemm packs a panel of kDepthBlock steps when it needs it,
// which then stays in the first-level cache. A tile of kTileRows x kPanelColumns results is kept in
// registers; the left matrix is read in place, one broadcast a row and step.
//
// Floor: rows * columns * depth multiply-adds at two vectors a cycle; with one row the bytes of B.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "tersor/base/attributes.h"
#include "tersor/kernels/simd/x86_vector.h"

namespace tersor::kernels {
namespace {

constexpr int kLanes = Vector::kLanes;
constexpr int kPanelVectors = 4;
constexpr int kPanelColumns = kPanelVectors * kLanes;
constexpr int kTileRows = kLanes == 16 ? 6 : 3;
constexpr int64_t kDepthBlock = 192;

/// A strided matrix: element (i, j) is data[i * row_stride + j * column_stride].
struct Matrix {
  const float* data;
  int64_t row_stride;
  int64_t column_stride;
};

struct GemmOutput {
  float* data;
  int64_t row_stride;
  const float* bias = nullptr;  ///< one a column
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};

inline void SetActivation(Activation activation, GemmOutput& output) {
  if (activation != Activation::kNone) output.min = 0;
  if (activation == Activation::kRelu6) output.max = 6;
}

inline int64_t PanelCount(int64_t columns) { return (columns + kPanelColumns - 1) / kPanelColumns; }
/// Vectors of the panel that begins at `column`.
inline int PanelVectors(int64_t columns, int64_t column) {
  return static_cast<int>(
      std::min<int64_t>(kPanelVectors, (columns - column + kLanes - 1) / kLanes));
}
inline int64_t PackedFloats(int64_t columns, int64_t depth) {
  return (columns + kLanes - 1) / kLanes * kLanes * depth;
}

/// Eight rows of eight floats, `from_stride` apart, to eight columns, `to_stride` apart.
inline void Transpose8x8(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  __m256 r[8], t[8];
  TERSOR_UNROLL
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(from + i * from_stride);
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  TERSOR_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int b = 4 * half;
    r[b] = _mm256_shuffle_ps(t[b], t[b + 2], 0x44);
    r[b + 1] = _mm256_shuffle_ps(t[b], t[b + 2], 0xEE);
    r[b + 2] = _mm256_shuffle_ps(t[b + 1], t[b + 3], 0x44);
    r[b + 3] = _mm256_shuffle_ps(t[b + 1], t[b + 3], 0xEE);
  }
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

/// Packs depth steps [begin, end) of the panel that begins at `column`.
inline void PackPanel(const Matrix& b, int64_t columns, int64_t column, int64_t begin, int64_t end,
                      float* panel) {
  const int width = PanelVectors(columns, column) * kLanes;
  const int valid = static_cast<int>(std::min<int64_t>(width, columns - column));
  if (b.column_stride == 1) {
    for (int64_t k = begin; k < end; ++k, panel += width) {
      const float* from = b.data + k * b.row_stride + column;
      int j = 0;
      for (; j + kLanes <= valid; j += kLanes) Vector::Load(from + j).Store(panel + j);
      if (j < width) Vector::LoadPart(from + j, valid - j).Store(panel + j);
    }
    return;
  }
  const int64_t steps = end - begin;
  const float* from = b.data + begin * b.row_stride + column * b.column_stride;
  int j = 0;
  if (b.row_stride == 1) {
    for (; j + 8 <= valid; j += 8) {
      int64_t k = 0;
      for (; k + 8 <= steps; k += 8) {
        Transpose8x8(from + j * b.column_stride + k, b.column_stride, panel + k * width + j, width);
      }
      for (; k < steps; ++k) {
        for (int i = j; i < j + 8; ++i) panel[k * width + i] = from[i * b.column_stride + k];
      }
    }
  }
  for (; j < width; ++j) {
    for (int64_t k = 0; k < steps; ++k) {
      panel[k * width + j] = j < valid ? from[j * b.column_stride + k * b.row_stride] : 0;
    }
  }
}

/// All panels, whole depth, one behind the other: PackedFloats(columns, depth).
inline void PackAll(const Matrix& b, int64_t columns, int64_t depth, float* packed) {
  for (int64_t column = 0; column < columns; column += kPanelColumns) {
    PackPanel(b, columns, column, 0, depth, packed + column * depth);
  }
}

/// One tile of C. `first`: start from the bias instead of C; `last`: apply the activation.
template <int kRows, int kVectors>
void Tile(const Matrix& a, int64_t depth, const float* panel, const GemmOutput& c,
          const float* bias, float* to, int valid, bool first, bool last) {
  // A single row of few vectors would wait for its own sums: independent sums for several steps.
  constexpr int kSums = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;
  Vector sum[kSums][kRows][kVectors];
  TERSOR_UNROLL
  for (int s = 0; s < kSums; ++s) {
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      TERSOR_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[s][r][v] = Vector::Zero();
    }
  }
  const float* row = a.data;
  int64_t k = 0;
  for (; k + kSums <= depth; k += kSums) {
    TERSOR_UNROLL
    for (int s = 0; s < kSums; ++s) {
      Vector b[kVectors];
      TERSOR_UNROLL
      for (int v = 0; v < kVectors; ++v) b[v] = Vector::Load(panel + v * kLanes);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const Vector x = Vector::Fill(row[r * a.row_stride]);
        TERSOR_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sum[s][r][v] = Vector::MultiplyAdd(x, b[v], sum[s][r][v]);
        }
      }
      panel += kVectors * kLanes;
      row += a.column_stride;
    }
  }
  for (; k < depth; ++k) {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Vector b = Vector::Load(panel + v * kLanes);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) {
        sum[0][r][v] = Vector::MultiplyAdd(Vector::Fill(row[r * a.row_stride]), b, sum[0][r][v]);
      }
    }
    panel += kVectors * kLanes;
    row += a.column_stride;
  }
  const Vector min = Vector::Fill(c.min), max = Vector::Fill(c.max);
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const int lanes = std::min(kLanes, valid - v * kLanes);
    const bool whole = lanes == kLanes;
    Vector start = Vector::Zero();
    if (first && bias != nullptr) {
      start = whole ? Vector::Load(bias + v * kLanes) : Vector::LoadPart(bias + v * kLanes, lanes);
    }
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      float* cell = to + r * c.row_stride + v * kLanes;
      if (!first) start = whole ? Vector::Load(cell) : Vector::LoadPart(cell, lanes);
      Vector total = sum[0][r][v];
      TERSOR_UNROLL
      for (int s = 1; s < kSums; ++s) total = total + sum[s][r][v];
      total = total + start;
      if (last) total = Vector::Min(Vector::Max(total, min), max);
      if (whole) {
        total.Store(cell);
      } else {
        total.StorePart(cell, lanes);
      }
    }
  }
}

template <int kRows>
void TileOfRows(int vectors, const Matrix& a, int64_t depth, const float* panel,
                const GemmOutput& c, const float* bias, float* to, int valid, bool first,
                bool last) {
  switch (vectors) {
    case 1:
      return Tile<kRows, 1>(a, depth, panel, c, bias, to, valid, first, last);
    case 2:
      return Tile<kRows, 2>(a, depth, panel, c, bias, to, valid, first, last);
    case 3:
      return Tile<kRows, 3>(a, depth, panel, c, bias, to, valid, first, last);
    default:
      return Tile<kRows, 4>(a, depth, panel, c, bias, to, valid, first, last);
  }
}

template <int kRows>
void Remainder(int64_t rows, int vectors, const Matrix& a, int64_t depth, const float* panel,
               const GemmOutput& c, const float* bias, float* to, int valid, bool first,
               bool last) {
  if constexpr (kRows > 0) {
    if (rows == kRows) {
      TileOfRows<kRows>(vectors, a, depth, panel, c, bias, to, valid, first, last);
    } else {
      Remainder<kRows - 1>(rows, vectors, a, depth, panel, c, bias, to, valid, first, last);
    }
  }
}

/// Rows [0, rows) of the columns of one panel, for one block of the depth.
inline void PanelRows(Matrix a, int64_t rows, int64_t depth, const float* panel, int vectors,
                      const GemmOutput& c, int64_t column, int valid, bool first, bool last) {
  const float* bias = c.bias ? c.bias + column : nullptr;
  float* to = c.data + column;
  for (; rows >= kTileRows; rows -= kTileRows) {
    TileOfRows<kTileRows>(vectors, a, depth, panel, c, bias, to, valid, first, last);
    a.data += kTileRows * a.row_stride;
    to += kTileRows * c.row_stride;
  }
  Remainder<kTileRows - 1>(rows, vectors, a, depth, panel, c, bias, to, valid, first, last);
}

/// Panels [panel_begin, panel_end) of C, from a B that PackAll has packed.
inline void GemmPacked(const Matrix& a, int64_t rows, int64_t columns, int64_t depth,
                       const float* packed, int64_t panel_begin, int64_t panel_end,
                       const GemmOutput& c) {
  // With few rows every value of B is used once: no reason to cut the depth.
  const int64_t block = rows <= kTileRows ? std::max<int64_t>(depth, 1) : kDepthBlock;
  for (int64_t column = panel_begin * kPanelColumns;
       column < std::min(columns, panel_end * kPanelColumns); column += kPanelColumns) {
    const int vectors = PanelVectors(columns, column);
    const int valid = static_cast<int>(std::min<int64_t>(kPanelColumns, columns - column));
    for (int64_t k = 0; k == 0 || k < depth; k += block) {
      const Matrix left = {a.data + k * a.column_stride, a.row_stride, a.column_stride};
      PanelRows(left, rows, std::min(block, depth - k),
                packed + column * depth + k * vectors * kLanes, vectors, c, column, valid, k == 0,
                k + block >= depth);
    }
  }
}

/// Floats of scratch that Gemm needs.
constexpr int64_t kGemmScratchFloats = kDepthBlock * kPanelColumns;

/// Panels [panel_begin, panel_end) of C. `scratch`: kGemmScratchFloats.
inline void Gemm(const Matrix& a, int64_t rows, int64_t columns, int64_t depth, const Matrix& b,
                 int64_t panel_begin, int64_t panel_end, const GemmOutput& c, float* scratch) {
  for (int64_t k = 0; k == 0 || k < depth; k += kDepthBlock) {
    const int64_t end = std::min(depth, k + kDepthBlock);
    const Matrix left = {a.data + k * a.column_stride, a.row_stride, a.column_stride};
    for (int64_t column = panel_begin * kPanelColumns;
         column < std::min(columns, panel_end * kPanelColumns); column += kPanelColumns) {
      const int valid = static_cast<int>(std::min<int64_t>(kPanelColumns, columns - column));
      PackPanel(b, columns, column, k, end, scratch);
      PanelRows(left, rows, end - k, scratch, PanelVectors(columns, column), c, column, valid,
                k == 0, end == depth);
    }
  }
}

}  // namespace
}  // namespace tersor::kernels
