// The products of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/matmul_f32/loops.h"
#include "tersor/kernels/simd/gemm-inl.h"
#include "tersor/kernels/simd/stages-inl.h"

namespace tersor::kernels::matmul_f32 {
namespace {

constexpr int kPanelColumns = kPanelVectors * kLanes;
constexpr int kTileRows = kLanes == 16 ? 6 : 3;

/// Columns of C that a panel holds, and its vectors.
struct PanelSize {
  int valid, vectors;
  PanelSize(int64_t columns, int64_t column)
      : valid(static_cast<int>(Smaller<int64_t>(kPanelColumns, columns - column))),
        vectors(CeilDiv(valid, kLanes)) {}
};

/// Packs depth steps [begin, end) of the panel that begins at `column`.
void PackPanel(const Matrix& b, int64_t columns, int64_t column, int64_t begin, int64_t end,
               float* panel) {
  const PanelSize size(columns, column);
  const int width = size.vectors * kLanes;
  if (b.column_stride == 1) {
    for (int64_t k = begin; k < end; ++k, panel += width) {
      const float* from = b.data + k * b.row_stride + column;
      for (int j = 0; j < width; j += kLanes) LoadUpTo(from + j, size.valid - j).Store(panel + j);
    }
    return;
  }
  constexpr int kSide = kTransposeSide;
  const int64_t steps = end - begin;
  const float* from = b.data + begin * b.row_stride + column * b.column_stride;
  int j = 0;
  if (b.row_stride == 1) {
    for (; j + kSide <= size.valid; j += kSide) {
      int64_t k = 0;
      for (; k + kSide <= steps; k += kSide) {
        TransposeSquare(from + j * b.column_stride + k, b.column_stride, panel + k * width + j,
                        width);
      }
      for (; k < steps; ++k) {
        for (int i = j; i < j + kSide; ++i) panel[k * width + i] = from[i * b.column_stride + k];
      }
    }
  }
  for (; j < width; ++j) {
    for (int64_t k = 0; k < steps; ++k) {
      panel[k * width + j] = j < size.valid ? from[j * b.column_stride + k * b.row_stride] : 0;
    }
  }
}

void Pack(const Matrix& b, int64_t columns, int64_t depth, float* packed) {
  for (int64_t column = 0; column < columns; column += kPanelColumns) {
    PackPanel(b, columns, column, 0, depth, packed + column * depth);
  }
}

/// A panel of B over some depth steps, and where it goes: `first`: C begins at zero; `last`: the
/// stages are applied.
struct Panel {
  const Product& p;
  const float* a;  ///< of the first step
  const float* b;
  int64_t depth, column;
  PanelSize size;
  bool first, last;
};

/// The stages of one vector of columns of a tile: code that all tiles of that height share.
template <int kRows>
TERSOR_NOINLINE void Finish(const Panel& panel, int64_t row, int vector, F32 (&cells)[kRows]) {
  const int64_t columns = panel.p.columns;
  ApplyStages(*panel.p.stages, cells, panel.column + vector * kLanes,
              panel.size.valid - vector * kLanes,
              [&](int r) TERSOR_LAMBDA { return (row + r) * columns; });
}

/// Rows [row, row + kRows) of a panel's columns.
template <int kRows, int kVectors>
void Tile(const Panel& panel, int64_t row) {
  constexpr int kSums = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;
  const Product& p = panel.p;
  float* to = p.c + row * p.columns + panel.column;
  F32 acc[kRows][kVectors];
  TERSOR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      acc[r][v] = panel.first
                      ? F32::Zero()
                      : LoadUpTo(to + r * p.columns + v * kLanes, panel.size.valid - v * kLanes);
    }
  }
  AddProducts<kRows, kVectors, kSums>(acc, panel.a + row * p.a.row_stride, p.a.row_stride,
                                      p.a.column_stride, panel.b, kVectors * kLanes, panel.depth);
  const bool finish = panel.last && p.stages->count > 0;
  TERSOR_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    if (finish) {
      F32 cells[kRows];
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) cells[r] = acc[r][v];
      Finish(panel, row, v, cells);
      TERSOR_UNROLL
      for (int r = 0; r < kRows; ++r) acc[r][v] = cells[r];
    }
    const int count = panel.size.valid - v * kLanes;
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) StoreUpTo(to + r * p.columns + v * kLanes, count, acc[r][v]);
  }
}

template <int kRows>
void TileOfRows(const Panel& panel, int64_t row) {
  switch (panel.size.vectors) {
    case 1:
      return Tile<kRows, 1>(panel, row);
    case 2:
      return Tile<kRows, 2>(panel, row);
    case 3:
      return Tile<kRows, 3>(panel, row);
    default:
      return Tile<kRows, 4>(panel, row);
  }
}

void AllRows(const Panel& panel) {
  int64_t row = 0;
  for (; row + kTileRows <= panel.p.rows; row += kTileRows) TileOfRows<kTileRows>(panel, row);
  if (row < panel.p.rows) {
    WithRows<1, kTileRows - 1>(static_cast<int>(panel.p.rows - row),
                               [&]<int kRows, int>() { TileOfRows<kRows>(panel, row); });
  }
}

void Multiply(const Product& p, int64_t begin, int64_t end, float* scratch) {
  // With few rows every value of a packed B is used once: no reason to cut the depth.
  const bool whole = p.packed_b != nullptr && p.rows <= kTileRows;
  const int64_t block = whole ? Larger<int64_t>(p.depth, 1) : kDepthBlock;
  const int64_t last_column = Smaller(p.columns, end * kPanelColumns);
  for (int64_t k = 0; k == 0 || k < p.depth; k += block) {
    const int64_t steps = Smaller(block, p.depth - k);
    const float* a = p.a.data + k * p.a.column_stride;
    for (int64_t column = begin * kPanelColumns; column < last_column; column += kPanelColumns) {
      const PanelSize size(p.columns, column);
      const float* b = scratch;
      if (p.packed_b != nullptr) {
        b = p.packed_b + column * p.depth + k * size.vectors * kLanes;
      } else {
        PackPanel(p.b, p.columns, column, k, k + steps, scratch);
      }
      AllRows({p, a, b, steps, column, size, k == 0, k + block >= p.depth});
    }
  }
}

constexpr Loops kLoops = {kLanes, Pack, Multiply};

}  // namespace
}  // namespace tersor::kernels::matmul_f32
