// Dense f32 matrix products, as one instruction set provides them: MatMul and FullyConnected.
//
// The right matrix is read from panels of PanelColumns() columns: for each depth step k the panel's
// values B[k][column...], the last panel cut to whole vectors and padded with zeros. A constant B
// is packed once; otherwise a panel of kDepthBlock steps is packed when it is needed, and stays in
// the first-level cache while it is used. A tile of results is kept in registers; the left matrix
// is read in place, one broadcast a row and step.
//
// Floor: rows * columns * depth multiply-adds at two vectors a cycle; with one row the bytes of B.
#pragma once

#include <cstdint>

#include "tersor/kernels/simd/stages.h"

namespace tersor::kernels::matmul_f32 {

inline constexpr int kPanelVectors = 4;
inline constexpr int64_t kDepthBlock = 192;

/// A strided matrix: element (i, j) is data[i * row_stride + j * column_stride].
struct Matrix {
  const float* data;
  int64_t row_stride;
  int64_t column_stride;
};

/// C = stages(A * B): C is [rows][columns], A [rows, depth], B [depth, columns].
struct Product {
  Matrix a, b;
  const float* packed_b = nullptr;  ///< what Loops::pack made of b, or null
  float* c = nullptr;
  int64_t rows, columns, depth;
  const Stages* stages = nullptr;
};

struct Loops {
  int lanes;  ///< floats in a vector
  /// All panels, whole depth, one behind the other: PackedFloats() of them.
  void (*pack)(const Matrix& b, int64_t columns, int64_t depth, float* packed);
  /// Panels [begin, end) of C. `scratch` has ScratchFloats(), and is not used where B is packed.
  void (*multiply)(const Product& product, int64_t begin, int64_t end, float* scratch);

  int64_t PanelColumns() const { return int64_t{kPanelVectors} * lanes; }
  int64_t PanelCount(int64_t columns) const {
    return (columns + PanelColumns() - 1) / PanelColumns();
  }
  int64_t PackedFloats(int64_t columns, int64_t depth) const {
    return (columns + lanes - 1) / lanes * lanes * depth;
  }
  int64_t ScratchFloats() const { return kDepthBlock * PanelColumns(); }
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::matmul_f32
