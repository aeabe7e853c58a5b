#include "tersor/coding/coding.h"

#include <algorithm>

#include "tersor/base/documentation.h"
#include "tersor/coding/coding_rows.h"

namespace tersor::coding {
namespace {

constexpr CodingInfo kCodings[] = {
#define CODING(enumerator, name, number, doc) {Coding::enumerator, #name, TERSOR_DOC(doc)},
#include "tersor/coding/codings.inc"
#undef CODING
};

}  // namespace

std::span<const CodingInfo> AllCodings() { return kCodings; }

std::optional<std::string> Encode(Coding coding, std::span<const std::byte> bytes,
                                  size_t fewer_than, int effort) {
  switch (coding) {
#define CODING(enumerator, name, number, doc) \
  case Coding::enumerator:                    \
    return name::Encode(bytes, fewer_than, effort);
#include "tersor/coding/codings.inc"
#undef CODING
  }
  return std::nullopt;
}

Status Decode(Coding coding, std::span<const std::byte> coded, std::span<std::byte> target) {
  switch (coding) {
#define CODING(enumerator, name, number, doc) \
  case Coding::enumerator:                    \
    return name::Decode(coded, target);
#include "tersor/coding/codings.inc"
#undef CODING
  }
  return DataLoss("a coding that this build does not know");
}

void ToPlanes(std::span<const std::byte> source, size_t element_bytes, std::byte* target) {
  const size_t count = source.size() / element_bytes;
  for (size_t i = 0; i < count; ++i) {
    for (size_t plane = 0; plane < element_bytes; ++plane) {
      target[plane * count + i] = source[i * element_bytes + plane];
    }
  }
  const size_t whole = count * element_bytes;
  std::copy(source.begin() + static_cast<ptrdiff_t>(whole), source.end(), target + whole);
}

void FromPlanes(std::span<const std::byte> source, size_t element_bytes, std::byte* target) {
  const size_t count = source.size() / element_bytes;
  for (size_t i = 0; i < count; ++i) {
    for (size_t plane = 0; plane < element_bytes; ++plane) {
      target[i * element_bytes + plane] = source[plane * count + i];
    }
  }
  const size_t whole = count * element_bytes;
  std::copy(source.begin() + static_cast<ptrdiff_t>(whole), source.end(), target + whole);
}

std::optional<Coded> EncodeSmallest(std::span<const std::byte> bytes, size_t element_bytes,
                                    size_t fewer_than, int effort) {
  std::optional<Coded> smallest;
  const auto attempt = [&](std::span<const std::byte> source, bool planes) {
    for (const CodingInfo& info : kCodings) {
      if (info.coding == Coding::kRaw) continue;
      auto coded = Encode(info.coding, source, fewer_than, effort);
      if (!coded) continue;
      fewer_than = coded->size();
      smallest = Coded{info.coding, planes, *std::move(coded)};
    }
  };
  attempt(bytes, false);
  if (element_bytes > 1) {
    std::string planes(bytes.size(), '\0');
    ToPlanes(bytes, element_bytes, reinterpret_cast<std::byte*>(planes.data()));
    attempt(AsBytes(planes), true);
  }
  return smallest;
}

}  // namespace tersor::coding
