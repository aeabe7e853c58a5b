// What each row of encodings.inc has to bring, and what their files share. For base/encodings/ and
// encoded_tensor.cc alone.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "tersor/base/encoded_tensor.h"
#include "tersor/base/packed_bits.h"

namespace tersor::encodings {

using Parameters = std::span<const int64_t>;

// SizeBytes   as EncodedSizeBytes; the parameters have been checked
// Validate    whether parameters and bytes are what Decode may rely on
// Decode      of what Validate accepts, into zeroed memory
// Encode      as tersor::Encode
// Suggest     parameters that are worth a try for a tensor, for SmallestEncoding
#define ENCODING(enumerator, name, number, parameters, doc)                  \
  namespace name {                                                           \
  int64_t SizeBytes(const TensorType& type, Parameters given, int64_t kept); \
  Status Validate(const EncodedTensor& encoded);                             \
  void Decode(const EncodedTensor& encoded, const TensorView& dense);        \
  Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given);  \
  std::vector<std::vector<int64_t>> Suggest(const TensorType& type);         \
  }
#include "tersor/base/encodings.inc"
#undef ENCODING

/// Elements as patterns of bits, one after the other (`dense` false) or as a dense tensor has them
/// (rows of the last axis begin a byte).
class Elements {
 public:
  Elements(const TensorType& type, bool dense, void* bytes)
      : bits_(DTypeBits(type.dtype)), bytes_(static_cast<uint8_t*>(bytes)) {
    if (dense && bits_ < 8 && type.shape.rank() > 0) row_ = type.shape[type.shape.rank() - 1];
  }
  Elements(const TensorType& type, bool dense, const void* bytes)
      : Elements(type, dense, const_cast<void*>(bytes)) {}

  uint64_t Get(int64_t index) const {
    if (bits_ < 8) return LoadBits(bytes_, BitOf(index), bits_);
    uint64_t value = 0;
    std::memcpy(&value, bytes_ + index * (bits_ / 8), static_cast<size_t>(bits_ / 8));
    return value;
  }
  /// The element must be 0 before.
  void Set(int64_t index, uint64_t value) {
    if (bits_ < 8) return StoreBits(bytes_, BitOf(index), bits_, static_cast<uint32_t>(value));
    std::memcpy(bytes_ + index * (bits_ / 8), &value, static_cast<size_t>(bits_ / 8));
  }

 private:
  int64_t BitOf(int64_t index) const {
    if (row_ == 0) return index * bits_;
    return index / row_ * PackedBytes(row_, bits_) * 8 + index % row_ * bits_;
  }

  int bits_;
  uint8_t* bytes_;
  int64_t row_ = 0;  // 0: no rows
};

/// Whether the bytes are as many as SizeBytes says.
Status ExpectSize(const EncodedTensor& encoded, int64_t size_bytes);

/// Bits of a bitmap of `count` bits that are 1; kDataLoss when one after the last is.
Result<int64_t> CountKept(const uint8_t* bitmap, int64_t count);

int64_t LastExtent(const Shape& shape);

}  // namespace tersor::encodings
