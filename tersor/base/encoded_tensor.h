// Weights in fewer bytes than their dense form: the tensor that carries its encoding.
//
// An encoding is exact: what was encoded decodes to the same bits, and what an encoding cannot hold
// it refuses. (Making weights fit, by pruning, clustering or rounding, is the business of a
// technique.) "Zero" means an element all of whose bits are 0, so -0.0 is not zero.
// One encoding is a row of encodings.inc and a file of encodings/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor {

/// The values are the numbers that files hold.
enum class Encoding : uint8_t {
#define ENCODING(enumerator, name, number, parameters, doc) enumerator = number,
#include "tersor/base/encodings.inc"
#undef ENCODING
};

struct EncodingInfo {
  Encoding encoding;
  std::string_view name;
  std::string_view parameters;  ///< what the parameters are, in order
  std::string_view doc;
};

/// All rows of encodings.inc, by number.
std::span<const EncodingInfo> AllEncodings();
std::string_view EncodingName(Encoding encoding);
std::optional<Encoding> ParseEncoding(std::string_view name);
/// The encoding with this number in files, if this build knows it.
std::optional<Encoding> EncodingFromNumber(uint64_t number);

/// A tensor in an encoding: type, a few parameters and bytes. It never changes, and every one that
/// exists is valid. Any number of threads may use one at a time.
class EncodedTensor {
 public:
  using Ptr = std::shared_ptr<const EncodedTensor>;

  /// Takes bytes that nobody has checked: their number, every index, count and scale is checked
  /// here, in time linear in their number. `bytes` is laid out as the encoding's file says. Errors:
  /// kDataLoss. A few bytes may stand for a large tensor: who reads a file must bound
  /// type.size_bytes() before the tensor is decoded.
  static Result<Ptr> Create(Encoding encoding, TensorType type, std::vector<int64_t> parameters,
                            std::shared_ptr<Buffer> bytes);

  Encoding encoding() const { return encoding_; }
  /// Of the dense view.
  const TensorType& type() const { return type_; }
  const std::vector<int64_t>& parameters() const { return parameters_; }
  /// On a border of 64 bytes, and 64 bytes after them may be read.
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }
  int64_t size_bytes() const { return static_cast<int64_t>(buffer_->size_bytes()); }
  const uint8_t* bytes() const { return static_cast<const uint8_t*>(buffer_->data()); }

  /// The dense form, in memory of its own.
  Result<Tensor> Decode() const;
  /// The dense view: decoded at the first call, kept and shared as long as this tensor lives. Its
  /// buffer must not be written. It is empty when there is no memory for it.
  const Tensor& dense() const;

 private:
  EncodedTensor(Encoding encoding, TensorType type, std::vector<int64_t> parameters,
                std::shared_ptr<Buffer> bytes)
      : encoding_(encoding),
        type_(std::move(type)),
        parameters_(std::move(parameters)),
        buffer_(std::move(bytes)) {}

  Encoding encoding_;
  TensorType type_;
  std::vector<int64_t> parameters_;
  std::shared_ptr<Buffer> buffer_;
  mutable std::mutex mutex_;  // guards dense_ until it has data
  mutable Tensor dense_;
};

/// The encoded form of a dense tensor; it decodes to the same bits. Fails with kInvalidArgument
/// where the parameters make no sense for the tensor, or its content does not fit: it says which
/// group has too many elements that are not zero, or which codebook too many distinct ones.
/// A palette of 0 entries gets as many as it needs. grouped_i4 takes no parameters and an i4 tensor
/// whose quantization has groups, and gives the f32 tensor that `dequantize` makes of it.
Result<EncodedTensor::Ptr> Encode(Encoding encoding, const Tensor& dense,
                                  std::span<const int64_t> parameters);

/// Bytes that an encoding takes for a tensor of this type. `kept` is the number of elements
/// (bitmap) or blocks (block) that are not all zero; other encodings do not ask for it. The
/// parameters must be such as Encode takes (with the number of entries for a palette).
int64_t EncodedSizeBytes(Encoding encoding, const TensorType& type,
                         std::span<const int64_t> parameters, int64_t kept = 0);

/// The encoding of the fewest bytes that holds this tensor exactly, of those that each row suggests
/// for it: bitmap; 1:4 and 2:4; blocks of 4, 8 and 16 along the last axis, and whole slices of the
/// first; a palette for the tensor, and one for each slice of the first axis. Of two of the same
/// size it is the later row, which is the more regular one. Dense where nothing is smaller. Takes
/// the time of encoding the tensor ten times.
Result<EncodedTensor::Ptr> SmallestEncoding(const Tensor& dense);

/// How many different elements a dense tensor has, by their bits. Sorts them.
int64_t CountDistinct(const Tensor& dense);

}  // namespace tersor
