// The text form of a graph: printed and parsed, byte for byte. Grammar and examples: docs/ir.md.
//
//   graph @survey_cnn(%image: f32[N,32,32,3]) -> (%logits: f32[N,10]) {
//     metadata normalize = "signed"
//     %0 = conv2d(%image, @conv1.filter, @conv1.bias) {activation=relu, padding=same}
//     %1: i8[N,32,32,3] q(0.0078125, -1) = quantize(%image)
//     %mean, %variance, %count = batch_norm_statistics(%sums)
//     sgd_update(@conv1.filter, %g, @conv1.filter.velocity, %learning_rate) {momentum=0.9}
//     %2 = conv2d(%1, @f, _, @pad) {strides=[2,2]}
//     %logits = ...
//   }
//   variable @conv1.filter: f32[32,3,3,3] trainable
//   variable @shift: f32[3] = [0.5, -1, 2]
//   variable @w: i8[2,4] q([0.1, 0.2], [0, 0], axis=0) = base64 "..."
//   variable @p: f32[64,64] = palette [16, -1, 0] base64 "..."
//
// An absent operand before a present one is _. A result prints its type only where it is not what
// the shape rule infers without a hint (integers, quantization). Results are named %0, %1, ... in
// order, or by their own name. Names with other characters than [A-Za-z0-9_./-], and own names that
// are numbers, are quoted: %"a b".
#pragma once

#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::ir {

struct PrintOptions {
  /// Print the data of every variable. Otherwise that of more than 8 elements is left out, and the
  /// parsed variable has none. At most 8 elements that are finite print as numbers (the shortest
  /// that read back to the same), others as base64 of the little-endian dense bytes, or of the
  /// bytes of their encoding after its name and parameters.
  bool data = false;
};

/// Also prints a graph that Verify refuses, as well as it can be shown.
std::string Print(const Graph& graph, const PrintOptions& options = {});
/// One node as a line of the text form, without its end: for messages and reports.
std::string PrintNode(const Graph& graph, const Node& node);
/// "i8[2,4] q([0.1, 0.2], [0, 0], axis=0)"
std::string PrintType(const TensorType& type);

/// Errors say line and column: "12:7: unknown operator 'conv3d'". The parsed graph is verified.
/// Printing it again with the same options gives the same bytes if the text came from Print.
Result<Graph> Parse(std::string_view text);
/// The inverse of PrintType.
Result<TensorType> ParseType(std::string_view text);

}  // namespace tersor::ir
