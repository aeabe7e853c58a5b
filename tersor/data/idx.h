// IDX files, the format of MNIST: two zero bytes, one byte each for the element type and the rank,
// the extents (32 bits each, big endian), then the elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor::data {

/// Parses an IDX file of unsigned bytes, plain or gzip, of rank 1 to 4. The elements must be
/// exactly as many as the header says; a header that claims more than `max_bytes`, or more than the
/// file can hold (gzip: 1032 bytes for each of its own), is refused before anything is allocated.
/// Other element types are unsupported.
Result<Tensor> ParseIdx(std::span<const std::byte> bytes, std::string_view where,
                        int64_t max_bytes);
Result<Tensor> ReadIdx(const std::string& path, int64_t max_bytes);

}  // namespace tersor::data
