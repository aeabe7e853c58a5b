// Bytes, with groups of m elements along the last axis in row-major order: n values of each group,
// then n positions of each group in bits enough for m - 1, increasing. A group with fewer than n
// elements that are not zero stores zeros as well. (2:4 is what sparse tensor cores read: Mishra et
// al. 2021, "Accelerating Sparse Deep Neural Networks".)
#include <bit>

#include "tersor/base/encodings/encoding.h"

namespace tersor::encodings::nm {
namespace {

struct Layout {
  int64_t n, m, groups;
  int position_bits;

  Layout(const TensorType& type, Parameters given)
      : n(given[0]),
        m(given[1]),
        groups(type.shape.num_elements() / m),
        position_bits(std::bit_width(static_cast<uint64_t>(m - 1))) {}
  int64_t ValueBytes(DType dtype) const { return PackedBytes(groups * n, DTypeBits(dtype)); }
};

Status CheckParameters(const TensorType& type, Parameters given) {
  if (given.size() != 2 || given[0] < 1 || given[1] <= given[0] || given[1] > 256) {
    return InvalidArgument("parameters are n and m, with 1 <= n < m <= 256");
  }
  if (LastExtent(type.shape) % given[1] != 0) {
    return InvalidArgument("the last extent of ", type.ToString(), " is no multiple of ", given[1]);
  }
  return OkStatus();
}

}  // namespace

int64_t SizeBytes(const TensorType& type, Parameters given, int64_t) {
  const Layout layout(type, given);
  return layout.ValueBytes(type.dtype) +
         PackedBytes(layout.groups * layout.n, layout.position_bits);
}

Status Validate(const EncodedTensor& encoded) {
  const Parameters given = encoded.parameters();
  TERSOR_RETURN_IF_ERROR(CheckParameters(encoded.type(), given));
  TERSOR_RETURN_IF_ERROR(ExpectSize(encoded, SizeBytes(encoded.type(), given, 0)));
  const Layout layout(encoded.type(), given);
  const uint8_t* positions = encoded.bytes() + layout.ValueBytes(encoded.type().dtype);
  for (int64_t group = 0, at = 0; group < layout.groups; ++group) {
    int64_t last = -1;
    for (int64_t k = 0; k < layout.n; ++k, ++at) {
      const int64_t position = LoadBits(positions, at * layout.position_bits, layout.position_bits);
      if (position <= last || position >= layout.m) {
        return DataLoss("group ", group, " has position ", position, " after ", last, " of ",
                        layout.m);
      }
      last = position;
    }
  }
  return OkStatus();
}

void Decode(const EncodedTensor& encoded, const TensorView& dense) {
  const Layout layout(encoded.type(), encoded.parameters());
  const Elements values(encoded.type(), false, encoded.bytes());
  const uint8_t* positions = encoded.bytes() + layout.ValueBytes(encoded.type().dtype);
  Elements out(encoded.type(), true, dense.data);
  for (int64_t at = 0; at < layout.groups * layout.n; ++at) {
    out.Set(at / layout.n * layout.m +
                LoadBits(positions, at * layout.position_bits, layout.position_bits),
            values.Get(at));
  }
}

Result<EncodedTensor::Ptr> Encode(const Tensor& dense, Parameters given) {
  const TensorType& type = dense.type();
  TERSOR_RETURN_IF_ERROR(CheckParameters(type, given));
  const Layout layout(type, given);
  const Elements in(type, true, dense.view().data);
  TERSOR_ASSIGN_OR_RETURN(auto buffer,
                          Buffer::Allocate(static_cast<size_t>(SizeBytes(type, given, 0))));
  auto* bytes = static_cast<uint8_t*>(buffer->data());
  Elements values(type, false, bytes);
  uint8_t* positions = bytes + layout.ValueBytes(type.dtype);
  for (int64_t group = 0, at = 0; group < layout.groups; ++group) {
    const int64_t first = group * layout.m;
    int64_t zeros = layout.m;  // that are not stored or may still be
    for (int64_t k = 0; k < layout.m; ++k) zeros -= in.Get(first + k) != 0 ? 1 : 0;
    if (layout.m - zeros > layout.n) {
      return InvalidArgument("group ", group, " of ", type.ToString(), " has ", layout.m - zeros,
                             " elements that are not zero, at most ", layout.n, " of ", layout.m,
                             " fit");
    }
    int64_t padding = layout.n - (layout.m - zeros);  // zeros that are stored
    for (int64_t k = 0; k < layout.m; ++k) {
      const uint64_t value = in.Get(first + k);
      if (value == 0 && padding-- <= 0) continue;
      values.Set(at, value);
      StoreBits(positions, at++ * layout.position_bits, layout.position_bits,
                static_cast<uint32_t>(k));
    }
  }
  return EncodedTensor::Create(Encoding::kNM, type, {given.begin(), given.end()},
                               std::move(buffer));
}

std::vector<std::vector<int64_t>> Suggest(const TensorType&) { return {{1, 4}, {2, 4}}; }

}  // namespace tersor::encodings::nm
