#include <algorithm>
#include <set>
#include <utility>

#include "tersor/base/wire.h"
#include "tersor/formats/native/native.h"
#include "tersor/ir/verifier.h"

namespace tersor::formats::native {
namespace {

class Importer {
 public:
  explicit Importer(Container container) : container_(std::move(container)) {}

  Result<StoredGraph> Run() {
    WireReader in(container_.structure());
    TERSOR_RETURN_IF_ERROR(ReadNames(in));
    graph_.set_name(in.Text());
    TERSOR_RETURN_IF_ERROR(ReadMetadata(in));
    TERSOR_RETURN_IF_ERROR(ReadInputs(in));
    TERSOR_RETURN_IF_ERROR(ReadVariables(in));
    const size_t nodes = in.Count(4);
    for (size_t i = 0; i < nodes; ++i) {
      TERSOR_RETURN_IF_ERROR(ReadNode(in).WithContext(StrCat("node ", i)));
    }
    const size_t outputs = in.Count();
    for (size_t i = 0; i < outputs; ++i) {
      TERSOR_ASSIGN_OR_RETURN(const ir::ValueId id, ValueAt(in.Unsigned()));
      graph_.AddOutput(id);
    }
    // An extension that a reader must know is named among the features; others may be passed over.
    const size_t extensions = in.Count(2);
    for (size_t i = 0; i < extensions; ++i) {
      (void)in.Text();
      (void)in.Text();
    }
    TERSOR_RETURN_IF_ERROR(in.status());
    if (in.left() != 0) return DataLoss(in.left(), " bytes are left after the structure");
    TERSOR_RETURN_IF_ERROR(ir::Verify(graph_));
    return StoredGraph{std::move(graph_), std::move(weights_)};
  }

 private:
  Status ReadNames(WireReader& in) {
    const size_t features = in.Count();
    for (size_t i = 0; i < features; ++i) {
      const std::string feature = in.Text();
      TERSOR_RETURN_IF_ERROR(in.status());
      if (feature == kNamedExtents || feature == kGroupsFeature) continue;
      return Unsupported("it needs the feature '", feature, "', which this build does not know");
    }
    const size_t names = in.Count();
    for (size_t i = 0; i < names; ++i) names_.push_back(in.Text());
    return in.status();
  }

  Result<std::string_view> Name(WireReader& in) {
    const uint64_t index = in.Unsigned();
    TERSOR_RETURN_IF_ERROR(in.status());
    if (index >= names_.size()) return DataLoss("name ", index, " of a table of ", names_.size());
    return std::string_view(names_[index]);
  }

  Status ReadMetadata(WireReader& in) {
    const size_t count = in.Count(2);
    for (size_t i = 0; i < count; ++i) {
      std::string key = in.Text();
      if (!graph_.mutable_metadata().try_emplace(std::move(key), in.Text()).second) {
        return DataLoss("a metadata key that is there twice");
      }
    }
    return in.status();
  }

  Result<DType> ReadDType(WireReader& in) {
    TERSOR_ASSIGN_OR_RETURN(const std::string_view name, Name(in));
    const auto dtype = ParseDType(name);
    if (!dtype) return Unsupported("element type '", name, "' is not known to this build");
    return *dtype;
  }

  Result<TensorType> ReadType(WireReader& in) {
    TensorType type;
    TERSOR_ASSIGN_OR_RETURN(type.dtype, ReadDType(in));
    std::vector<int64_t> dims(in.Count());
    for (int64_t& dim : dims) dim = in.Signed();
    type.shape = Shape(std::move(dims));
    const size_t scales = in.Count(5);
    if (scales > 0) {
      Quantization quantization;
      const int64_t axis = in.Signed();
      if (axis < -1 - INT64_C(0x7FFFFFFF) || axis > INT32_MAX) {
        return DataLoss("quantization along axis ", axis, ", which is out of range");
      }
      // Below -1: groups along the last axis, -2 of 1 element, -3 of 2, ...
      quantization.axis = axis < -1 ? type.shape.rank() - 1 : static_cast<int>(axis);
      if (axis < -1) quantization.group_size = -1 - axis;
      for (size_t i = 0; i < scales; ++i) quantization.scales.push_back(in.Float());
      for (size_t i = 0; i < scales; ++i) {
        const int64_t zero_point = in.Signed();
        if (zero_point < INT32_MIN || zero_point > INT32_MAX) {
          return DataLoss("zero point ", zero_point);
        }
        quantization.zero_points.push_back(static_cast<int32_t>(zero_point));
      }
      type.quantization = std::move(quantization);
    }
    TERSOR_RETURN_IF_ERROR(in.status());
    return type;
  }

