#include "tersor/formats/native/container.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tersor/base/wire.h"
#include "tersor/coding/coding.h"

namespace tersor::formats::native {
namespace {

std::span<const std::byte> BytesOf(const Buffer& buffer) {
  return {static_cast<const std::byte*>(buffer.data()), buffer.size_bytes()};
}

}  // namespace

uint32_t Checksum(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

bool Recognize(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof(kMagic) && std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) == 0;
}

Container::Container(std::shared_ptr<Buffer> file)
    : file_(std::move(file)),
      bytes_(BytesOf(*file_)),
      budget_(MaxDecodedBytes(static_cast<int64_t>(bytes_.size()))) {}

Result<Container> Container::Open(std::shared_ptr<Buffer> file) {
  Container container(std::move(file));
  TERSOR_RETURN_IF_ERROR(container.ReadHeader());
  return container;
}

std::span<const std::byte> Container::structure() const { return BytesOf(*structure_); }

Status Container::ReadHeader() {
  if (!Recognize(bytes_)) return DataLoss("not a .tersor file: it does not begin with TERSOR");
  if (bytes_.size() < kHeaderBytes) {
    return DataLoss("the file has ", bytes_.size(), " bytes, its header takes ", kHeaderBytes);
  }
  WireReader in(bytes_.subspan(sizeof(kMagic)));
  const auto version = in.Fixed(2);
  if (version != kVersion) return Unsupported("version ", version, ", this build reads 1");
  const uint64_t size = in.Fixed(8);
  if (size != bytes_.size()) {
    return DataLoss("the file has ", bytes_.size(), " bytes, its header says ", size);
  }
  const uint64_t stated = in.Fixed(4);
  const uint32_t found = Checksum(bytes_.subspan(kChecksummedFrom));
  if (stated != found) {
    return DataLoss("its checksum is ", found, ", its header says ", stated, ": it is damaged");
  }
  const size_t structure_stored = in.Fixed(4), structure_bytes = in.Fixed(4);
  const size_t pool_stored = in.Fixed(4), pool_bytes = in.Fixed(4);
  if (in.Fixed(4) != 0) return Unsupported("header flags that this build does not know");
  const size_t room = bytes_.size() - kHeaderBytes;
  if (structure_stored > room || pool_stored > room - structure_stored) {
    return DataLoss("structure and small weights end after the file");
  }
  TERSOR_ASSIGN_OR_RETURN(structure_,
                          Decode(bytes_.subspan(kHeaderBytes, structure_stored), structure_bytes));
  TERSOR_ASSIGN_OR_RETURN(
      pool_, Decode(bytes_.subspan(kHeaderBytes + structure_stored, pool_stored), pool_bytes));
  const size_t end = kHeaderBytes + structure_stored + pool_stored;
  weights_start_ = std::min((end + kAlignment - 1) / kAlignment * kAlignment, bytes_.size());
  return OkStatus();
}

Status Container::Spend(int64_t bytes) {
  if (bytes < 0 || bytes > budget_) {
    return DataLoss("its parts need more than ",
                    MaxDecodedBytes(static_cast<int64_t>(bytes_.size())),
                    " bytes, the most for a file of ", bytes_.size());
  }
  budget_ -= bytes;
  return OkStatus();
}

// A part of which the stored and the decoded size are known: coded where they differ.
Result<std::shared_ptr<Buffer>> Container::Decode(std::span<const std::byte> stored, size_t size) {
  if (stored.size() == size) return Buffer::Wrap(stored.data(), size, file_);
  TERSOR_RETURN_IF_ERROR(Spend(static_cast<int64_t>(std::min<uint64_t>(size, INT64_MAX))));
  TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(size));
  TERSOR_RETURN_IF_ERROR(coding::Decode(coding::Coding::kZstd, stored,
                                        {static_cast<std::byte*>(buffer->data()), size}));
  return buffer;
}

// The bytes as they lie in the file.
Result<std::span<const std::byte>> Container::Find(const StoredBytes& stored) const {
  if (stored.placement == Placement::kPool) {
    const std::span<const std::byte> pool = BytesOf(*pool_);
    if (stored.offset > pool.size() || stored.size > pool.size() - stored.offset) {
      return DataLoss("it takes ", stored.size, " bytes, the pool of small weights has ",
                      pool.size() - std::min<uint64_t>(stored.offset, pool.size()), " left");
    }
    return pool.subspan(stored.offset, stored.size);
  }
  const std::span<const std::byte> area = bytes_.subspan(weights_start_);
  if (stored.offset > area.size() || stored.stored_size > area.size() - stored.offset) {
    return DataLoss("its ", stored.stored_size, " bytes at ", stored.offset,
                    " of the weights end after the file");
  }
  return area.subspan(stored.offset, stored.stored_size);
}

Result<std::shared_ptr<Buffer>> Container::Read(const StoredBytes& stored) {
  TERSOR_ASSIGN_OR_RETURN(std::span<const std::byte> bytes, Find(stored));
  std::shared_ptr<Buffer> decoded;
  if (stored.placement == Placement::kCoded) {
    TERSOR_RETURN_IF_ERROR(Spend(static_cast<int64_t>(std::min<uint64_t>(stored.size, INT64_MAX))));
    TERSOR_ASSIGN_OR_RETURN(decoded, Buffer::Allocate(stored.size));
    TERSOR_RETURN_IF_ERROR(
        coding::Decode(coding::Coding::kZstd, bytes,
                       {static_cast<std::byte*>(decoded->data()), decoded->size_bytes()}));
    if (stored.flags == 0) return decoded;
    bytes = BytesOf(*decoded);
  } else if (stored.placement == Placement::kInPlace && stored.flags == 0 && UsableInPlace(bytes)) {
    return Buffer::Wrap(bytes.data(), bytes.size(), file_);
  }
  TERSOR_RETURN_IF_ERROR(Spend(static_cast<int64_t>(stored.size)));
  TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(stored.size));
  auto* target = static_cast<std::byte*>(buffer->data());
  if (stored.flags == kPlanes) {
    coding::FromPlanes(bytes, stored.element_bytes, target);
  } else if (!bytes.empty()) {
    std::memcpy(target, bytes.data(), bytes.size());
  }
  return buffer;
}

// Buffers lie on a border of 64 bytes and are followed by 64 that may be read.
bool Container::UsableInPlace(std::span<const std::byte> stored) const {
  return reinterpret_cast<uintptr_t>(stored.data()) % kAlignment == 0 &&
         static_cast<size_t>(bytes_.data() + bytes_.size() - (stored.data() + stored.size())) >=
             kAlignment;
}

}  // namespace tersor::formats::native
