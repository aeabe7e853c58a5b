// Numbers and texts as bytes, for files and for tables inside a program: little-endian numbers,
// variable-length integers (LEB128), strings with their length before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"

namespace tersor {

class WireWriter {
 public:
  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Fixed(uint64_t value, int size);  ///< the `size` low bytes, little endian
  void Unsigned(uint64_t value);         ///< LEB128
  void Signed(int64_t value);            ///< zigzag, then LEB128
  void Float(float value);
  void Double(double value);
  void Text(std::string_view text);  ///< length, then bytes
  void Raw(std::string_view bytes) { bytes_.append(bytes); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what WireWriter writes. The first failure sticks: later reads give zeros, and status()
/// tells it.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint8_t Byte();
  uint64_t Fixed(int size);
  uint64_t Unsigned();
  int64_t Signed();
  float Float();
  double Double();
  std::string Text();
  std::span<const std::byte> Bytes();  ///< what Text() reads, where it lies
  /// A count of things that take at least `least_bytes` each: more than can follow is a failure.
  size_t Count(size_t least_bytes = 1);

  size_t left() const { return bytes_.size() - at_; }
  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  void Fail(Status status);

 private:
  std::span<const std::byte> Take(size_t size);

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  Status status_;
};

}  // namespace tersor
