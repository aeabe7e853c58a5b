#include "tersor/base/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace tersor {
namespace {

struct DTypeInfo {
  std::string_view name;
  int bits;
};

constexpr DTypeInfo kDTypes[] = {
#define DTYPE(enumerator, name, bits, type) {#name, bits},
#include "tersor/base/dtypes.inc"
#undef DTYPE
};

// A symbol's name is a number in base 64 whose digits are these characters, counted from 1. Names
// begin with a letter, and ten digits of six bits leave the sign free.
constexpr std::string_view kSymbolDigits =
    "0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr int64_t kSymbolBase = 64;
constexpr size_t kLongestSymbol = 10;
static_assert(kSymbolDigits.size() == kSymbolBase - 1);

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

constexpr size_t kAlignment = 64;
constexpr size_t kTail = 64;

}  // namespace

std::string_view DTypeName(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < std::size(kDTypes); ++i) {
    if (kDTypes[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

int DTypeBits(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].bits; }

bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

bool IsInteger(DType dtype) { return !IsFloat(dtype) && dtype != DType::kBool; }

std::optional<int64_t> ParseSymbol(std::string_view name) {
  if (name == "N") return kBatch;
  if (name.empty() || name.size() > kLongestSymbol || !IsLetter(name[0])) return std::nullopt;
  int64_t packed = 0;
  for (char c : name) {
    const size_t digit = kSymbolDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    packed = packed * kSymbolBase + static_cast<int64_t>(digit) + 1;
  }
  return kBatch - packed;
}

std::string SymbolName(int64_t extent) {
  if (extent == kBatch) return "N";
  std::string name;
  for (int64_t packed = kBatch - extent; packed > 0; packed /= kSymbolBase) {
    if (packed % kSymbolBase == 0) return "";
    name.insert(name.begin(), kSymbolDigits[static_cast<size_t>(packed % kSymbolBase - 1)]);
  }
  return ParseSymbol(name) == extent ? name : "";
}

std::string ExtentToString(int64_t extent) {
  std::string name = IsSymbol(extent) ? SymbolName(extent) : "";
  return name.empty() ? std::to_string(extent) : name;
}

bool Shape::IsSymbolic() const { return std::any_of(dims_.begin(), dims_.end(), IsSymbol); }

Shape Shape::Bind(int64_t symbol, int64_t extent) const {
  Shape result = *this;
  std::replace(result.dims_.begin(), result.dims_.end(), symbol, extent);
  return result;
}

int64_t Shape::num_elements() const {
  int64_t count = 1;
  for (int64_t dim : dims_) {
    if (IsSymbol(dim)) continue;
    if (__builtin_mul_overflow(count, dim, &count)) return std::numeric_limits<int64_t>::max();
  }
  return count;
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (size_t i = 0; i < dims_.size(); ++i) {
    if (i > 0) text += ',';
    text += ExtentToString(dims_[i]);
  }
  return text + "]";
}

int64_t Quantization::PairsFor(const Shape& shape) const {
  if (axis == -1 && group_size == 0) return 1;
  if (axis < 0 || axis >= shape.rank() || group_size < 0 || shape[axis] < 1) return 0;
  if (group_size == 0) return shape[axis];
  if (axis != shape.rank() - 1) return 0;
  for (int64_t extent : shape.dims()) {
    if (extent < 1) return 0;
  }
  const int64_t row = shape[axis];
  return shape.num_elements() / row * (row / group_size + (row % group_size != 0 ? 1 : 0));
}

int64_t DenseSizeBytes(DType dtype, const Shape& shape) {
  const int bits = DTypeBits(dtype);
  const int64_t count = shape.num_elements();
  if (bits >= 8) {
    int64_t bytes;
    if (__builtin_mul_overflow(count, int64_t{bits / 8}, &bytes)) {
      return std::numeric_limits<int64_t>::max();
    }
    return bytes;
  }
  const int64_t inner = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  if (inner <= 0) return 0;
  const int64_t row_bytes = inner / (8 / bits) + (inner % (8 / bits) != 0 ? 1 : 0);
  return count / inner * row_bytes;
}

int64_t TensorType::size_bytes() const { return DenseSizeBytes(dtype, shape); }

std::string TensorType::ToString() const { return StrCat(DTypeName(dtype), shape.ToString()); }

Result<std::shared_ptr<Buffer>> Buffer::Allocate(size_t size_bytes) {
  if (size_bytes > std::numeric_limits<size_t>::max() - 2 * kTail - kAlignment) {
    return ResourceExhausted("cannot allocate ", size_bytes, " bytes");
  }
  const size_t total = (size_bytes + kTail + kAlignment - 1) / kAlignment * kAlignment;
  void* data = std::aligned_alloc(kAlignment, total);
  if (data == nullptr) return ResourceExhausted("cannot allocate ", size_bytes, " bytes");
  std::memset(data, 0, total);
  std::shared_ptr<Buffer> buffer(new Buffer());
  buffer->data_ = data;
  buffer->size_bytes_ = size_bytes;
  return buffer;
}

std::shared_ptr<Buffer> Buffer::Wrap(const void* data, size_t size_bytes,
                                     std::shared_ptr<const void> owner) {
  TERSOR_CHECK(owner != nullptr);
  std::shared_ptr<Buffer> buffer(new Buffer());
  buffer->data_ = const_cast<void*>(data);
  buffer->size_bytes_ = size_bytes;
  buffer->owner_ = std::move(owner);
  return buffer;
}

Buffer::~Buffer() {
  if (owner_ == nullptr) std::free(data_);
}

Result<Tensor> Tensor::Create(TensorType type) {
  if (type.shape.IsSymbolic()) {
    return InvalidArgument("tensor ", type.ToString(), ": a symbolic extent has no storage");
  }
  const int64_t size = type.size_bytes();
  if (size == std::numeric_limits<int64_t>::max()) {
    return ResourceExhausted("tensor ", type.ToString(), ": its size overflows");
  }
  TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(static_cast<size_t>(size)));
  return Tensor(std::move(type), std::move(buffer));
}

Result<Tensor> Tensor::FromBytes(TensorType type, std::span<const std::byte> bytes) {
  if (static_cast<uint64_t>(type.size_bytes()) != bytes.size()) {
    return InvalidArgument("tensor ", type.ToString(), ": needs ", type.size_bytes(),
                           " bytes, found ", bytes.size());
  }
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Create(std::move(type)));
  if (!bytes.empty()) std::memcpy(tensor.buffer_->data(), bytes.data(), bytes.size());
  return tensor;
}

Result<Tensor> Tensor::Clone() const {
  if (empty()) return *this;
  return FromBytes(type_, {static_cast<const std::byte*>(buffer_->data()),
                           static_cast<size_t>(type_.size_bytes())});
}

}  // namespace tersor
