// The contract between the runtime and every kernel.
//
// A kernel family is a folder with one list, kernels.inc, of rows KERNEL(name, cpu_level, maker),
// best first. The runtime walks the families of an operator (runtime/operator_kernels.inc) and
// their rows in order, skips the rows whose level the CPU lacks, and takes the first whose maker
// accepts the case. A kernel never asks for the CPU while it runs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "tersor/base/attributes.h"
#include "tersor/base/cpu.h"
#include "tersor/base/tensor.h"
#include "tersor/base/thread_pool.h"

namespace tersor {
class EncodedTensor;
}

namespace tersor::kernels {

class Collective;

/// One operator that a kernel may do on its result before it is stored. The runtime finds the
/// longest chain of such operators behind a node, and offers it to the makers, longest first, down
/// to none; a maker that cannot do the whole chain returns null. Each link means exactly what its
/// operator in ops.inc means, integer rounding between links included: fusing never changes a bit
/// of an integer result.
struct Epilogue {
  enum class Kind : uint8_t {
    kMultiply,  ///< by `operand`: a constant along the last axis ([C], or one element)
    kAdd,  ///< of `operand`: a constant as above, or a tensor of the result's shape (its data comes
           ///< with the call)
    kMaxPool2d,  ///< `attributes` has window, strides and padding
  };
  Kind kind;
  ConstTensorView operand;                 ///< data null: behind the kernel's own operands in
                                           ///< KernelCall::operands, in chain order
  const Attributes* attributes = nullptr;  ///< of the fused operator (its activation, its window)
  TensorType
      result;  ///< type of this link's result; the last one's is the type that the kernel stores
};

/// Everything that is known when a kernel is made. Shapes are concrete: a symbolic batch has been
/// bound.
struct KernelSpec {
  /// Operands in the order of ops.inc. An absent optional one has a null type. `data` is set only
  /// where the operand is constant for the life of the kernel; the kernel may keep the pointer, and
  /// should pack such data once, here. Types need not outlive the maker.
  std::span<const ConstTensorView> operands;
  std::span<const TensorType> results;  ///< of the operator itself, before any epilogue
  const Attributes* attributes = nullptr;
  std::span<const Epilogue> epilogue;  ///< empty: store results[0] as it is
  int threads = 1;                     ///< threads of the pool that Run() will be given
  /// As `operands`, or empty: the encoded form of a constant, null where it is dense. `data` is its
  /// dense view; a kernel that knows the encoding may read this form instead and keep the pointer.
  std::span<const EncodedTensor* const> encoded = {};
};

struct KernelCall {
  std::span<const ConstTensorView> operands;  ///< all data set (absent optional operands: null)
  std::span<const TensorView> results;  ///< an element-wise result may alias its first operand
  void* scratch = nullptr;     ///< scratch_bytes() bytes, 64-byte aligned, contents undefined
  ThreadPool* pool = nullptr;  ///< never null
  /// Training on shards; null and 0 otherwise.
  Collective* shards = nullptr;
  int shard = 0;
  /// Index of the first example of this call's batch in the whole batch (dropout draws by global
  /// index).
  int64_t first_example = 0;
};

/// A kernel made for one case. Run() neither allocates nor locks, and cannot fail: what can go
/// wrong was refused by the verifier or by the maker. Run() of one kernel may be called from
/// several threads at once with different calls.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void Run(const KernelCall& call) const = 0;
  /// Bytes of scratch that Run() needs, for all threads together.
  virtual size_t scratch_bytes() const { return 0; }
  /// Bytes of packed constants that the kernel holds.
  virtual size_t packed_bytes() const { return 0; }
};

/// Makes the kernel for a case, or null: not mine.
using KernelMaker = std::unique_ptr<Kernel> (*)(const KernelSpec& spec);

struct KernelRow {
  std::string_view family;
  std::string_view name;
  CpuLevel level;
  KernelMaker make;
};

/// A family's rows, best first. Each family defines one: `std::span<const KernelRow>
/// conv2d_f32::Rows()`.
using KernelRows = std::span<const KernelRow> (*)();

}  // namespace tersor::kernels
