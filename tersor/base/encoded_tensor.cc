#include "tersor/base/encoded_tensor.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "tersor/base/documentation.h"
#include "tersor/base/encodings/encoding.h"

namespace tersor {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 40;

constexpr EncodingInfo kEncodings[] = {
#define ENCODING(enumerator, name, number, parameters, doc) \
  {Encoding::enumerator, #name, parameters, TERSOR_DOC(doc)},
#include "tersor/base/encodings.inc"
#undef ENCODING
};

Status CheckShape(const TensorType& type) {
  for (int64_t extent : type.shape.dims()) {
    if (extent < 1) return DataLoss("its shape is ", type.shape.ToString());
  }
  if (type.shape.num_elements() > kMaxElements) {
    return DataLoss(type.ToString(), " has more than ", kMaxElements, " elements");
  }
  return OkStatus();
}

Status Validate(const EncodedTensor& encoded) {
  switch (encoded.encoding()) {
#define ENCODING(enumerator, name, number, parameters, doc) \
  case Encoding::enumerator:                                \
    return encodings::name::Validate(encoded);
#include "tersor/base/encodings.inc"
#undef ENCODING
  }
  return DataLoss("an encoding that this build does not know");
}

}  // namespace

std::span<const EncodingInfo> AllEncodings() { return kEncodings; }

std::string_view EncodingName(Encoding encoding) {
  for (const EncodingInfo& info : kEncodings) {
    if (info.encoding == encoding) return info.name;
  }
  return "unknown";
}

std::optional<Encoding> ParseEncoding(std::string_view name) {
  for (const EncodingInfo& info : kEncodings) {
    if (info.name == name) return info.encoding;
  }
  return std::nullopt;
}

std::optional<Encoding> EncodingFromNumber(uint64_t number) {
  for (const EncodingInfo& info : kEncodings) {
    if (static_cast<uint64_t>(info.encoding) == number) return info.encoding;
  }
  return std::nullopt;
}

Result<EncodedTensor::Ptr> EncodedTensor::Create(Encoding encoding, TensorType type,
                                                 std::vector<int64_t> parameters,
                                                 std::shared_ptr<Buffer> bytes) {
  Status status = CheckShape(type);
  Ptr encoded(
      new EncodedTensor(encoding, std::move(type), std::move(parameters), std::move(bytes)));
  if (status.ok()) status = Validate(*encoded);
  if (!status.ok()) {
    return DataLoss(EncodingName(encoding), ": ", status.message());
  }
  return encoded;
}

Result<Tensor> EncodedTensor::Decode() const {
  TERSOR_ASSIGN_OR_RETURN(Tensor dense, Tensor::Create(type_));
  switch (encoding_) {
#define ENCODING(enumerator, name, number, parameters, doc) \
  case Encoding::enumerator:                                \
    encodings::name::Decode(*this, dense.mutable_view());   \
    break;
#include "tersor/base/encodings.inc"
#undef ENCODING
  }
  return dense;
}

const Tensor& EncodedTensor::dense() const {
  const std::lock_guard lock(mutex_);
  if (dense_.empty()) {
    // Wrapped, so that whoever would update it in place finds that it is not writable.
    if (auto decoded = Decode(); decoded.ok()) {
      const std::shared_ptr<Buffer>& buffer = decoded->buffer();
      dense_ = Tensor(type_, Buffer::Wrap(buffer->data(), buffer->size_bytes(), buffer));
    }
  }
  return dense_;
}

Result<EncodedTensor::Ptr> Encode(Encoding encoding, const Tensor& dense,
                                  std::span<const int64_t> parameters) {
  TERSOR_RETURN_IF_ERROR(CheckShape(dense.type()));
  Result<EncodedTensor::Ptr> encoded = InvalidArgument("not a known encoding");
  switch (encoding) {
#define ENCODING(enumerator, name, number, parameter_names, doc) \
  case Encoding::enumerator:                                     \
    encoded = encodings::name::Encode(dense, parameters);        \
    break;
#include "tersor/base/encodings.inc"
#undef ENCODING
  }
  if (encoded.ok() || encoded.status().code() != StatusCode::kInvalidArgument) return encoded;
  return encoded.status().WithContext(EncodingName(encoding));
}

int64_t EncodedSizeBytes(Encoding encoding, const TensorType& type,
                         std::span<const int64_t> parameters, int64_t kept) {
  switch (encoding) {
#define ENCODING(enumerator, name, number, parameter_names, doc) \
  case Encoding::enumerator:                                     \
    return encodings::name::SizeBytes(type, parameters, kept);
#include "tersor/base/encodings.inc"
#undef ENCODING
  }
  return type.size_bytes();
}

Result<EncodedTensor::Ptr> SmallestEncoding(const Tensor& dense) {
  TERSOR_ASSIGN_OR_RETURN(EncodedTensor::Ptr smallest, Encode(Encoding::kDense, dense, {}));
  const auto attempt = [&](Encoding encoding, const std::vector<std::vector<int64_t>>& suggested) {
    for (const std::vector<int64_t>& parameters : suggested) {
      auto encoded = Encode(encoding, dense, parameters);
      if (!encoded.ok()) continue;
      const int64_t size = (*encoded)->size_bytes(), least = smallest->size_bytes();
      const bool is_dense = smallest->encoding() == Encoding::kDense;
      if (size < least || (size == least && !is_dense)) smallest = *encoded;
    }
  };
#define ENCODING(enumerator, name, number, parameters, doc) \
  attempt(Encoding::enumerator, encodings::name::Suggest(dense.type()));
#include "tersor/base/encodings.inc"
#undef ENCODING
  return smallest;
}

int64_t CountDistinct(const Tensor& dense) {
  const encodings::Elements elements(dense.type(), true, dense.view().data);
  std::vector<uint64_t> values(static_cast<size_t>(dense.type().shape.num_elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = elements.Get(static_cast<int64_t>(i));
  std::sort(values.begin(), values.end());
  return std::unique(values.begin(), values.end()) - values.begin();
}

namespace encodings {

Status ExpectSize(const EncodedTensor& encoded, int64_t size_bytes) {
  if (encoded.size_bytes() == size_bytes) return OkStatus();
  return DataLoss(encoded.type().ToString(), " has ", encoded.size_bytes(), " bytes, expected ",
                  size_bytes);
}

Result<int64_t> CountKept(const uint8_t* bitmap, int64_t count) {
  int64_t kept = 0;
  for (int64_t i = 0; i < PackedBytes(count, 1); ++i) kept += std::popcount(bitmap[i]);
  if (count % 8 != 0 && bitmap[count / 8] >> count % 8 != 0) {
    return DataLoss("a bit after the last of its ", count, " is set");
  }
  return kept;
}

int64_t LastExtent(const Shape& shape) { return shape.rank() == 0 ? 1 : shape[shape.rank() - 1]; }

}  // namespace encodings
}  // namespace tersor
