// NumPy's .npy and .npz files, to and from tensors.
//
// Format: NumPy Enhancement Proposal 1, versions 1 to 3.
// Element types f32 f16 i8 u8 i16 i32 i64 bool, little endian, C order. An .npz is a ZIP of .npy
// entries, read stored or deflated, written stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/named_tensor.h"

namespace tersor::data {

inline constexpr int64_t kDefaultMaxArrayBytes = int64_t{4} << 30;

/// Parses the bytes of one .npy file. `where` begins each message. Memory is allocated only after
/// the size that the header states was found to be exactly that of the bytes behind it.
Result<Tensor> ParseNpy(std::span<const std::byte> bytes, std::string_view where);
Result<Tensor> ReadNpy(const std::string& path);

/// The arrays by their entries' names, without ".npy". `max_bytes` bounds all arrays together; an
/// entry that declares more is refused unread. `wanted` (when given) chooses the entries to read by
/// name.
using WantedArray = std::function<bool(std::string_view name)>;
Result<std::vector<NamedTensor>> ReadNpz(const std::string& path,
                                         int64_t max_bytes = kDefaultMaxArrayBytes,
                                         const WantedArray& wanted = {});
Result<std::vector<NamedTensor>> ParseNpz(std::span<const std::byte> bytes, std::string_view where,
                                          int64_t max_bytes = kDefaultMaxArrayBytes,
                                          const WantedArray& wanted = {});
/// The names of the arrays in an .npz file, in its order.
Result<std::vector<std::string>> ListNpz(const std::string& path);

/// The bytes of an .npy file, version 1.0, data on a 64-byte border. Unsupported: bf16, i4.
Result<std::string> SerializeNpy(ConstTensorView tensor);
/// Both write atomically: a reader sees the old file or all of the new one.
Status WriteNpy(const std::string& path, ConstTensorView tensor);
Status WriteNpz(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace tersor::data
