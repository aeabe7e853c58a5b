// Random networks, to compare kernel paths and rewrites on shapes that nobody thought of.
#pragma once

#include <cstdint>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"

namespace tersor::ir {

struct RandomGraphOptions {
  /// Arithmetic of the network: f32; i8 (filters with a scale per channel); u8 (one scale a
  /// tensor, filters with a zero point). An integer network may begin with quantize and end with
  /// dequantize.
  DType dtype = DType::kF32;
  int max_image_operators = 8;          ///< at least 1; before the reduction to [N,C]
  int64_t max_macs_per_node = 300'000;  ///< for one example
};

/// Makes a network that takes one image [N,H,W,C]. It is built from convolutions (dense, grouped,
/// depthwise; strides, dilations, every kind of padding), pooling, add, subtract, multiply (with
/// tensors, channels, scalars), relu, relu6, sigmoid, tanh, concat, pad, reductions, fully
/// connected layers, reshape and softmax. Extents are small and often odd. All weights have data,
/// of such magnitudes that integer results use their range and sometimes saturate. The graph
/// depends only on the seed and the options, and has passed the verifier.
Graph RandomGraph(uint64_t seed, const RandomGraphOptions& options = {});

/// Data for a tensor of this type, a function of the seed: f32 normal, integers uniform over their
/// range (32 and 64 bits: over 0 to 9). Fails for other types and for a symbolic batch.
Result<Tensor> RandomTensor(const TensorType& type, uint64_t seed);
/// One tensor for each input of the graph, with its symbolic batch bound.
Result<std::vector<Tensor>> RandomInputs(const Graph& graph, int64_t batch, uint64_t seed);

}  // namespace tersor::ir
