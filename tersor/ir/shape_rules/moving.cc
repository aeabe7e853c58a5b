// Operators that move elements and compute nothing, so that results keep the type of the operand;
// and the gradient of the embedding.
#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

#include "tersor/ir/shape_rules.h"
#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

// Types of fewer than eight bits are packed by rows, so that their elements do not move alone.
Status ExpectMovable(const RuleInput& in, int i) {
  if (in.type(i).dtype == DType::kI4) {
    return in.Fail(in.name(i), " is ", in.type(i), ", whose elements are packed");
  }
  return OkStatus();
}

Status ExpectOneScale(const RuleInput& in, int i) {
  if (in.type(i).quantization.has_value() && in.type(i).quantization->per_channel()) {
    return in.Fail(in.name(i), " is ", in.type(i), " with a scale per channel, expected one scale");
  }
  return OkStatus();
}

// Operand 1 of both: whole numbers that name rows of a table.
Status ExpectIndices(const RuleInput& in) {
  if (in.type(1).dtype == DType::kI32 && !in.type(1).quantization.has_value()) return OkStatus();
  return in.Fail("indices is ", in.type(1), ", expected i32 without a scale");
}

// The shape of one row of `width` elements for each index.
Shape WithRows(Shape indices, int64_t width) {
  std::vector<int64_t> dims = indices.dims();
  dims.push_back(width);
  return Shape(std::move(dims));
}

// The symbolic extents of a shape, in ascending order.
std::vector<int64_t> SymbolsOf(const Shape& shape) {
  std::vector<int64_t> symbols;
  std::ranges::copy_if(shape.dims(), std::back_inserter(symbols), IsSymbol);
  std::ranges::sort(symbols);
  return symbols;
}

// The symbol that `all` has and `some` has not; `some` has the batch in its place.
int64_t LeftOver(const std::vector<int64_t>& all, const std::vector<int64_t>& some) {
  std::vector<int64_t> rest;
  std::ranges::set_difference(all, some, std::back_inserter(rest));
  return rest.empty() ? kBatch : rest[0];
}

}  // namespace

RuleResult RuleBroadcastTo(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectMovable(in, 0));
  TERSOR_RETURN_IF_ERROR(ExpectOneScale(in, 0));
  TensorType result = in.type(0);
  TERSOR_ASSIGN_OR_RETURN(result.shape, ShapeAttribute(in, Attr::shape, kBatch));
  TERSOR_ASSIGN_OR_RETURN(Shape both, BroadcastShape(in, in.shape(0), result.shape));
  if (both != result.shape) {
    return in.Fail("cannot repeat ", in.shape(0), " to ", result.shape);
  }
  return One(std::move(result));
}

RuleResult RuleConcat(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectMovable(in, 0));
  TERSOR_RETURN_IF_ERROR(ExpectOneScale(in, 0));
  const int64_t axis = in.attributes.Int(Attr::axis);
  TensorType result = in.type(0);
  if (axis < 0 || axis >= result.shape.rank()) {
    return in.Fail("axis is ", axis, ", expected one of ", result.shape);
  }
  const int joined = static_cast<int>(axis);
  for (int i = 0; i < in.size(); ++i) {
    const TensorType& input = in.type(i);
    if (input.dtype != result.dtype || input.quantization != result.quantization) {
      return in.Fail("input ", i, " is ", input, " and input 0 is ", in.type(0),
                     ", expected one element type, scale and zero point");
    }
    Shape expected = in.shape(0);
    if (input.shape.rank() == expected.rank()) expected[joined] = input.shape[joined];
    if (input.shape != expected) {
      return in.Fail("cannot join ", input.shape, " to ", in.shape(0), " along axis ", axis);
    }
    if (IsSymbol(expected[joined])) {
      return in.Fail("cannot join along the symbolic extent ", SymbolName(expected[joined]));
    }
    if (i == 0) continue;
    result.shape[joined] += expected[joined];
    if (result.shape[joined] > kMaxExtent) {
      return in.Fail("axis ", axis, " of the result is longer than ", kMaxExtent);
    }
  }
  return One(std::move(result));
}

RuleResult RuleEmbedding(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0));
  TERSOR_RETURN_IF_ERROR(in.ExpectRank(0, 2));
  if (in.shape(0).IsSymbolic()) return in.Fail("table is ", in.type(0), ", expected f32[V,D]");
  TERSOR_RETURN_IF_ERROR(ExpectIndices(in));
  return OneF32(WithRows(in.shape(1), in.shape(0)[1]));
}

RuleResult RuleEmbeddingGrad(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectIndices(in));
  TERSOR_ASSIGN_OR_RETURN(Shape table, ShapeAttribute(in, Attr::input_shape, kBatch));
  if (table.rank() != 2 || table.IsSymbolic()) {
    return in.Fail("input_shape is ", table, ", expected that of a table, [V,D]");
  }
  TERSOR_RETURN_IF_ERROR(in.ExpectF32(0, WithRows(in.shape(1), table[1])));
  return OneF32(std::move(table));
}

