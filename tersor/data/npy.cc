#include "tersor/data/npy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/data/archive.h"

namespace tersor::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int kMaxRank = 32;

struct Descr {
  DType dtype;
  std::string_view text;
};
constexpr std::array<Descr, 8> kDescrs = {{
    {DType::kF32, "<f4"},
    {DType::kF16, "<f2"},
    {DType::kI8, "|i1"},
    {DType::kU8, "|u1"},
    {DType::kI16, "<i2"},
    {DType::kI32, "<i4"},
    {DType::kI64, "<i8"},
    {DType::kBool, "|b1"},
}};

std::optional<DType> ParseDescr(std::string_view text) {
  for (const Descr& descr : kDescrs) {
    const bool one_byte = descr.text[0] == '|';
    const bool order_fits = !text.empty() && (text[0] == descr.text[0] || text[0] == '=' ||
                                              (one_byte && (text[0] == '<' || text[0] == '>')));
    if (order_fits && text.substr(1) == descr.text.substr(1)) return descr.dtype;
  }
  return std::nullopt;
}

/// Reads the Python literal of a header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Status Parse() {
    if (!Take('{')) return Bad("'{'");
    while (!Take('}')) {
      std::string key;
      if (!TakeString(key)) return Bad("a key in quotes");
      if (!Take(':')) return Bad("':'");
      if (key == "descr" && descr.empty()) {
        if (!TakeString(descr)) return Bad("an element type in quotes");
      } else if (key == "fortran_order" && !has_order_) {
        has_order_ = true;
        if (TakeWord("True")) {
          fortran_order = true;
        } else if (!TakeWord("False")) {
          return Bad("True or False");
        }
      } else if (key == "shape" && !has_shape_) {
        has_shape_ = true;
        TERSOR_RETURN_IF_ERROR(ParseShape());
      } else {
        return Bad("descr, fortran_order and shape, once each");
      }
      if (Take(',')) continue;
      if (Take('}')) break;
      return Bad("',' or '}'");
    }
    SkipSpace();
    if (at_ != text_.size() || descr.empty() || !has_order_ || !has_shape_) {
      return Bad("descr, fortran_order and shape, once each");
    }
    return OkStatus();
  }

  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> dims;

 private:
  Status Bad(std::string_view expected) const {
    return DataLoss("header, at character ", at_, ": expected ", expected);
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool TakeString(std::string& out) {
    SkipSpace();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  Status ParseShape() {
    if (!Take('(')) return Bad("'('");
    while (!Take(')')) {
      SkipSpace();
      int64_t extent = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) return Bad("an extent of 0 to 2^63 - 1");
      at_ += static_cast<size_t>(end - begin);
      if (dims.size() == kMaxRank) return Bad(StrCat("at most ", kMaxRank, " extents"));
      dims.push_back(extent);
      if (Take(',')) continue;
      if (Take(')')) break;
      return Bad("',' or ')'");
    }
    return OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  bool has_order_ = false, has_shape_ = false;
};

Result<Tensor> Parse(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kMagic.size()) != kMagic) return DataLoss("not an .npy file");
  if (text.size() < 10) return DataLoss("cut in its header, has ", text.size(), " bytes");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) {
    return Unsupported(".npy version ", version, ", expected 1, 2 or 3");
  }
  const size_t prefix = version == 1 ? 10 : 12;
  if (text.size() < prefix) return DataLoss("cut in its header, has ", text.size(), " bytes");
  size_t header_size = 0;
  for (size_t i = prefix; i-- > 8;) {
    header_size = header_size << 8 | static_cast<unsigned char>(text[i]);
  }
  if (header_size > text.size() - prefix) {
    return DataLoss("header claims ", header_size, " bytes, found ", text.size() - prefix);
  }
  HeaderParser header(text.substr(prefix, header_size));
  TERSOR_RETURN_IF_ERROR(header.Parse());
  const std::optional<DType> dtype = ParseDescr(header.descr);
  if (!dtype) {
    return Unsupported("element type '", header.descr,
                       "', expected little endian f4, f2, i1, u1, i2, i4, i8 or b1");
  }
  if (header.fortran_order && header.dims.size() > 1) {
    return Unsupported("array in Fortran order, expected C order");
  }
  const auto found = static_cast<int64_t>(text.size() - prefix - header_size);
  TensorType type{*dtype, Shape(std::move(header.dims)), {}};
  if (type.size_bytes() != found) {
    return DataLoss("array ", type.ToString(), " needs ", type.size_bytes(), " bytes, found ",
                    found);
  }
  return Tensor::FromBytes(std::move(type), bytes.subspan(prefix + header_size));
}

