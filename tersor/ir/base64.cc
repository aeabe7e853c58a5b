#include "tersor/ir/base64.h"

#include <array>
#include <cstdint>

namespace tersor::ir {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 255;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::string EncodeBase64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
    uint32_t block = 0;
    for (size_t i = 0; i < 3; ++i) {
      block = block << 8 | (i < count ? std::to_integer<uint32_t>(bytes[at + i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
      text += i <= count ? kDigits[block >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::vector<std::byte>> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t at = 0; at < text.size(); at += 4) {
    size_t digits = 4;
    if (at + 4 == text.size()) {
      while (digits > 2 && text[at + digits - 1] == '=') --digits;
    }
    uint32_t block = 0;
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t value = i < digits ? kValues[static_cast<uint8_t>(text[at + i])] : 0;
      if (value == kNoDigit) return std::nullopt;
      block = block << 6 | value;
    }
    const size_t count = digits - 1;
    if ((block & ((uint32_t{1} << (24 - 8 * count)) - 1)) != 0) return std::nullopt;
    for (size_t i = 0; i < count; ++i) {
      bytes.push_back(static_cast<std::byte>(block >> (16 - 8 * i) & 255));
    }
  }
  return bytes;
}

}  // namespace tersor::ir
