// For tests: tensors whose content fits an encoding, and one encoded tensor or more of each row.
#pragma once

#include <utility>
#include <vector>

#include "tersor/base/encoded_tensor.h"
#include "tersor/base/packed_bits.h"
#include "tersor/base/random.h"

namespace tersor {

/// Elements with random bits, of which those that `keep` refuses are zero; at most `distinct`
/// different ones.
template <typename Keep>
Tensor SparseTensor(TensorType type, uint64_t seed, uint64_t distinct, const Keep& keep) {
  Random random(seed, /*stream=*/3);
  const int bits = DTypeBits(type.dtype);
  std::vector<uint64_t> patterns;
  for (uint64_t i = 0; i < distinct; ++i) {
    patterns.push_back(uint64_t{random.NextU32()} << 32 | random.NextU32());
  }
  Tensor tensor = Tensor::Create(std::move(type)).value();
  const Packed4 packed(tensor.type().shape);
  auto* bytes = static_cast<uint8_t*>(tensor.buffer()->data());
  for (int64_t i = 0; i < tensor.type().shape.num_elements(); ++i) {
    if (!keep(i)) continue;
    const uint64_t pattern = patterns[random.NextBelow(distinct)];
    for (int byte = 0; byte < bits / 8; ++byte) {
      bytes[i * (bits / 8) + byte] = static_cast<uint8_t>(pattern >> (8 * byte));
    }
    if (bits < 8) packed.Set(bytes, i, static_cast<int32_t>(pattern % 15 + 1));
  }
  return tensor;
}

/// i4 values with a scale for each group, powers of two, and zero points if asked for.
inline Tensor GroupedI4Tensor(Shape shape, int64_t group_size, bool zero_points, uint64_t seed) {
  Random random(seed, /*stream=*/4);
  const int axis = shape.rank() - 1;
  const int64_t groups =
      shape.num_elements() / shape[axis] * ((shape[axis] + group_size - 1) / group_size);
  Quantization quantization;
  quantization.axis = axis;
  quantization.group_size = group_size;
  for (int64_t i = 0; i < groups; ++i) {
    quantization.scales.push_back(0.25f + static_cast<float>(random.NextBelow(100)) * 0.01f);
    quantization.zero_points.push_back(zero_points ? static_cast<int32_t>(random.NextBelow(16)) - 8
                                                   : 0);
  }
  Tensor tensor = Tensor::Create({DType::kI4, std::move(shape), std::move(quantization)}).value();
  const Packed4 packed(tensor.type().shape);
  for (int64_t i = 0; i < tensor.type().shape.num_elements(); ++i) {
    packed.Set(static_cast<uint8_t*>(tensor.buffer()->data()), i,
               static_cast<int32_t>(random.NextBelow(16)) - 8);
  }
  return tensor;
}

struct EncodingSample {
  Encoding encoding;
  std::vector<int64_t> parameters;
  Tensor content;  ///< what Encode takes; for all but grouped_i4 also what Decode gives
};

/// Content for each row of encodings.inc (a row without a sample fails the suite), of this type,
/// which is no type that grouped_i4 knows.
inline std::vector<EncodingSample> EncodingSamples(DType dtype) {
  const TensorType plain{dtype, {3, 5, 7}, {}}, fours{dtype, {6, 3, 8}, {}};
  const auto some = [](int64_t i) { return i * 7919 % 10 < 3; };
  return {
      {Encoding::kDense, {}, SparseTensor(plain, 1, 200, [](int64_t) { return true; })},
      {Encoding::kBitmap, {}, SparseTensor(plain, 2, 200, some)},
      {Encoding::kBitmap, {}, SparseTensor(plain, 2, 200, [](int64_t) { return false; })},
      {Encoding::kPalette, {0, -1, 0}, SparseTensor(plain, 3, 5, some)},
      {Encoding::kPalette, {9, 1, 1}, SparseTensor(plain, 4, 8, some)},
      {Encoding::kPalette, {0, 0, 2}, SparseTensor(plain, 5, 30, some)},
      {Encoding::kPalette, {256, -1, 0}, SparseTensor(plain, 6, 200, some)},
      {Encoding::kNM, {2, 4}, SparseTensor(fours, 7, 200, [](int64_t i) { return i % 4 > 1; })},
      {Encoding::kNM, {1, 4}, SparseTensor(fours, 8, 200, [](int64_t i) { return i % 8 == 3; })},
      {Encoding::kNM, {3, 8}, SparseTensor(fours, 9, 200, [](int64_t i) { return i % 8 > 5; })},
      {Encoding::kBlock,
       {1, 1, 4},
       SparseTensor(fours, 10, 200, [](int64_t i) { return i % 8 > 3; })},
      {Encoding::kBlock, {2, 3, 2}, SparseTensor(fours, 11, 200, [](int64_t i) { return i < 24; })},
      {Encoding::kGroupedI4, {}, GroupedI4Tensor({3, 5, 7}, 4, false, 12)},
      {Encoding::kGroupedI4, {}, GroupedI4Tensor({4, 32}, 32, true, 13)},
  };
}

}  // namespace tersor
