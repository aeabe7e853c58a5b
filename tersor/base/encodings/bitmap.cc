// Bytes: the elements that are not zero, one after the other; then the bitmap, one bit an element.
#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::bitmap {
namespace {

int64_t BitmapBytes(const TensorType& type) { return PackedBytes(type.shape.num_elements(), 1); }

}  // namespace

int64_t SizeBytes(const TensorType& type, Parameters, int64_t kept) {
  return PackedBytes(kept, DTypeBits(type.dtype)) + BitmapBytes(type);
}

Status Validate(const EncodedTensor& encoded) {
  if (!encoded.parameters().empty()) return DataLoss("it has parameters, and takes none");
  const int64_t bitmap_at = encoded.size_bytes() - BitmapBytes(encoded.type());
  if (bitmap_at < 0) return ExpectSize(encoded, BitmapBytes(encoded.type()));
  TERSOR_ASSIGN_OR_RETURN(const int64_t kept, CountKept(encoded.bytes() + bitmap_at,
                                                        encoded.type().shape.num_elements()));
  return ExpectSize(encoded, SizeBytes(encoded.type(), {}, kept));
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  const TensorType& type = encoded.type();
  const Elements values(type, false, encoded.bytes());
  Elements out(type, true, dense.data);
  const uint8_t* bitmap = encoded.bytes() + encoded.size_bytes() - BitmapBytes(type);
  int64_t next = 0;
  for (int64_t i = 0; i < type.shape.num_elements(); ++i) {
    if (LoadBits(bitmap, i, 1) != 0) out.Set(i, values.Get(next++));
  }
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  const TensorType& type = dense.type();
  const int64_t count = type.shape.num_elements();
  const Elements in(type, true, dense.view().data);
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) kept += in.Get(i) != 0 ? 1 : 0;
  const int64_t size = SizeBytes(type, given, kept);
  TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(static_cast<size_t>(size)));
  auto* bytes = static_cast<uint8_t*>(buffer->data());
  Elements values(type, false, bytes);
  uint8_t* bitmap = bytes + size - BitmapBytes(type);
  int64_t next = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t value = in.Get(i);
    if (value == 0) continue;
    values.Set(next++, value);
    StoreBits(bitmap, i, 1, 1);
  }
  return EncodedTensor::Create(Encoding::kBitmap, type, {given.begin(), given.end()},
                               std::move(buffer));
}

std::vector<std::vector<int64_t>> Suggest(const TensorType&) { return {{}}; }

}  // namespace tersor::encodings::bitmap
