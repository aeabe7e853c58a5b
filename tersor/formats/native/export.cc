#include <algorithm>
#include <map>

#include "tersor/base/wire.h"
#include "tersor/coding/coding.h"
#include "tersor/formats/native/native.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::native {
namespace {

constexpr int kStructureLevel = 19;
constexpr int kWeightLevel = 9;

size_t ElementBytes(DType dtype) { return static_cast<size_t>(std::max(8, DTypeBits(dtype))) / 8; }

class Exporter {
 public:
  Exporter(const ir::Graph& graph, const ExportOptions& options)
      : graph_(graph), options_(options) {}

  Result<std::string> Run() {
    TERSOR_RETURN_IF_ERROR(ir::Verify(graph_));
    NumberValues();
    TERSOR_RETURN_IF_ERROR(PlaceWeights());
    WriteStructure();
    return Assemble();
  }

 private:
  struct Weight {
    Placement placement = Placement::kNone;
    uint8_t flags = 0;
    const EncodedTensor* encoded = nullptr;  // null: dense
    std::span<const std::byte> bytes;        // as the variable has them, dense or encoded
    std::string coded;                       // kCoded
    uint64_t offset = 0;                     // kInPlace, kCoded: in the area of weights
  };

  void NumberValues() {
    numbers_.assign(static_cast<size_t>(graph_.num_values()), 0);
    uint64_t next = 0;
    for (ir::ValueId id : graph_.inputs()) numbers_[static_cast<size_t>(id)] = next++;
    for (ir::ValueId id : graph_.variables()) numbers_[static_cast<size_t>(id)] = next++;
    for (const auto& node : graph_.nodes()) {
      for (ir::ValueId id : node->results()) numbers_[static_cast<size_t>(id)] = next++;
    }
  }

  // Whether a part of `stored` bytes whose reading costs `cost` bytes of memory keeps to what a
  // reader allows (MaxDecodedBytes).
  bool MayCost(size_t stored, int64_t cost) {
    if (cost <= static_cast<int64_t>(stored) * kMaxRatio) return true;
    if (cost > free_bytes_) return false;
    free_bytes_ -= cost;
    return true;
  }

