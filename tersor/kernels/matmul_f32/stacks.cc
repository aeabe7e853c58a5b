#include "tersor/kernels/matmul_f32/stacks.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tersor::kernels::matmul_f32 {
namespace {

// The operands and the result of one run, as types of two axes.
struct MatrixTypes {
  TensorType lhs, rhs, product;
};

TensorType LastTwoAxes(const TensorType& type) {
  const int rank = type.shape.rank();
  return {type.dtype, {type.shape[rank - 2], type.shape[rank - 1]}, type.quantization};
}

// Offsets, in elements, of the matrix of `shape` that each matrix of `result` is made from.
std::vector<int64_t> Offsets(const Shape& shape, const Shape& result) {
  const int64_t matrix = shape[shape.rank() - 2] * shape[shape.rank() - 1];
  std::vector<int64_t> offsets = {0};
  int64_t step = matrix;
  std::vector<int64_t> steps(static_cast<size_t>(result.rank() - 2), 0);
  for (int axis = result.rank() - 3; axis >= 0; --axis) {
    const int own = axis - (result.rank() - shape.rank());
    if (own < 0 || shape[own] == 1) continue;
    steps[static_cast<size_t>(axis)] = step;
    step *= shape[own];
  }
  for (int axis = 0; axis < result.rank() - 2; ++axis) {
    std::vector<int64_t> finer;
    for (int64_t offset : offsets) {
      for (int64_t i = 0; i < result[axis]; ++i) {
        finer.push_back(offset + i * steps[static_cast<size_t>(axis)]);
      }
    }
    offsets = std::move(finer);
  }
  return offsets;
}

class StackKernel final : public Kernel {
 public:
  StackKernel(std::unique_ptr<Kernel> pair, MatrixTypes types, std::vector<int64_t> lhs,
              std::vector<int64_t> rhs, int tasks)
      : pair_(std::move(pair)),
        types_(std::move(types)),
        lhs_(std::move(lhs)),
        rhs_(std::move(rhs)),
        tasks_(tasks),
        scratch_of_task_((pair_->scratch_bytes() + kAlignment - 1) / kAlignment * kAlignment) {}

  void Run(const KernelCall& call) const override {
    const auto run = [&](int64_t begin, int64_t end, ThreadPool* pool, size_t scratch) {
      const int64_t cells = types_.product.shape.num_elements();
      for (int64_t i = begin; i < end; ++i) {
        const auto at = static_cast<size_t>(i);
        const ConstTensorView operands[] = {{&types_.lhs, call.operands[0].as<float>() + lhs_[at]},
                                            {&types_.rhs, call.operands[1].as<float>() + rhs_[at]}};
        const TensorView result = {&types_.product, call.results[0].as<float>() + i * cells};
        KernelCall one = call;
        one.operands = operands;
        one.results = {&result, 1};
        one.scratch = static_cast<std::byte*>(call.scratch) + scratch;
        one.pool = pool;
        pair_->Run(one);
      }
    };
    const auto pairs = static_cast<int64_t>(lhs_.size());
    if (tasks_ == 1) return run(0, pairs, call.pool, 0);
    call.pool->Run(tasks_, [&](int task) {
      ThreadPool alone;
      run(pairs * task / tasks_, pairs * (task + 1) / tasks_, &alone,
          static_cast<size_t>(task) * scratch_of_task_);
    });
  }
  size_t scratch_bytes() const override { return static_cast<size_t>(tasks_) * scratch_of_task_; }
  size_t packed_bytes() const override { return pair_->packed_bytes(); }

 private:
  static constexpr size_t kAlignment = 64;

  std::unique_ptr<Kernel> pair_;
  MatrixTypes types_;
  std::vector<int64_t> lhs_, rhs_;  // of each product, where its operands begin
  int tasks_;
  size_t scratch_of_task_;
};

bool IsOneMatrix(const Shape& shape) {
  return shape.num_elements() == shape[shape.rank() - 2] * shape[shape.rank() - 1];
}

}  // namespace

std::unique_ptr<Kernel> MakeForStacks(KernelMaker make, const KernelSpec& spec) {
  if (spec.operands.size() != 2 || spec.results.size() != 1) return nullptr;
  const TensorType *lhs = spec.operands[0].type, *rhs = spec.operands[1].type;
  const TensorType& result = spec.results[0];
  if (lhs == nullptr || rhs == nullptr) return nullptr;
  if (lhs->shape.rank() < 2 || rhs->shape.rank() < 2) return nullptr;
  if (result.shape.rank() == 2) return make(spec);

  MatrixTypes types{LastTwoAxes(*lhs), LastTwoAxes(*rhs), LastTwoAxes(result)};
  std::vector<int64_t> lhs_offsets = {0}, rhs_offsets = {0};
  int tasks = 1;
  if (IsOneMatrix(rhs->shape) && !spec.attributes->Bool(Attr::transpose_lhs)) {
    types.lhs.shape[0] = lhs->shape.num_elements() / types.lhs.shape[1];
    types.product.shape[0] = types.lhs.shape[0];
  } else {
    lhs_offsets = Offsets(lhs->shape, result.shape);
    rhs_offsets = Offsets(rhs->shape, result.shape);
    if (static_cast<int64_t>(lhs_offsets.size()) >= spec.threads) tasks = spec.threads;
  }
  // The data of a stack is not the data of one of its matrices.
  const auto data = [](const ConstTensorView& view) {
    return IsOneMatrix(view.shape()) ? view.data : nullptr;
  };
  const ConstTensorView operands[] = {{&types.lhs, data(spec.operands[0])},
                                      {&types.rhs, data(spec.operands[1])}};
  KernelSpec pair = spec;
  pair.operands = operands;
  pair.results = {&types.product, 1};
  if (tasks > 1) pair.threads = 1;
  auto kernel = make(pair);
  if (kernel == nullptr) return nullptr;
  return std::make_unique<StackKernel>(std::move(kernel), std::move(types), std::move(lhs_offsets),
                                       std::move(rhs_offsets), tasks);
}

}  // namespace tersor::kernels::matmul_f32
