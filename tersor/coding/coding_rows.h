// What the file of each row of codings.inc has to bring: Encode and Decode of coding.h. For this
// folder alone.
#pragma once

#include "tersor/coding/coding.h"

namespace tersor::coding {

#define CODING(enumerator, name, number, doc)                                            \
  namespace name {                                                                       \
  std::optional<std::string> Encode(std::span<const std::byte> bytes, size_t fewer_than, \
                                    int effort);                                         \
  Status Decode(std::span<const std::byte> coded, std::span<std::byte> target);          \
  }
#include "tersor/coding/codings.inc"
#undef CODING

}  // namespace tersor::coding
