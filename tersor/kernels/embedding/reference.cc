#include <algorithm>
#include <limits>

#include "tersor/kernels/embedding/embedding.h"
#include "tersor/kernels/kernel_rows.h"

namespace tersor::kernels::embedding {

#define KERNEL(op, name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/embedding/kernels.inc"
#undef KERNEL

namespace {

constexpr KernelRow kRows[] = {
#define KERNEL(op, name, level, maker) {"embedding/" #op, #name, CpuLevel::level, maker},
#include "tersor/kernels/embedding/kernels.inc"
#undef KERNEL
};

struct Extents {
  int64_t rows, width;  // of the table
  int64_t indices;
  bool Names(int32_t index) const { return index >= 0 && index < rows; }
};

class Embedding : public Kernel {
 public:
  explicit Embedding(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* table = call.operands[0].as<float>();
    const auto* indices = call.operands[1].as<int32_t>();
    auto* output = call.results[0].as<float>();
    for (int64_t i = 0; i < e_.indices; ++i, output += e_.width) {
      if (e_.Names(indices[i])) {
        std::copy_n(table + indices[i] * e_.width, e_.width, output);
      } else {
        std::fill_n(output, e_.width, std::numeric_limits<float>::quiet_NaN());
      }
    }
  }

 private:
  Extents e_;
};

class EmbeddingGrad : public Kernel {
 public:
  explicit EmbeddingGrad(const Extents& extents) : e_(extents) {}

  void Run(const KernelCall& call) const override {
    const auto* gradient = call.operands[0].as<float>();
    const auto* indices = call.operands[1].as<int32_t>();
    auto* table = call.results[0].as<float>();
    std::fill_n(table, e_.rows * e_.width, 0.0f);
    for (int64_t i = 0; i < e_.indices; ++i, gradient += e_.width) {
      if (!e_.Names(indices[i])) continue;
      float* row = table + indices[i] * e_.width;
      for (int64_t d = 0; d < e_.width; ++d) row[d] += gradient[d];
    }
  }

 private:
  Extents e_;
};

/// Reads the extents of a table, of indices, and of a row for each index.
bool Read(const KernelSpec& spec, const TensorType& table, const TensorType& indices,
          const TensorType& rows, Extents& e) {
  if (!spec.epilogue.empty() || table.dtype != DType::kF32 || rows.dtype != DType::kF32) {
    return false;
  }
  if (table.shape.rank() != 2 || indices.dtype != DType::kI32) return false;
  e = {table.shape[0], table.shape[1], indices.shape.num_elements()};
  return rows.shape.num_elements() == e.indices * e.width;
}

}  // namespace

std::span<const KernelRow> EmbeddingRows() { return RowsOf(kRows, "embedding/Embedding"); }
std::span<const KernelRow> EmbeddingGradRows() { return RowsOf(kRows, "embedding/EmbeddingGrad"); }

std::unique_ptr<Kernel> MakeEmbeddingReference(const KernelSpec& spec) {
  Extents extents;
  const auto& operands = spec.operands;
  if (!Read(spec, *operands[0].type, *operands[1].type, spec.results[0], extents)) return nullptr;
  return std::make_unique<Embedding>(extents);
}

std::unique_ptr<Kernel> MakeEmbeddingGradReference(const KernelSpec& spec) {
  Extents extents;
  const auto& operands = spec.operands;
  if (!Read(spec, spec.results[0], *operands[1].type, *operands[0].type, extents)) return nullptr;
  return std::make_unique<EmbeddingGrad>(extents);
}

}  // namespace tersor::kernels::embedding
