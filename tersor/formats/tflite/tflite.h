// TFLite files (version 3): import and export. Which operators have a counterpart: ops.inc.
//
// What a file and the graph say in different ways:
// - A file with batch 1 means any batch (so do Keras models): the batch of the graph is symbolic if
// every operator allows it.
// - A depthwise filter [1,KH,KW,C*m] is a filter [C*m,KH,KW,1] of a conv2d with C groups.
// - A float16 constant is a float16 variable behind a cast. A float operator with an int8 filter
// (dynamic range) keeps it.
// - uint8 tensors with quantization parameters become int8 (both the integers and the zero point
// less 128, the same real values);
//   inputs and outputs stay uint8 behind a quantize. Written are only int8 models.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/formats/options.h"
#include "tersor/ir/graph.h"

namespace tersor::formats::tflite {

/// Whether these bytes begin as a TFLite file does.
bool Recognize(std::span<const std::byte> bytes);

/// The verified graph of a file. Copies what it needs. Errors: kDataLoss for a damaged file,
/// kUnsupported for what is outside of ops.inc, naming the operator: "operator 3 (CONV_2D): ...".
Result<ir::Graph> Import(const std::shared_ptr<Buffer>& file);

/// The bytes of a file that says the same, with batch 1 where the batch is symbolic. kUnsupported,
/// naming the node, for what the format cannot say: an operator that ops.inc does not have, a
/// padding_value that is not zero, int8 results whose scale the format fixes otherwise.
Result<std::string> Export(const ir::Graph& graph, const ExportOptions& options);

}  // namespace tersor::formats::tflite
