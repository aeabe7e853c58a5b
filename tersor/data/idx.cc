#include "tersor/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "tersor/base/file.h"

namespace tersor::data {
namespace {

constexpr int64_t kMaxDeflateRatio = 1032;
constexpr uint8_t kUnsignedByte = 0x08;
constexpr int kMaxRank = 4;

/// Unpacked bytes of a plain or gzip file, in order.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {
    gzip_ = bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
    if (gzip_) ready_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK;
  }
  ~ByteReader() {
    if (gzip_ && ready_) inflateEnd(&stream_);
  }
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  /// The most bytes that can come.
  int64_t bound() const {
    const auto size = static_cast<int64_t>(bytes_.size());
    return gzip_ ? size * kMaxDeflateRatio : size;
  }

  /// Fills `out` as far as there are bytes; gives how many that was.
  Result<size_t> Read(std::span<uint8_t> out) {
    if (!gzip_) {
      const size_t count = std::min(out.size(), bytes_.size() - at_);
      if (count > 0) std::memcpy(out.data(), bytes_.data() + at_, count);
      at_ += count;
      return count;
    }
    if (!ready_) return ResourceExhausted("no memory to inflate");
    size_t done = 0;
    while (done < out.size() && !ended_) {
      if (stream_.avail_in == 0) {
        const size_t count = std::min<size_t>(bytes_.size() - at_, 1 << 30);
        if (count == 0) return DataLoss("gzip data is cut after ", bytes_.size(), " bytes");
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes_.data() + at_));
        stream_.avail_in = static_cast<uInt>(count);
        at_ += count;
      }
      const size_t room = std::min<size_t>(out.size() - done, 1 << 30);
      stream_.next_out = out.data() + done;
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (code == Z_STREAM_END) {
        ended_ = true;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return DataLoss("gzip data is damaged near byte ", at_ - stream_.avail_in, ": ",
                        stream_.msg != nullptr ? stream_.msg : zError(code));
      }
    }
    return done;
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  bool gzip_ = false, ready_ = false, ended_ = false;
  z_stream stream_{};
};

Result<Tensor> Parse(std::span<const std::byte> bytes, int64_t max_bytes) {
  ByteReader reader(bytes);
  std::array<uint8_t, 4 + 4 * kMaxRank> header;
  const auto read_exactly = [&](std::span<uint8_t> out, std::string_view what) -> Status {
    TERSOR_ASSIGN_OR_RETURN(const size_t count, reader.Read(out));
    if (count == out.size()) return OkStatus();
    return DataLoss(what, " needs ", out.size(), " bytes, found ", count);
  };
  TERSOR_RETURN_IF_ERROR(read_exactly({header.data(), 4}, "IDX magic"));
  const int rank = header[3];
  if (header[0] != 0 || header[1] != 0 || rank < 1 || rank > kMaxRank) {
    return DataLoss("not an IDX file: starts with ", int{header[0]}, ", ", int{header[1]}, ", ",
                    int{header[2]}, ", ", rank, ", expected 0, 0, 8 and a rank of 1 to ", kMaxRank);
  }
  if (header[2] != kUnsignedByte) {
    return Unsupported("IDX element type ", int{header[2]}, ", expected 8 (unsigned byte)");
  }
  TERSOR_RETURN_IF_ERROR(
      read_exactly({header.data() + 4, static_cast<size_t>(4 * rank)}, "IDX header"));
  std::vector<int64_t> dims;
  for (int axis = 0; axis < rank; ++axis) {
    const uint8_t* extent = header.data() + 4 + 4 * axis;
    dims.push_back(int64_t{extent[0]} << 24 | extent[1] << 16 | extent[2] << 8 | extent[3]);
  }
  TensorType type{DType::kU8, Shape(std::move(dims)), {}};
  const int64_t size = type.size_bytes();
  if (size > max_bytes) {
    return ResourceExhausted("header claims ", type.ToString(), ", ", size, " bytes, the limit is ",
                             max_bytes);
  }
  if (size > reader.bound()) {
    return DataLoss("header claims ", type.ToString(), ", ", size, " bytes, the file of ",
                    bytes.size(), " bytes can hold at most ", reader.bound());
  }
  TERSOR_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(std::move(type)));
  TERSOR_RETURN_IF_ERROR(read_exactly(tensor.mutable_values<uint8_t>(),
                                      StrCat("IDX data ", tensor.type().ToString())));
  uint8_t beyond;
  TERSOR_ASSIGN_OR_RETURN(const size_t extra, reader.Read({&beyond, 1}));
  if (extra != 0) return DataLoss("more data than the header's ", tensor.type().ToString());
  return tensor;
}

}  // namespace

Result<Tensor> ParseIdx(std::span<const std::byte> bytes, std::string_view where,
                        int64_t max_bytes) {
  Result<Tensor> tensor = Parse(bytes, max_bytes);
  if (!tensor.ok()) return tensor.status().WithContext(where);
  return tensor;
}

Result<Tensor> ReadIdx(const std::string& path, int64_t max_bytes) {
  TERSOR_ASSIGN_OR_RETURN(const auto file, MapFile(path));
  return ParseIdx({static_cast<const std::byte*>(std::as_const(*file).data()), file->size_bytes()},
                  path, max_bytes);
}

}  // namespace tersor::data