  // A name of a value, which no other value has; "" only where `may_be_empty`.
  Result<std::string> ReadValueName(WireReader& in, bool may_be_empty) {
    std::string name = in.Text();
    TERSOR_RETURN_IF_ERROR(in.status());
    if (name.empty() && may_be_empty) return name;
    if (name.empty()) return DataLoss("a value without a name");
    if (!value_names_.insert(name).second) return DataLoss("two values named '", name, "'");
    return name;
  }

  Status ReadInputs(WireReader& in) {
    const size_t count = in.Count(4);
    for (size_t i = 0; i < count; ++i) {
      TERSOR_ASSIGN_OR_RETURN(std::string name, ReadValueName(in, false));
      auto type = ReadType(in);
      if (!type.ok()) return type.status().WithContext(StrCat("input '", name, "'"));
      values_.push_back(graph_.AddInput(std::move(name), std::move(type).value()));
    }
    return in.status();
  }

  Status ReadVariables(WireReader& in) {
    const size_t count = in.Count(6);
    for (size_t i = 0; i < count; ++i) {
      TERSOR_ASSIGN_OR_RETURN(const std::string name, ReadValueName(in, false));
      const Status status = ReadVariable(in, name);
      if (!status.ok()) return status.WithContext(StrCat("variable '", name, "'"));
    }
    return in.status();
  }

  // Where a weight lies: the fields that its placement has.
  Result<StoredBytes> ReadStoredBytes(WireReader& in, uint8_t placement) {
    if (placement > static_cast<uint8_t>(Placement::kCoded)) {
      return Unsupported("placement ", static_cast<int>(placement), " is not known to this build");
    }
    StoredBytes stored;
    stored.placement = static_cast<Placement>(placement);
    stored.offset = stored.placement == Placement::kPool ? pool_used_ : in.Unsigned();
    if (stored.placement == Placement::kCoded) stored.stored_size = in.Unsigned();
    TERSOR_RETURN_IF_ERROR(in.status());
    return stored;
  }

  Status ReadVariable(WireReader& in, const std::string& name) {
    TERSOR_ASSIGN_OR_RETURN(TensorType type, ReadType(in));
    const bool trainable = in.Byte() != 0;
    const uint8_t placement = in.Byte();
    TERSOR_RETURN_IF_ERROR(in.status());
    if (placement == static_cast<uint8_t>(Placement::kNone)) {
      values_.push_back(graph_.AddVariable(name, std::move(type), trainable));
      return OkStatus();
    }
    const uint64_t number = in.Unsigned();
    const auto encoding = EncodingFromNumber(number);
    if (!encoding) {
      return Unsupported("its encoding is ", number, ", which this build does not know");
    }
    std::vector<int64_t> parameters;
    auto size = static_cast<uint64_t>(type.size_bytes());
    if (*encoding != Encoding::kDense) {
      parameters.resize(in.Count());
      for (int64_t& parameter : parameters) parameter = in.Signed();
      size = in.Unsigned();
    }
    const uint8_t flags = in.Byte();
    if (flags > kPlanes)
      return Unsupported("flags ", static_cast<int>(flags), ", this build knows 1");
    if (type.shape.HasBatch()) return DataLoss("its batch is symbolic");
    for (int64_t dim : type.shape.dims()) {
      if (dim < 1) return DataLoss("its shape is ", type.shape.ToString());
    }
    TERSOR_ASSIGN_OR_RETURN(StoredBytes stored, ReadStoredBytes(in, placement));
    stored.flags = flags;
    stored.size = size;
    stored.element_bytes = static_cast<uint64_t>(std::max(8, DTypeBits(type.dtype))) / 8;
    if (stored.placement != Placement::kCoded) stored.stored_size = size;
    TERSOR_ASSIGN_OR_RETURN(auto data, container_.Read(stored));
    if (stored.placement == Placement::kPool) pool_used_ += size;
    weights_.emplace_back(name, stored);
    if (*encoding == Encoding::kDense) {
      values_.push_back(
          graph_.AddVariable(name, Tensor(std::move(type), std::move(data)), trainable));
      return OkStatus();
    }
    // It may be decoded when it is used.
    TERSOR_RETURN_IF_ERROR(container_.Spend(type.size_bytes()));
    TERSOR_ASSIGN_OR_RETURN(
        auto encoded,
        EncodedTensor::Create(*encoding, std::move(type), std::move(parameters), std::move(data)));
    values_.push_back(graph_.AddVariable(name, std::move(encoded), trainable));
    return OkStatus();
  }

  Result<ir::ValueId> ValueAt(uint64_t number) const {
    if (number >= values_.size()) {
      return DataLoss("value ", number, " is read, ", values_.size(), " are there");
    }
    return values_[number];
  }

