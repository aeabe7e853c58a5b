#include "tersor/base/finite.h"

#include <cmath>
#include <utility>
#include <vector>

#include "tersor/base/float16.h"

namespace tersor {
namespace {

std::string Place(const Shape& shape, int64_t index) {
  std::vector<int64_t> place = shape.dims();
  for (size_t axis = place.size(); axis-- > 0;) {
    const int64_t extent = place[axis];
    place[axis] = index % extent;
    index /= extent;
  }
  return Shape(std::move(place)).ToString();
}

template <typename T, typename ToFloat>
std::string Find(const ConstTensorView& view, bool infinities, const ToFloat& to_float) {
  const int64_t count = view.shape().num_elements();
  const T* values = view.as<T>();
  for (int64_t i = 0; i < count; ++i) {
    const float value = to_float(values[i]);
    if (infinities ? std::isfinite(value) : !std::isnan(value)) continue;
    return StrCat(value, " at ", Place(view.shape(), i));
  }
  return "";
}

}  // namespace

std::string FindNonFinite(const ConstTensorView& view, bool infinities) {
  switch (view.dtype()) {
    case DType::kF32:
      return Find<float>(view, infinities, [](float value) { return value; });
    case DType::kF16:
      return Find<uint16_t>(view, infinities, F16ToFloat);
    case DType::kBF16:
      return Find<uint16_t>(view, infinities, BF16ToFloat);
    default:
      return "";
  }
}

}  // namespace tersor
