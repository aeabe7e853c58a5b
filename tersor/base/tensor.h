// Element types, shapes, quantization parameters and views of tensors: what a kernel knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tersor/base/status.h"

namespace tersor {

enum class DType : uint8_t {
#define DTYPE(enumerator, name, bits, type) enumerator,
#include "tersor/base/dtypes.inc"
#undef DTYPE
};

std::string_view DTypeName(DType dtype);
std::optional<DType> ParseDType(std::string_view name);
int DTypeBits(DType dtype);
bool IsFloat(DType dtype);
bool IsInteger(DType dtype);

/// The DType that stores a C++ number: DTypeOf<float> is kF32. It exists for float and for the
/// integers below; another type does not compile (f16, bf16, i4 and bool share their storage type
/// with an integer, so they have to be named).
template <typename T>
inline constexpr DType DTypeOf = [] {
  static_assert(std::is_same_v<T, float>, "no element type is stored as this C++ type");
  return DType::kF32;
}();
template <>
inline constexpr DType DTypeOf<int8_t> = DType::kI8;
template <>
inline constexpr DType DTypeOf<uint8_t> = DType::kU8;
template <>
inline constexpr DType DTypeOf<int16_t> = DType::kI16;
template <>
inline constexpr DType DTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType DTypeOf<int64_t> = DType::kI64;

/// An extent below 0 is symbolic: it stands for a number that is known when a graph is compiled.
/// The number is the name itself, packed, so that equal names are equal extents everywhere. This
/// one is N, the batch; other names have up to 10 characters of [A-Za-z0-9_], the first of which is
/// a letter.
inline constexpr int64_t kBatch = -1;
inline constexpr bool IsSymbol(int64_t extent) { return extent < 0; }
/// The symbolic extent of this name; nothing if it is no such name.
std::optional<int64_t> ParseSymbol(std::string_view name);
/// The name of a symbolic extent; empty if a number below 0 packs no name.
std::string SymbolName(int64_t extent);
/// "S" or "32".
std::string ExtentToString(int64_t extent);

/// The extents of a tensor, outermost first. An empty shape is a scalar.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return dims_[static_cast<size_t>(axis)]; }
  const std::vector<int64_t>& dims() const { return dims_; }
  bool operator==(const Shape&) const = default;

  /// Whether the first extent is the symbolic batch, N.
  bool HasBatch() const { return !dims_.empty() && dims_[0] == kBatch; }
  /// Whether any extent is symbolic.
  bool IsSymbolic() const;
  /// This shape with the symbolic extent `symbol` replaced by `extent`, wherever it stands.
  Shape Bind(int64_t symbol, int64_t extent) const;
  Shape WithBatch(int64_t batch) const { return Bind(kBatch, batch); }
  /// Product of the extents; a symbolic one counts as 1. Saturates at INT64_MAX instead of
  /// overflowing.
  int64_t num_elements() const;
  std::string ToString() const;  ///< "[N,32,32,3]", "[N,S,64]"

 private:
  std::vector<int64_t> dims_;
};

/// real = scale * (quantized - zero_point), with one pair for the tensor, one for each slice along
/// `axis`, or one for each group of elements along the last axis.
struct Quantization {
  std::vector<float> scales;         ///< one, dims[axis], or one for each group in row-major order
  std::vector<int32_t> zero_points;  ///< as many as scales
  int axis = -1;                     ///< -1: per tensor
  /// 0 if there are no groups. Otherwise the number of elements in a group: `axis` is then the last
  /// axis, and each row along it is cut into groups. The last group of a row may be shorter.
  int64_t group_size = 0;

  /// More than one pair: for the slices or the groups along an axis.
  bool per_channel() const { return axis >= 0; }
  bool per_group() const { return group_size > 0; }
  /// How many pairs a tensor of this shape must have; 0 where axis and group_size do not fit it
  /// (a symbolic extent cannot be cut).
  int64_t PairsFor(const Shape& shape) const;
  bool operator==(const Quantization&) const = default;
};

/// What is known of a tensor before it has data.
struct TensorType {
  DType dtype = DType::kF32;
  Shape shape;
  std::optional<Quantization> quantization;

  bool operator==(const TensorType&) const = default;
  /// Bytes of dense storage; a symbolic extent counts as 1. Saturates at INT64_MAX.
  int64_t size_bytes() const;
  std::string ToString() const;  ///< "f32[N,10]"; the text form of a graph adds the quantization
};

int64_t DenseSizeBytes(DType dtype, const Shape& shape);

/// A typed pointer that owns nothing. The type outlives the view.
struct ConstTensorView {
  const TensorType* type = nullptr;
  const void* data = nullptr;

  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  const Shape& shape() const { return type->shape; }
  DType dtype() const { return type->dtype; }
};

struct TensorView {
  const TensorType* type = nullptr;
  void* data = nullptr;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  const Shape& shape() const { return type->shape; }
  DType dtype() const { return type->dtype; }
  operator ConstTensorView() const { return {type, data}; }  // NOLINT: implicit by design
};

/// Bytes on a 64-byte border, followed by 64 readable bytes, zeroed at birth. Not copyable; shared
/// by pointer.
class Buffer {
 public:
  /// Fails with kResourceExhausted instead of throwing.
  static Result<std::shared_ptr<Buffer>> Allocate(size_t size_bytes);
  /// Wraps memory that `owner` keeps alive (a mapped file). Such a buffer must not be written.
  static std::shared_ptr<Buffer> Wrap(const void* data, size_t size_bytes,
                                      std::shared_ptr<const void> owner);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() { return data_; }
  const void* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }
  bool writable() const { return owner_ == nullptr; }

 private:
  Buffer() = default;
  void* data_ = nullptr;
  size_t size_bytes_ = 0;
  std::shared_ptr<const void> owner_;
};

/// A tensor that owns (or shares) its dense data.
class Tensor {
 public:
  Tensor() = default;
  /// Zeroed. The shape must not be symbolic.
  static Result<Tensor> Create(TensorType type);
  static Result<Tensor> FromBytes(TensorType type, std::span<const std::byte> bytes);
  template <typename T>
  static Result<Tensor> FromValues(TensorType type, std::span<const T> values) {
    return FromBytes(std::move(type), std::as_bytes(values));
  }
  Tensor(TensorType type, std::shared_ptr<Buffer> buffer)
      : type_(std::move(type)), buffer_(std::move(buffer)) {}

  bool empty() const { return buffer_ == nullptr; }
  const TensorType& type() const { return type_; }
  TensorType& mutable_type() { return type_; }
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }
  ConstTensorView view() const { return {&type_, buffer_ ? buffer_->data() : nullptr}; }
  TensorView mutable_view() { return {&type_, buffer_ ? buffer_->data() : nullptr}; }
  template <typename T>
  std::span<const T> values() const {
    return {static_cast<const T*>(buffer_->data()),
            static_cast<size_t>(type_.shape.num_elements())};
  }
  template <typename T>
  std::span<T> mutable_values() {
    return {static_cast<T*>(buffer_->data()), static_cast<size_t>(type_.shape.num_elements())};
  }
  /// A copy with data of its own.
  Result<Tensor> Clone() const;

 private:
  TensorType type_;
  std::shared_ptr<Buffer> buffer_;
};

}  // namespace tersor
