// What a caller may choose when a graph is compiled.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tersor/base/cpu.h"
#include "tersor/base/thread_pool.h"
#include "tersor/kernels/collective.h"

namespace tersor::runtime {

struct CompileOptions {
  /// Threads that one Run() may use, the caller's among them, 1 to kMaxThreads. 1: no thread is
  /// made.
  int threads = 1;
  /// A pool to share; it must have `threads` threads and outlive the program. Null: the program
  /// makes its own.
  ThreadPool* pool = nullptr;
  /// What the symbolic batch, N, becomes.
  int64_t batch = 1;
  /// What the other symbolic extents become, by name: {{"S", 16}}. Each one that the graph has
  /// needs its number.
  std::map<std::string, int64_t> extents = {};
  /// Kernels above this set are not used.
  CpuFeatures cpu = CpuFeatures::Detect();
  /// Offer kernels the operators behind them as an epilogue. Off: one kernel a node (to debug).
  bool fuse_epilogues = true;
  /// Training on shards: this program is number `shard` of these. Null: it is alone. The collective
  /// outlives the program.
  kernels::Collective* shards = nullptr;
  int shard = 0;
  /// Index of the first example of this program's batch in the whole batch (dropout draws by it).
  int64_t first_example = 0;
};

}  // namespace tersor::runtime
