#include "tersor/base/wire.h"

#include <bit>

namespace tersor {

void WireWriter::Fixed(uint64_t value, int size) {
  for (int i = 0; i < size; ++i) Byte(static_cast<uint8_t>(value >> (8 * i)));
}

void WireWriter::Unsigned(uint64_t value) {
  for (; value >= 0x80; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
  Byte(static_cast<uint8_t>(value));
}

void WireWriter::Signed(int64_t value) {
  Unsigned((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

void WireWriter::Float(float value) { Fixed(std::bit_cast<uint32_t>(value), 4); }
void WireWriter::Double(double value) { Fixed(std::bit_cast<uint64_t>(value), 8); }

void WireWriter::Text(std::string_view text) {
  Unsigned(text.size());
  bytes_.append(text);
}

void WireReader::Fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

std::span<const std::byte> WireReader::Take(size_t size) {
  if (!ok()) return {};
  if (size > left()) {
    Fail(DataLoss("the structure ends at byte ", bytes_.size(), ", a field at byte ", at_,
                  " takes ", size));
    return {};
  }
  at_ += size;
  return bytes_.subspan(at_ - size, size);
}

uint8_t WireReader::Byte() {
  const auto bytes = Take(1);
  return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
}

uint64_t WireReader::Fixed(int size) {
  uint64_t value = 0;
  int shift = 0;
  for (std::byte byte : Take(static_cast<size_t>(size))) {
    value |= static_cast<uint64_t>(byte) << shift;
    shift += 8;
  }
  return value;
}

uint64_t WireReader::Unsigned() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  Fail(DataLoss("an integer of more than 64 bits before byte ", at_, " of the structure"));
  return 0;
}

int64_t WireReader::Signed() {
  const uint64_t value = Unsigned();
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

float WireReader::Float() { return std::bit_cast<float>(static_cast<uint32_t>(Fixed(4))); }
double WireReader::Double() { return std::bit_cast<double>(Fixed(8)); }

std::span<const std::byte> WireReader::Bytes() { return Take(Count()); }

std::string WireReader::Text() {
  const auto bytes = Bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

size_t WireReader::Count(size_t least_bytes) {
  const uint64_t count = Unsigned();
  if (count > left() / least_bytes) {
    Fail(DataLoss("a count of ", count, " before byte ", at_, " of a structure of ", bytes_.size(),
                  " bytes"));
    return 0;
  }
  return count;
}

}  // namespace tersor
