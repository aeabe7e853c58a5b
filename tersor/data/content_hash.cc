#include <algorithm>
#include <numeric>

#include "tersor/base/hash.h"
#include "tersor/data/dataset.h"

namespace tersor::data {
namespace {

constexpr int64_t kChunkBytes = int64_t{1} << 20;

}  // namespace

Result<uint64_t> ContentHash(const Dataset& dataset) {
  const int64_t size = dataset.size();
  uint64_t hash = HashBytes(&size, sizeof(size));
  const std::vector<Field>& fields = dataset.fields();
  int64_t example_bytes = 1;
  for (const Field& field : fields) {
    const std::string type = field.type.ToString();
    hash = HashBytes(field.name.data(), field.name.size(), hash);
    hash = HashBytes(type.data(), type.size(), hash);
    example_bytes = std::max(example_bytes, field.type.size_bytes());
  }
  const int64_t chunk =
      std::clamp<int64_t>(kChunkBytes / example_bytes, 1, std::max<int64_t>(size, 1));
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::byte*> out;
  for (const Field& field : fields) {
    memory.emplace_back(static_cast<size_t>(chunk * field.type.size_bytes()));
  }
  for (std::vector<std::byte>& column : memory) out.push_back(column.data());
  std::vector<int64_t> examples;
  for (int64_t first = 0; first < size; first += chunk) {
    examples.resize(static_cast<size_t>(std::min(chunk, size - first)));
    std::iota(examples.begin(), examples.end(), first);
    TERSOR_RETURN_IF_ERROR(dataset.source->Read(examples, out));
    for (size_t f = 0; f < fields.size(); ++f) {
      hash = HashBytes(out[f], examples.size() * static_cast<size_t>(fields[f].type.size_bytes()),
                       hash);
    }
  }
  return hash;
}

}  // namespace tersor::data
