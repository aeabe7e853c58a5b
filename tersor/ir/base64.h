// Base64 (RFC 4648, with padding).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tersor::ir {

std::string EncodeBase64(std::span<const std::byte> bytes);
/// Nothing when `text` is not exactly what EncodeBase64 makes of some bytes.
std::optional<std::vector<std::byte>> DecodeBase64(std::string_view text);

}  // namespace tersor::ir