Result<std::vector<NamedTensor>> ReadAll(ArchiveReader& reader, std::string_view where,
                                         int64_t max_bytes, const WantedArray& wanted) {
  std::vector<NamedTensor> tensors;
  int64_t left = max_bytes;
  for (;;) {
    TERSOR_ASSIGN_OR_RETURN(const auto entry, reader.Next());
    if (!entry) return tensors;
    std::string name = entry->name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    if (wanted && !wanted(name)) continue;
    TERSOR_ASSIGN_OR_RETURN(const std::string bytes, reader.Read(left));
    left -= static_cast<int64_t>(bytes.size());
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor,
                            ParseNpy(std::as_bytes(std::span(bytes.data(), bytes.size())),
                                     StrCat(where, ": ", entry->name)));
    tensors.push_back({std::move(name), std::move(tensor)});
  }
}

}  // namespace

Result<Tensor> ParseNpy(std::span<const std::byte> bytes, std::string_view where) {
  Result<Tensor> tensor = Parse(bytes);
  if (!tensor.ok()) return tensor.status().WithContext(where);
  return tensor;
}

Result<Tensor> ReadNpy(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const auto file, MapFile(path));
  return ParseNpy({static_cast<const std::byte*>(std::as_const(*file).data()), file->size_bytes()},
                  path);
}

Result<std::vector<NamedTensor>> ReadNpz(const std::string& path, int64_t max_bytes,
                                         const WantedArray& wanted) {
  TERSOR_ASSIGN_OR_RETURN(auto reader,
                          ArchiveReader::OpenFile(path, ArchiveReader::Kind::kZip, max_bytes));
  return ReadAll(reader, path, max_bytes, wanted);
}

Result<std::vector<NamedTensor>> ParseNpz(std::span<const std::byte> bytes, std::string_view where,
                                          int64_t max_bytes, const WantedArray& wanted) {
  TERSOR_ASSIGN_OR_RETURN(
      auto reader, ArchiveReader::OpenMemory(bytes, where, ArchiveReader::Kind::kZip, max_bytes));
  return ReadAll(reader, where, max_bytes, wanted);
}

Result<std::vector<std::string>> ListNpz(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(auto reader,
                          ArchiveReader::OpenFile(path, ArchiveReader::Kind::kZip, INT64_MAX));
  std::vector<std::string> names;
  for (;;) {
    TERSOR_ASSIGN_OR_RETURN(auto entry, reader.Next());
    if (!entry) return names;
    if (entry->name.ends_with(".npy")) entry->name.resize(entry->name.size() - 4);
    names.push_back(std::move(entry->name));
  }
}

Result<std::string> SerializeNpy(ConstTensorView tensor) {
  const auto descr = std::find_if(kDescrs.begin(), kDescrs.end(), [&](const Descr& candidate) {
    return candidate.dtype == tensor.dtype();
  });
  if (descr == kDescrs.end()) {
    return Unsupported(".npy has no element type ", DTypeName(tensor.dtype()));
  }
  std::string header = StrCat("{'descr': '", descr->text, "', 'fortran_order': False, 'shape': (");
  for (int axis = 0; axis < tensor.shape().rank(); ++axis) {
    header += StrCat(axis > 0 ? " " : "", tensor.shape()[axis], ",");
  }
  if (tensor.shape().rank() > 1) header.pop_back();
  header += "), }";
  constexpr size_t kPrefix = 10, kBorder = 64;
  const size_t size = (kPrefix + header.size() + 1 + kBorder - 1) / kBorder * kBorder - kPrefix;
  header.resize(size - 1, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(size & 0xff), static_cast<char>(size >> 8)};
  bytes += header;
  bytes.append(static_cast<const char*>(tensor.data),
               static_cast<size_t>(tensor.type->size_bytes()));
  return bytes;
}

Status WriteNpy(const std::string& path, ConstTensorView tensor) {
  Result<std::string> bytes = SerializeNpy(tensor);
  if (!bytes.ok()) return bytes.status().WithContext(path);
  return WriteFileAtomically(path, std::string_view(*bytes));
}

Status WriteNpz(const std::string& path, std::span<const NamedTensor> tensors) {
  std::vector<ZipEntry> entries;
  for (const NamedTensor& named : tensors) {
    Result<std::string> bytes = SerializeNpy(named.tensor.view());
    if (!bytes.ok()) return bytes.status().WithContext(StrCat(path, ": ", named.name));
    entries.push_back({named.name + ".npy", *std::move(bytes)});
  }
  Result<std::string> bytes = SerializeZip(entries);
  if (!bytes.ok()) return bytes.status().WithContext(path);
  return WriteFileAtomically(path, std::string_view(*bytes));
}

}  // namespace tersor::data
