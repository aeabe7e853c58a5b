// A TFLite model as plain values. This form stands between the FlatBuffers tables of a file and our
// graph: import and export use nothing else. The code that reads a file into this form checks
// everything that can be checked without knowing what an operator means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/op.h"

namespace tersor::formats::tflite {

/// The builtin operators of ops.inc.
enum class BuiltinOp : uint8_t {
#define TFLITE(name, rule, ir_op, float_version, int8_version) k##name,
#include "tersor/formats/tflite/ops.inc"
#undef TFLITE
};

struct BuiltinInfo {
  std::string_view name;  ///< "CONV_2D"
  ir::OpKind ir_op;
  int float_version;
  int int8_version;
};
const BuiltinInfo& InfoOf(BuiltinOp op);

enum class FusedActivation : uint8_t { kNone, kRelu, kReluN1To1, kRelu6 };
/// The activation of the graph that does the same; kNone for kReluN1To1, which the graph writes as
/// a clamp.
Activation ToActivation(FusedActivation activation);
/// The same in the other direction.
FusedActivation ToFused(Activation activation);

/// The options of all operators in one; an operator uses those that its table in the format has.
struct OperatorOptions {
  FusedActivation activation = FusedActivation::kNone;
  bool same_padding = true;
  int stride_h = 0, stride_w = 0;
  int dilation_h = 1, dilation_w = 1;
  int window_h = 0, window_w = 0;
  int depth_multiplier = 0;
  int axis = 0;
  float beta = 1;
  bool keep_dims = false;
  bool keep_num_dims = false;
  std::vector<int32_t> dims;  ///< new_shape of RESHAPE, squeeze_dims of SQUEEZE

  bool operator==(const OperatorOptions&) const = default;
};

struct OperatorInfo {
  BuiltinOp op = BuiltinOp::kADD;
  int version = 1;
  std::vector<int32_t> inputs;  ///< tensor numbers; -1 is an absent operand
  std::vector<int32_t> outputs;
  OperatorOptions options;
};

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;                     ///< extents 0 to 2^31 - 1
  std::vector<int64_t> signature;  ///< extents with -1 where free; empty if the file has none
  std::optional<Quantization> quantization;
  bool constant = false;
  std::span<const std::byte> data;  ///< only of a constant: as many bytes as the type takes
  std::string unsupported;          ///< why no operator can use this tensor; empty if one can

  TensorType type() const { return {dtype, shape, quantization}; }
};

/// Begins the names of those metadata entries of a file that are ours: other programs pass over
/// names that they do not know.
inline constexpr std::string_view kMetadataPrefix = "tersor.";

struct Model {
  std::string name;
  std::string description;
  std::map<std::string, std::string> metadata;  ///< by key; in the file each has kMetadataPrefix
  std::vector<TensorInfo> tensors;
  std::vector<OperatorInfo> operators;
  std::vector<int32_t> inputs, outputs;
};

/// The tables of a file, checked: every offset is inside of the file, every tensor number is in
/// range, constants have the bytes that their shape takes, quantization parameters fit the shape
/// and the type. Spans of the model point into `bytes`, which is aligned to 16 bytes and outlives
/// it. Work and memory are limited by a multiple of the file's size, whatever it repeats.
Result<Model> ReadModel(std::span<const std::byte> bytes);

/// The bytes of a file. Equal constants share one buffer.
Result<std::string> WriteModel(const Model& model);

}  // namespace tersor::formats::tflite
