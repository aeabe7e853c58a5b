// Bytes: the elements, as a dense tensor has them.
#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::dense {

int64_t SizeBytes(const TensorType& type, Parameters, int64_t) { return type.size_bytes(); }

Status Validate(const EncodedTensor& encoded) {
  if (!encoded.parameters().empty()) return DataLoss("it has parameters, and takes none");
  return ExpectSize(encoded, encoded.type().size_bytes());
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  std::memcpy(dense.data, encoded.bytes(), static_cast<size_t>(encoded.size_bytes()));
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  return EncodedTensor::Create(Encoding::kDense, dense.type(), {given.begin(), given.end()},
                               dense.buffer());
}

std::vector<std::vector<int64_t>> Suggest(const TensorType&) { return {}; }

}  // namespace tersor::encodings::dense
