// Bytes, with groups along the last axis (the last of a row may be shorter): a scale (f32) for each
// group in row-major order; the integers as a dense i4 tensor has them; where there are zero
// points, one (i8) for each group. An element is scale * (integer - zero point), one f32 product.
#include <algorithm>
#include <cmath>

#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::grouped_i4 {
namespace {

struct Layout {
  int64_t row, groups_in_row, groups;
  int64_t group;
  bool has_zero_points;
  int64_t integer_bytes;

  Layout(const TensorType& type, Parameters given)
      : row(LastExtent(type.shape)),
        groups_in_row((row + given[0] - 1) / given[0]),
        groups(type.shape.num_elements() / row * groups_in_row),
        group(given[0]),
        has_zero_points(given[1] != 0),
        integer_bytes(DenseSizeBytes(DType::kI4, type.shape)) {}
  int64_t GroupOf(int64_t element) const {
    return element / row * groups_in_row + element % row / group;
  }
};

float ScaleAt(const uint8_t* bytes, int64_t group) {
  float scale;
  std::memcpy(&scale, bytes + group * 4, sizeof(scale));
  return scale;
}

}  // namespace

int64_t SizeBytes(const TensorType& type, Parameters given, int64_t) {
  const Layout layout(type, given);
  return layout.groups * (layout.has_zero_points ? 5 : 4) + layout.integer_bytes;
}

Status Validate(const EncodedTensor& encoded) {
  const Parameters given = encoded.parameters();
  if (encoded.type().dtype != DType::kF32 || encoded.type().quantization) {
    return DataLoss("it stores f32, found ", encoded.type().ToString());
  }
  if (given.size() != 2 || given[0] < 1 || given[0] > INT32_MAX || given[1] < 0 || given[1] > 1) {
    return DataLoss("parameters are the elements of a group and 0 or 1");
  }
  TERSOR_RETURN_IF_ERROR(ExpectSize(encoded, SizeBytes(encoded.type(), given, 0)));
  const Layout layout(encoded.type(), given);
  const auto* zero_points =
      reinterpret_cast<const int8_t*>(encoded.bytes() + layout.groups * 4 + layout.integer_bytes);
  for (int64_t group = 0; group < layout.groups; ++group) {
    const float scale = ScaleAt(encoded.bytes(), group);
    if (!(scale > 0) || !std::isfinite(scale)) {
      return DataLoss("group ", group, " has scale ", scale, ", expected positive and finite");
    }
    if (layout.has_zero_points && (zero_points[group] < -8 || zero_points[group] > 7)) {
      return DataLoss("group ", group, " has zero point ", int{zero_points[group]},
                      ", expected -8 to 7");
    }
  }
  return OkStatus();
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  const Layout layout(encoded.type(), encoded.parameters());
  const Packed4 packed(encoded.type().shape);
  const uint8_t* integers = encoded.bytes() + layout.groups * 4;
  const auto* zero_points = reinterpret_cast<const int8_t*>(integers + layout.integer_bytes);
  for (int64_t i = 0; i < encoded.type().shape.num_elements(); ++i) {
    const int64_t group = layout.GroupOf(i);
    const int zero_point = layout.has_zero_points ? zero_points[group] : 0;
    dense.as<float>()[i] =
        ScaleAt(encoded.bytes(), group) * static_cast<float>(packed.Get(integers, i) - zero_point);
  }
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  const TensorType& type = dense.type();
  if (!given.empty()) return InvalidArgument("it takes no parameters: the tensor's type says them");
  if (type.dtype != DType::kI4 || !type.quantization || !type.quantization->per_group()) {
    return InvalidArgument("it is made from an i4 tensor with a scale for each group, found ",
                           type.ToString());
  }
  const Quantization& quantization = *type.quantization;
  const bool has_zero_points =
      std::any_of(quantization.zero_points.begin(), quantization.zero_points.end(),
                  [](int32_t zero_point) { return zero_point != 0; });
  const std::vector<int64_t> parameters = {quantization.group_size, has_zero_points ? 1 : 0};
  const TensorType real{DType::kF32, type.shape, std::nullopt};
  const Layout layout(real, parameters);
  const auto groups = static_cast<size_t>(quantization.PairsFor(type.shape));
  if (groups == 0 || quantization.scales.size() != groups ||
      quantization.zero_points.size() != groups) {
    return InvalidArgument(type.ToString(), " has ", quantization.scales.size(), " scales and ",
                           quantization.zero_points.size(), " zero points, expected ", groups);
  }
  TERSOR_ASSIGN_OR_RETURN(auto buffer,
                          Buffer::Allocate(static_cast<size_t>(SizeBytes(real, parameters, 0))));
  auto* bytes = static_cast<uint8_t*>(buffer->data());
  std::memcpy(bytes, quantization.scales.data(), groups * sizeof(float));
  bytes += groups * sizeof(float);
  std::memcpy(bytes, dense.view().data, static_cast<size_t>(layout.integer_bytes));
  bytes += layout.integer_bytes;
  for (size_t group = 0; has_zero_points && group < groups; ++group) {
    bytes[group] = static_cast<uint8_t>(quantization.zero_points[group]);
  }
  return EncodedTensor::Create(Encoding::kGroupedI4, real, parameters, std::move(buffer));
}

// What a technique has not rounded to a grid does not fit.
std::vector<std::vector<int64_t>> Suggest(const TensorType&) { return {}; }

}  // namespace tersor::encodings::grouped_i4
