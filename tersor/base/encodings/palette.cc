// Bytes: first the codebooks, each with `entries` elements; then an index for each element of the
// weight in row-major order. An index has as many bits as entries - 1 needs, and at least 1.
// (Weight sharing: Han et al. 2015, "Deep Compression", section 3.)
#include <algorithm>
#include <bit>
#include <set>

#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::palette {
namespace {

constexpr int64_t kMaxEntries = 256;

struct Layout {
  int64_t entries;
  int64_t books = 1;
  int64_t inner = 1, extent = 1, group = 1;  // book of element i: i / inner % extent / group
  int index_bits;

  Layout(const TensorType& type, Parameters given)
      : entries(given[0]),
        index_bits(std::max(1, static_cast<int>(std::bit_width(
                                   static_cast<uint64_t>(std::max<int64_t>(entries, 1) - 1))))) {
    const auto axis = static_cast<int>(given[1]);
    if (axis < 0) return;
    extent = type.shape[axis];
    group = given[2];
    books = (extent + group - 1) / group;
    for (int later = axis + 1; later < type.shape.rank(); ++later) inner *= type.shape[later];
  }
  int64_t BookOf(int64_t element) const { return element / inner % extent / group; }
  int64_t BookBytes(DType dtype) const { return PackedBytes(books * entries, DTypeBits(dtype)); }
};

Status CheckParameters(const TensorType& type, Parameters given, int64_t least_entries) {
  if (given.size() != 3)
    return InvalidArgument(given.size(), " parameters, expected entries, axis and group");
  if (given[0] < least_entries || given[0] > kMaxEntries) {
    return InvalidArgument("a codebook has ", given[0], " entries, expected ", least_entries,
                           " to ", kMaxEntries);
  }
  const bool one_book = given[1] == -1 && given[2] == 0;
  if (!one_book && (given[1] < 0 || given[1] >= type.shape.rank() || given[2] < 1 ||
                    given[2] > type.shape[static_cast<int>(given[1])])) {
    return InvalidArgument(
        "a codebook for ", given[2], " slices along axis ", given[1], " of ", type.ToString(),
        ", expected axis -1 and 0 slices, or an axis and 1 to all of its slices");
  }
  return OkStatus();
}

}  // namespace

int64_t SizeBytes(const TensorType& type, Parameters given, int64_t) {
  const Layout layout(type, given);
  return layout.BookBytes(type.dtype) + PackedBytes(type.shape.num_elements(), layout.index_bits);
}

Status Validate(const EncodedTensor& encoded) {
  const TensorType& type = encoded.type();
  TERSOR_RETURN_IF_ERROR(CheckParameters(type, encoded.parameters(), 1));
  TERSOR_RETURN_IF_ERROR(ExpectSize(encoded, SizeBytes(type, encoded.parameters(), 0)));
  const Layout layout(type, encoded.parameters());
  const uint8_t* indices = encoded.bytes() + layout.BookBytes(type.dtype);
  for (int64_t i = 0; i < type.shape.num_elements(); ++i) {
    const int64_t index = LoadBits(indices, i * layout.index_bits, layout.index_bits);
    if (index >= layout.entries) {
      return DataLoss("index ", index, " of element ", i, " is beyond the ", layout.entries,
                      " entries of its codebook");
    }
  }
  return OkStatus();
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  const TensorType& type = encoded.type();
  const Layout layout(type, encoded.parameters());
  const Elements books(type, false, encoded.bytes());
  const uint8_t* indices = encoded.bytes() + layout.BookBytes(type.dtype);
  Elements out(type, true, dense.data);
  for (int64_t i = 0; i < type.shape.num_elements(); ++i) {
    out.Set(i, books.Get(layout.BookOf(i) * layout.entries +
                         LoadBits(indices, i * layout.index_bits, layout.index_bits)));
  }
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  const TensorType& type = dense.type();
  TERSOR_RETURN_IF_ERROR(CheckParameters(type, given, 0));
  const int64_t count = type.shape.num_elements();
  const int64_t most = given[0] == 0 ? kMaxEntries : given[0];
  const Elements in(type, true, dense.view().data);
  const Layout books_only(type, given);  // the number of entries may not be known yet
  std::vector<std::set<uint64_t>> distinct(static_cast<size_t>(books_only.books));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t book = books_only.BookOf(i);
    std::set<uint64_t>& entries = distinct[static_cast<size_t>(book)];
    if (entries.insert(in.Get(i)).second && static_cast<int64_t>(entries.size()) > most) {
      return InvalidArgument("codebook ", book, " of ", type.ToString(), " needs more than the ",
                             most, " entries that it has");
    }
  }
  std::vector<int64_t> parameters(given.begin(), given.end());
  if (parameters[0] == 0) {
    for (const auto& entries : distinct) {
      parameters[0] = std::max(parameters[0], static_cast<int64_t>(entries.size()));
    }
  }
  const Layout layout(type, parameters);
  TERSOR_ASSIGN_OR_RETURN(auto buffer,
                          Buffer::Allocate(static_cast<size_t>(SizeBytes(type, parameters, 0))));
  auto* bytes = static_cast<uint8_t*>(buffer->data());
  Elements books(type, false, bytes);
  std::vector<std::vector<uint64_t>> sorted;
  for (const auto& entries : distinct) {
    int64_t at = static_cast<int64_t>(sorted.size()) * layout.entries;
    for (uint64_t value : sorted.emplace_back(entries.begin(), entries.end())) {
      books.Set(at++, value);
    }
  }
  uint8_t* indices = bytes + layout.BookBytes(type.dtype);
  for (int64_t i = 0; i < count; ++i) {
    const auto& entries = sorted[static_cast<size_t>(layout.BookOf(i))];
    const auto index = std::lower_bound(entries.begin(), entries.end(), in.Get(i));
    StoreBits(indices, i * layout.index_bits, layout.index_bits,
              static_cast<uint32_t>(index - entries.begin()));
  }
  return EncodedTensor::Create(Encoding::kPalette, type, std::move(parameters), std::move(buffer));
}

std::vector<std::vector<int64_t>> Suggest(const TensorType& type) {
  if (type.shape.rank() < 2) return {{0, -1, 0}};
  return {{0, -1, 0}, {0, 0, 1}};
}

}  // namespace tersor::encodings::palette