  // Small ones into the pool; others coded where that pays; the rest aligned, so that they can be
  // used where they lie.
  Status PlaceWeights() {
    for (ir::ValueId id : graph_.variables()) {
      const ir::Value& variable = graph_.value(id);
      Weight& weight = weights_.emplace_back();
      if (!variable.has_data()) continue;
      const EncodedTensor* encoded = variable.encoded().get();
      if (encoded != nullptr && PlaceEncoded(*encoded, weight)) continue;
      TERSOR_ASSIGN_OR_RETURN(const Tensor dense, ir::DenseData(variable));
      weight.bytes = {static_cast<const std::byte*>(dense.buffer()->data()),
                      static_cast<size_t>(variable.type().size_bytes())};
      const size_t element_bytes = ElementBytes(variable.type().dtype);
      if (variable.type().size_bytes() >= kPooledBelowBytes) {
        PlaceLarge(weight, element_bytes, 0);
      } else {
        PlaceSmall(weight, element_bytes);
      }
    }
    uint64_t offset = 0;
    for (Weight& weight : weights_) {
      if (weight.placement != Placement::kInPlace) continue;
      weight.offset = offset;
      offset += (weight.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
      in_place_end_ = weight.offset + weight.bytes.size();
    }
    for (Weight& weight : weights_) {
      if (weight.placement != Placement::kCoded) continue;
      weight.offset = offset;
      offset += weight.coded.size();
    }
    weights_end_ = offset;
    return OkStatus();
  }

  // False where decoding it later would cost a reader more than it allows.
  bool PlaceEncoded(const EncodedTensor& encoded, Weight& weight) {
    const int64_t size = encoded.size_bytes(), dense_bytes = encoded.type().size_bytes();
    const bool is_small = size < kPooledBelowBytes;
    // What is small may be coded to nothing with the pool.
    if (!MayCost(is_small ? 0 : static_cast<size_t>(size), dense_bytes)) return false;
    weight.encoded = &encoded;
    weight.bytes = {reinterpret_cast<const std::byte*>(encoded.bytes()), static_cast<size_t>(size)};
    if (is_small) {
      PlaceSmall(weight, 1);
    } else {
      PlaceLarge(weight, ElementBytes(encoded.type().dtype), dense_bytes);
    }
    return true;
  }

  void PlaceSmall(Weight& weight, size_t element_bytes) {
    weight.placement = Placement::kPool;
    weight.flags = element_bytes > 1 ? kPlanes : uint8_t{0};
    const size_t at = pool_.size();
    pool_.append(reinterpret_cast<const char*>(weight.bytes.data()), weight.bytes.size());
    if (weight.flags == 0) return;
    coding::ToPlanes(weight.bytes, element_bytes, reinterpret_cast<std::byte*>(pool_.data() + at));
  }

  // `dense_bytes`: of the dense form that a reader may make of it later, 0 where it is dense.
  void PlaceLarge(Weight& weight, size_t element_bytes, int64_t dense_bytes) {
    weight.placement = Placement::kInPlace;
    if (!options_.compress) return;
    const size_t size = weight.bytes.size();
    auto coded =
        coding::EncodeSmallest(weight.bytes, element_bytes, size - size / 50, kWeightLevel);
    if (!coded) return;
    const int64_t cost = static_cast<int64_t>(size) * (coded->planes ? 2 : 1) + dense_bytes;
    if (!MayCost(coded->bytes.size(), cost)) return;
    weight.placement = Placement::kCoded;
    weight.flags = coded->planes ? kPlanes : uint8_t{0};
    weight.coded = std::move(coded->bytes);
  }

  // A part that stands before the weights, coded where that makes it smaller.
  std::string Part(const std::string& bytes, int64_t cost) {
    auto coded = coding::Encode(coding::Coding::kZstd, coding::AsBytes(bytes), bytes.size(),
                                kStructureLevel);
    if (!coded || !MayCost(coded->size(), cost)) return bytes;
    return *std::move(coded);
  }

  uint64_t Name(std::string_view name) {
    auto [entry, added] = names_.try_emplace(std::string(name), name_list_.size());
    if (added) name_list_.emplace_back(name);
    return entry->second;
  }

  void WriteType(WireWriter& out, const TensorType& type) {
    out.Unsigned(Name(DTypeName(type.dtype)));
    out.Unsigned(type.shape.dims().size());
    for (int64_t dim : type.shape.dims()) out.Signed(dim);
    const Shape without_batch = type.shape.HasBatch() ? type.shape.WithBatch(1) : type.shape;
    named_extents_ = named_extents_ || without_batch.IsSymbolic();
    if (!type.quantization) {
      out.Unsigned(0);
      return;
    }
    out.Unsigned(type.quantization->scales.size());
    // Groups take the place of the axis, which is the last one: -2 is 1 element, -3 is 2, ...
    const bool groups = type.quantization->per_group();
    has_groups_ = has_groups_ || groups;
    out.Signed(groups ? -1 - type.quantization->group_size : type.quantization->axis);
    for (float scale : type.quantization->scales) out.Float(scale);
    for (int32_t zero_point : type.quantization->zero_points) out.Signed(zero_point);
  }

  void WriteAttribute(WireWriter& out, Attr attr, const AttrValue& value) {
    out.Unsigned(Name(AttrName(attr)));
    switch (AttrTypeOf(attr)) {
      case AttrType::Activation:
        return out.Text(ActivationName(std::get<Activation>(value)));
      case AttrType::Bool:
        return out.Byte(std::get<bool>(value) ? 1 : 0);
      case AttrType::Float:
        return out.Double(std::get<double>(value));
      case AttrType::Int:
        return out.Signed(std::get<int64_t>(value));
      case AttrType::Ints: {
        const auto& values = std::get<std::vector<int64_t>>(value);
        out.Unsigned(values.size());
        for (int64_t element : values) out.Signed(element);
        return;
      }
      case AttrType::Padding: {
        const auto& padding = std::get<Padding>(value);
        out.Byte(static_cast<uint8_t>(padding.kind));
        if (padding.kind != Padding::Kind::kExplicit) return;
        for (int64_t cells : {padding.top, padding.bottom, padding.left, padding.right}) {
          out.Signed(cells);
        }
        return;
      }
      case AttrType::Type:
        return out.Unsigned(Name(DTypeName(std::get<DType>(value))));
    }
  }

  static void WriteEncoding(WireWriter& out, const Weight& weight) {
    if (weight.encoded == nullptr) return out.Unsigned(static_cast<uint64_t>(Encoding::kDense));
    out.Unsigned(static_cast<uint64_t>(weight.encoded->encoding()));
    out.Unsigned(weight.encoded->parameters().size());
    for (int64_t parameter : weight.encoded->parameters()) out.Signed(parameter);
    out.Unsigned(weight.bytes.size());
  }

  void WriteStructure() {
    WireWriter out;  // all but the features and the names, which come first and are known last
    out.Text(graph_.name());
    out.Unsigned(graph_.metadata().size());
    for (const auto& [key, value] : graph_.metadata()) {
      out.Text(key);
      out.Text(value);
    }
    out.Unsigned(graph_.inputs().size());
    for (ir::ValueId id : graph_.inputs()) {
      out.Text(graph_.value(id).name());
      WriteType(out, graph_.value(id).type());
    }
    out.Unsigned(graph_.variables().size());
    for (size_t i = 0; i < weights_.size(); ++i) {
      const ir::Value& variable = graph_.value(graph_.variables()[i]);
      const Weight& weight = weights_[i];
      out.Text(variable.name());
      WriteType(out, variable.type());
      out.Byte(variable.trainable() ? 1 : 0);
      out.Byte(static_cast<uint8_t>(weight.placement));
      if (weight.placement == Placement::kNone) continue;
      WriteEncoding(out, weight);
      out.Byte(weight.flags);
      if (weight.placement != Placement::kPool) out.Unsigned(weight.offset);
      if (weight.placement == Placement::kCoded) out.Unsigned(weight.coded.size());
    }
    out.Unsigned(graph_.nodes().size());
    for (const auto& node : graph_.nodes()) {
      out.Unsigned(Name(node->info().text_name));
      out.Unsigned(node->operands().size());
      for (ir::ValueId id : node->operands()) {
        out.Unsigned(id == ir::kNoValue ? 0 : numbers_[static_cast<size_t>(id)] + 1);
      }
      out.Unsigned(node->attributes().items().size());
      for (const auto& [attr, value] : node->attributes().items()) WriteAttribute(out, attr, value);
      out.Unsigned(node->results().size());
      for (ir::ValueId id : node->results()) {
        out.Text(graph_.value(id).name());
        WriteType(out, graph_.value(id).type());
      }
    }
    out.Unsigned(graph_.outputs().size());
    for (ir::ValueId id : graph_.outputs()) out.Unsigned(numbers_[static_cast<size_t>(id)]);
    out.Unsigned(0);  // extensions

    WireWriter head;
    head.Unsigned((named_extents_ ? 1 : 0) + (has_groups_ ? 1 : 0));
    if (named_extents_) head.Text(kNamedExtents);
    if (has_groups_) head.Text(kGroupsFeature);
    head.Unsigned(name_list_.size());
    for (const std::string& name : name_list_) head.Text(name);
    structure_ = head.bytes() + out.bytes();
  }

  Result<std::string> Assemble() {
    if (static_cast<int64_t>(std::max(structure_.size(), pool_.size())) > kMaxStructureBytes) {
      return Unsupported("a structure of ", structure_.size(), " bytes and small weights of ",
                         pool_.size(), " bytes, at most ", kMaxStructureBytes, " can be written");
    }
    const std::string structure = Part(structure_, static_cast<int64_t>(structure_.size()));
    // The pool is decoded, then each weight is copied out of it.
    const std::string pool = Part(pool_, static_cast<int64_t>(pool_.size()) * 2);

    WireWriter body;
    body.Fixed(structure.size(), 4);
    body.Fixed(structure_.size(), 4);
    body.Fixed(pool.size(), 4);
    body.Fixed(pool_.size(), 4);
    body.Fixed(0, 4);
    body.Raw(structure);
    body.Raw(pool);
    std::string tail = body.bytes();
    if (weights_end_ > 0) {
      const size_t unaligned = (kChecksummedFrom + tail.size()) % kAlignment;
      tail.append(unaligned == 0 ? 0 : kAlignment - unaligned, '\0');
      const size_t start = tail.size();
      tail.resize(start +
                  std::max(weights_end_, in_place_end_ == 0 ? 0 : in_place_end_ + kAlignment));
      for (const Weight& weight : weights_) {
        const size_t place = start + weight.offset;
        if (weight.placement == Placement::kInPlace) {
          tail.replace(place, weight.bytes.size(),
                       reinterpret_cast<const char*>(weight.bytes.data()), weight.bytes.size());
        } else if (weight.placement == Placement::kCoded) {
          tail.replace(place, weight.coded.size(), weight.coded);
        }
      }
    }
    WireWriter file;
    file.Raw({kMagic, sizeof(kMagic)});
    file.Fixed(kVersion, 2);
    file.Fixed(kChecksummedFrom + tail.size(), 8);
    file.Fixed(Checksum(coding::AsBytes(tail)), 4);
    file.Raw(tail);
    return file.bytes();
  }

  const ir::Graph& graph_;
  const ExportOptions& options_;
  std::vector<uint64_t> numbers_;  // by value id: inputs, variables, results in order
  std::vector<Weight> weights_;    // as the graph's variables
  std::string pool_;
  int64_t free_bytes_ = kFreeDecodedBytes;
  uint64_t in_place_end_ = 0, weights_end_ = 0;
  bool has_groups_ = false;
  std::map<std::string, uint64_t> names_;
  std::vector<std::string> name_list_;
  std::string structure_;
  bool named_extents_ = false;  // a shape needs that feature
};

}  // namespace

Result<std::string> Export(const ir::Graph& graph, const ExportOptions& options) {
  return Exporter(graph, options).Run();
}

}  // namespace tersor::formats::native
