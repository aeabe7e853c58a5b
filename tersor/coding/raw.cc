#include <algorithm>

#include "tersor/coding/coding_rows.h"

namespace tersor::coding::raw {

std::optional<std::string> Encode(std::span<const std::byte> bytes, size_t fewer_than, int) {
  if (bytes.size() >= fewer_than) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Status Decode(std::span<const std::byte> coded, std::span<std::byte> target) {
  if (coded.size() != target.size()) {
    return DataLoss(coded.size(), " bytes that are not coded, expected ", target.size());
  }
  std::copy(coded.begin(), coded.end(), target.begin());
  return OkStatus();
}

}  // namespace tersor::coding::raw