RuleResult RulePad(const RuleInput& in) {
  TensorType result = in.type(0);
  if (!IsFloat(result.dtype) && !IsEightBitPerTensor(result)) {
    return in.Fail("input is ", Describe(result),
                   ", expected f32, f16 or bf16, or i8 or u8 with one scale");
  }
  const auto& pads = in.attributes.Ints(Attr::pads);
  const int rank = result.shape.rank();
  if (pads.size() != static_cast<size_t>(2 * rank)) {
    return in.Fail("pads has ", pads.size(), " numbers, expected ", 2 * rank, " for ",
                   result.shape);
  }
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t before = pads[static_cast<size_t>(2 * axis)];
    const int64_t after = pads[static_cast<size_t>(2 * axis + 1)];
    if (before < 0 || after < 0 || before > kMaxExtent || after > kMaxExtent) {
      return in.Fail("pads of axis ", axis, " are ", before, " and ", after, ", expected 0 to ",
                     kMaxExtent);
    }
    if (IsSymbol(result.shape[axis])) {
      if (before + after == 0) continue;
      return in.Fail("cannot pad the symbolic extent ", SymbolName(result.shape[axis]));
    }
    result.shape[axis] += before + after;
  }
  return One(std::move(result));
}

RuleResult RuleReshape(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectMovable(in, 0));
  TERSOR_RETURN_IF_ERROR(ExpectOneScale(in, 0));
  const Shape& input = in.shape(0);
  TERSOR_ASSIGN_OR_RETURN(Shape shape, ShapeAttribute(in, Attr::shape, kBatch));
  const int64_t given = input.num_elements();
  const int64_t wanted = shape.num_elements();
  const std::vector<int64_t> symbols = SymbolsOf(input);
  bool fits = given == wanted && symbols == SymbolsOf(shape);
  // -1 first is what the other axes leave over, where the input has no batch.
  if (!fits && shape.HasBatch() && !std::ranges::binary_search(symbols, kBatch)) {
    Shape filled = shape;
    if (symbols.size() == SymbolsOf(shape).size() && given == wanted) {
      filled[0] = LeftOver(symbols, SymbolsOf(shape));
    } else if (given % wanted == 0) {
      filled[0] = given / wanted;
    }
    fits = symbols == SymbolsOf(filled) && filled.num_elements() == given;
    if (fits) shape = filled;
  }
  if (!fits) return in.Fail("cannot see ", input, " as ", shape);
  return One({in.type(0).dtype, std::move(shape), in.type(0).quantization});
}

RuleResult RuleSlice(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectMovable(in, 0));
  TERSOR_RETURN_IF_ERROR(ExpectOneScale(in, 0));
  const Shape& input = in.shape(0);
  TensorType result = in.type(0);
  TERSOR_ASSIGN_OR_RETURN(result.shape, ShapeAttribute(in, Attr::shape, kBatch));
  const auto& begin = in.attributes.Ints(Attr::begin);
  const int rank = input.rank();
  if (begin.size() != static_cast<size_t>(rank) || result.shape.rank() != rank) {
    return in.Fail("begin has ", begin.size(), " numbers and shape has ", result.shape.rank(),
                   ", expected ", rank, " for ", input);
  }
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t first = begin[static_cast<size_t>(axis)];
    const int64_t taken = result.shape[axis];
    if (IsSymbol(input[axis]) || IsSymbol(taken)) {
      if (taken == input[axis] && first == 0) continue;
      return in.Fail("cannot take ", ExtentToString(taken), " cells from ", first, " along axis ",
                     axis, " of ", input, ": a symbolic extent is taken whole");
    }
    if (first < 0 || first > input[axis] || result.shape[axis] > input[axis] - first) {
      return in.Fail("cannot take ", result.shape[axis], " cells from ", first, " along axis ",
                     axis, " of ", input);
    }
  }
  return One(std::move(result));
}

RuleResult RuleTranspose(const RuleInput& in) {
  TERSOR_RETURN_IF_ERROR(ExpectMovable(in, 0));
  TERSOR_RETURN_IF_ERROR(ExpectOneScale(in, 0));
  const TensorType& input = in.type(0);
  const auto& permutation = in.attributes.Ints(Attr::permutation);
  const auto rank = static_cast<size_t>(input.shape.rank());
  TensorType result = input;
  uint32_t seen = 0;
  for (size_t axis = 0; axis < permutation.size() && axis < rank; ++axis) {
    const int64_t source = permutation[axis];
    if (source < 0 || source >= static_cast<int64_t>(rank)) break;
    seen |= uint32_t{1} << source;
    result.shape[static_cast<int>(axis)] = input.shape[static_cast<int>(source)];
  }
  if (permutation.size() != rank || seen != (uint32_t{1} << rank) - 1) {
    return in.Fail("permutation is ",
                   FormatAttrValue(Attr::permutation, in.attributes.Get(Attr::permutation)),
                   ", expected each axis of ", input.shape, " once");
  }
  return One(std::move(result));
}

}  // namespace tersor::ir
