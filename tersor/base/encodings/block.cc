// Bytes: the blocks that are kept, in row-major order of the blocks, each with its elements in
// row-major order; then a bitmap, one bit a block. A block's extents divide those of the tensor.
#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::block {
namespace {

Status CheckParameters(const TensorType& type, Parameters given) {
  if (given.size() != type.shape.dims().size()) {
    return InvalidArgument(given.size(), " extents of a block, expected ", type.shape.rank());
  }
  for (size_t axis = 0; axis < given.size(); ++axis) {
    if (given[axis] < 1 || type.shape.dims()[axis] % given[axis] != 0) {
      return InvalidArgument("a block has extent ", given[axis], " along axis ", axis, " of ",
                             type.ToString(), ", expected one that divides it");
    }
  }
  return OkStatus();
}

int64_t BlockElements(Parameters given) {
  int64_t count = 1;
  for (int64_t extent : given) count *= extent;
  return count;
}

int64_t NumBlocks(const TensorType& type, Parameters given) {
  return type.shape.num_elements() / BlockElements(given);
}

// Walks over the elements in order: body(element, its block, its place in the block).
template <typename Body>
void ForEach(const TensorType& type, Parameters given, const Body& body) {
  const int64_t row = LastExtent(type.shape), run = given.empty() ? 1 : given.back();
  for (int64_t first = 0; first < type.shape.num_elements(); first += row) {
    int64_t rest = first / row, block = 0, inside = 0, blocks = row / run, elements = run;
    for (int axis = type.shape.rank() - 2; axis >= 0; --axis) {
      const int64_t extent = given[static_cast<size_t>(axis)];
      const int64_t index = rest % type.shape[axis];
      rest /= type.shape[axis];
      block += index / extent * blocks;
      inside += index % extent * elements;
      blocks *= type.shape[axis] / extent;
      elements *= extent;
    }
    for (int64_t i = 0; i < row; ++i) body(first + i, block + i / run, inside + i % run);
  }
}

// Of each block: the place of its first element among the values, -1 where it is not kept.
std::vector<int64_t> Places(const uint8_t* bitmap, int64_t blocks, int64_t block_elements) {
  std::vector<int64_t> places(static_cast<size_t>(blocks), -1);
  int64_t next = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    if (LoadBits(bitmap, block, 1) == 0) continue;
    places[static_cast<size_t>(block)] = next;
    next += block_elements;
  }
  return places;
}

}  // namespace

int64_t SizeBytes(const TensorType& type, Parameters given, int64_t kept) {
  return PackedBytes(kept * BlockElements(given), DTypeBits(type.dtype)) +
         PackedBytes(NumBlocks(type, given), 1);
}

Status Validate(const EncodedTensor& encoded) {
  const Parameters given = encoded.parameters();
  TERSOR_RETURN_IF_ERROR(CheckParameters(encoded.type(), given));
  const int64_t blocks = NumBlocks(encoded.type(), given);
  const int64_t bitmap_at = encoded.size_bytes() - PackedBytes(blocks, 1);
  if (bitmap_at < 0) return ExpectSize(encoded, PackedBytes(blocks, 1));
  TERSOR_ASSIGN_OR_RETURN(const int64_t kept, CountKept(encoded.bytes() + bitmap_at, blocks));
  return ExpectSize(encoded, SizeBytes(encoded.type(), given, kept));
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  const TensorType& type = encoded.type();
  const Parameters given = encoded.parameters();
  const int64_t blocks = NumBlocks(type, given);
  const auto places = Places(encoded.bytes() + encoded.size_bytes() - PackedBytes(blocks, 1),
                             blocks, BlockElements(given));
  const Elements values(type, false, encoded.bytes());
  Elements out(type, true, dense.data);
  ForEach(type, given, [&](int64_t element, int64_t block, int64_t inside) {
    const int64_t place = places[static_cast<size_t>(block)];
    if (place >= 0) out.Set(element, values.Get(place + inside));
  });
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  const TensorType& type = dense.type();
  TERSOR_RETURN_IF_ERROR(CheckParameters(type, given));
  const int64_t blocks = NumBlocks(type, given);
  const Elements in(type, true, dense.view().data);
  std::vector<bool> is_kept(static_cast<size_t>(blocks));
  ForEach(type, given, [&](int64_t element, int64_t block, int64_t) {
    if (in.Get(element) != 0) is_kept[static_cast<size_t>(block)] = true;
  });
  int64_t kept = 0;
  for (const bool keep : is_kept) kept += keep ? 1 : 0;
  const int64_t size = SizeBytes(type, given, kept);
  TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(static_cast<size_t>(size)));
  auto* bytes = static_cast<uint8_t*>(buffer->data());
  uint8_t* bitmap = bytes + size - PackedBytes(blocks, 1);
  for (int64_t block = 0; block < blocks; ++block) {
    if (is_kept[static_cast<size_t>(block)]) StoreBits(bitmap, block, 1, 1);
  }
  const auto places = Places(bitmap, blocks, BlockElements(given));
  Elements values(type, false, bytes);
  ForEach(type, given, [&](int64_t element, int64_t block, int64_t inside) {
    const int64_t place = places[static_cast<size_t>(block)];
    if (place >= 0) values.Set(place + inside, in.Get(element));
  });
  return EncodedTensor::Create(Encoding::kBlock, type, {given.begin(), given.end()},
                               std::move(buffer));
}

// Runs of 4, 8 and 16 along the last axis, and whole slices of the first axis (output channels).
std::vector<std::vector<int64_t>> Suggest(const TensorType& type) {
  std::vector<std::vector<int64_t>> suggested;
  if (type.shape.rank() == 0) return suggested;
  for (int64_t run : {4, 8, 16}) {
    std::vector<int64_t>& extents = suggested.emplace_back(type.shape.dims().size(), 1);
    extents.back() = run;
  }
  std::vector<int64_t>& slice = suggested.emplace_back(type.shape.dims());
  slice[0] = 1;
  return suggested;
}

}  // namespace tersor::encodings::block
