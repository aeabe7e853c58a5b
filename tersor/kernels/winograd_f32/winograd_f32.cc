#include "tersor/kernels/winograd_f32/winograd_f32.h"

#include <algorithm>

#include "tersor/base/thread_pool.h"

namespace tersor::kernels::winograd_f32 {
namespace {

// A point's matrix starts this many floats after the end of the last one: were all 36 a power of
// two apart, they would fight for the same few lines of the first-level cache.
constexpr int64_t kSkew = 16;
// V and M of a block should stay in the second-level cache, with room for a part of U.
constexpr int64_t kBlockBytes = 256 * 1024;
constexpr int64_t kFewestBlockTiles = 12;
constexpr int64_t kMostBlockTiles = 96;
// Below this many multiply-adds a second thread costs more than it saves.
constexpr int64_t kFewestProductsToSplit = 400'000;

struct Block {
  PointMatrix v, m;
  size_t floats;
};

Block MakeBlock(const Loops& loops, const Layer& layer, int64_t tiles, float* memory) {
  const int64_t v_row = RoundUp(layer.channels, loops.lanes);
  const int64_t m_row = RoundUp(layer.out_channels, loops.lanes);
  const int64_t v_point = tiles * v_row + kSkew, m_point = tiles * m_row + kSkew;
  Block block;
  block.v = {memory, v_point, v_row};
  block.m = {memory + kPoints * v_point, m_point, m_row};
  block.floats = static_cast<size_t>(kPoints * (v_point + m_point));
  return block;
}

}  // namespace

ConvolutionPlan PlanConvolution(const Loops& loops, const Layer& layer, int threads) {
  ConvolutionPlan plan;
  const int64_t tiles = layer.tiles();
  const int64_t v_row = RoundUp(layer.channels, loops.lanes);
  const int64_t m_row = RoundUp(layer.out_channels, loops.lanes);
  const int64_t products = kPoints * tiles * layer.channels * m_row;
  const int64_t column_blocks = RoundUp(layer.out_channels, 2 * loops.lanes) / (2 * loops.lanes);
  if (threads > 1 && products >= kFewestProductsToSplit) {
    if (tiles >= 8 * threads) {
      plan.workers = threads;
    } else if (column_blocks > 1) {
      plan.workers = static_cast<int>(std::min<int64_t>(threads, column_blocks));
      plan.split_columns = true;
    }
  }
  const int64_t worker_tiles =
      plan.split_columns ? tiles : (tiles + plan.workers - 1) / plan.workers;
  const int64_t tile_bytes = kPoints * (v_row + m_row) * static_cast<int64_t>(sizeof(float));
  const int64_t most = std::clamp(kBlockBytes / tile_bytes, kFewestBlockTiles, kMostBlockTiles);
  const int64_t blocks = (worker_tiles + most - 1) / most;
  plan.block_tiles = (worker_tiles + blocks - 1) / blocks;
  plan.scratch_bytes = static_cast<size_t>(plan.workers) * sizeof(float) *
                       MakeBlock(loops, layer, plan.block_tiles, nullptr).floats;
  return plan;
}

void RunConvolution(const Loops& loops, const Layer& layer, const ConvolutionPlan& plan,
                    const float* input, const float* padding, const float* u, const Stages& stages,
                    float* output, void* scratch, ThreadPool& pool) {
  const int64_t tiles = layer.tiles(), columns = layer.out_channels;
  const int64_t column_blocks = RoundUp(columns, 2 * loops.lanes) / (2 * loops.lanes);
  pool.Run(plan.workers, [&](int worker) {
    int64_t tile = 0, tile_end = tiles, column = 0, column_end = columns;
    if (plan.split_columns) {
      column = column_blocks * worker / plan.workers * (2 * loops.lanes);
      column_end =
          std::min(columns, column_blocks * (worker + 1) / plan.workers * (2 * loops.lanes));
    } else {
      tile = tiles * worker / plan.workers;
      tile_end = tiles * (worker + 1) / plan.workers;
    }
    Block block = MakeBlock(loops, layer, plan.block_tiles, nullptr);
    block = MakeBlock(loops, layer, plan.block_tiles,
                      static_cast<float*>(scratch) + static_cast<size_t>(worker) * block.floats);
    for (; tile < tile_end; tile += plan.block_tiles) {
      const int64_t count = std::min(plan.block_tiles, tile_end - tile);
      loops.transform_input(layer, input, padding, tile, count, block.v);
      loops.multiply(block.v, u, block.m, count, layer.channels, columns, column, column_end);
      loops.transform_output(layer, block.m, tile, count, column, column_end, stages, output);
    }
  });
}

}  // namespace tersor::kernels::winograd_f32