  Result<AttrValue> ReadAttributeValue(WireReader& in, Attr attr) {
    switch (AttrTypeOf(attr)) {
      case AttrType::Activation:
        return ParseAttrValue(attr, in.Text());
      case AttrType::Bool:
        return AttrValue(in.Byte() != 0);
      case AttrType::Float:
        return AttrValue(in.Double());
      case AttrType::Int:
        return AttrValue(in.Signed());
      case AttrType::Ints: {
        std::vector<int64_t> values(in.Count());
        for (int64_t& value : values) value = in.Signed();
        return AttrValue(std::move(values));
      }
      case AttrType::Padding: {
        const uint8_t kind = in.Byte();
        if (kind > static_cast<uint8_t>(Padding::Kind::kExplicit)) {
          return DataLoss("padding of kind ", static_cast<int>(kind));
        }
        Padding padding;
        padding.kind = static_cast<Padding::Kind>(kind);
        if (padding.kind == Padding::Kind::kExplicit) {
          padding.top = in.Signed();
          padding.bottom = in.Signed();
          padding.left = in.Signed();
          padding.right = in.Signed();
        }
        return AttrValue(padding);
      }
      case AttrType::Type: {
        TERSOR_ASSIGN_OR_RETURN(const DType dtype, ReadDType(in));
        return AttrValue(dtype);
      }
    }
    return DataLoss("an attribute without a type");
  }

  Status ReadNode(WireReader& in) {
    TERSOR_ASSIGN_OR_RETURN(const std::string_view op_name, Name(in));
    const auto op = ir::ParseOpTextName(op_name);
    if (!op) return Unsupported("operator '", op_name, "' is not known to this build");
    std::vector<ir::ValueId> operands(in.Count());
    for (ir::ValueId& operand : operands) {
      const uint64_t number = in.Unsigned();
      operand = ir::kNoValue;
      if (number == 0) continue;
      TERSOR_ASSIGN_OR_RETURN(operand, ValueAt(number - 1));
      // Every use of a type checks all its scales.
      const auto& quantization = graph_.value(operand).type().quantization;
      if (quantization) {
        TERSOR_RETURN_IF_ERROR(container_.Spend(static_cast<int64_t>(quantization->scales.size())));
      }
    }
    Attributes attributes;
    const size_t attribute_count = in.Count(2);
    for (size_t i = 0; i < attribute_count; ++i) {
      TERSOR_ASSIGN_OR_RETURN(const std::string_view name, Name(in));
      const auto attr = ParseAttr(name);
      if (!attr) {
        return Unsupported(op_name, ": attribute '", name, "' is not known to this build");
      }
      TERSOR_ASSIGN_OR_RETURN(auto value, ReadAttributeValue(in, *attr));
      attributes.Set(*attr, std::move(value));
    }
    const size_t result_count = in.Count(4);
    std::vector<std::string> names;
    std::vector<TensorType> types;
    for (size_t i = 0; i < result_count; ++i) {
      TERSOR_ASSIGN_OR_RETURN(names.emplace_back(), ReadValueName(in, true));
      TERSOR_ASSIGN_OR_RETURN(types.emplace_back(), ReadType(in));
    }
    TERSOR_RETURN_IF_ERROR(in.status());
    const auto hint = types.empty() ? std::nullopt : std::optional(types[0]);
    TERSOR_ASSIGN_OR_RETURN(const ir::Node* node,
                            graph_.AddNode(*op, std::move(operands), std::move(attributes), hint));
    if (node->results().size() != types.size()) {
      return DataLoss(op_name, ": ", types.size(), " results, expected ", node->results().size());
    }
    for (size_t i = 0; i < types.size(); ++i) {
      const ir::ValueId id = node->results()[i];
      if (graph_.value(id).type() != types[i]) {
        return DataLoss(op_name, ": result is ", types[i].ToString(),
                        " in the file, its operands give ", graph_.value(id).type().ToString());
      }
      graph_.SetName(id, std::move(names[i]));
      values_.push_back(id);
    }
    return OkStatus();
  }

  Container container_;
  size_t pool_used_ = 0;
  std::vector<std::pair<std::string, StoredBytes>> weights_;
  std::vector<std::string> names_;
  std::set<std::string> value_names_;
  std::vector<ir::ValueId> values_;
  ir::Graph graph_;
};

}  // namespace

Result<StoredGraph> ImportStored(const std::shared_ptr<Buffer>& file) {
  TERSOR_ASSIGN_OR_RETURN(Container container, Container::Open(file));
  return Importer(std::move(container)).Run();
}

Result<ir::Graph> Import(const std::shared_ptr<Buffer>& file) {
  TERSOR_ASSIGN_OR_RETURN(StoredGraph stored, ImportStored(file));
  return std::move(stored.graph);
}

}  // namespace tersor::formats::native
