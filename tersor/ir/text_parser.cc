#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/ir/base64.h"
#include "tersor/ir/text.h"
#include "tersor/ir/text_lexer.h"
#include "tersor/ir/verifier.h"

namespace tersor::ir {
namespace {

// A value as it is written: "@name", "%name", "%12".
struct Name {
  enum class Kind : uint8_t { kAbsent, kVariable, kNamed, kNumbered };
  Kind kind = Kind::kAbsent;
  std::string text;
  size_t place = 0;

  std::string Shown() const {
    return StrCat(kind == Kind::kVariable ? '@' : '%', text.substr(0, 40));
  }
};

struct TypedName {
  Name name;
  std::optional<TensorType> type;
};

struct Statement {
  std::vector<TypedName> results;
  OpKind op = OpKind::kAdd;
  size_t place = 0;
  std::vector<Name> operands;
  Attributes attributes;
};

struct VariableStatement {
  Name name;
  TensorType type;
  bool trainable = false;
  Tensor data;
  EncodedTensor::Ptr encoded;  // in place of `data`
};

// Variables stand after the nodes that use them, so the text is read first and built then.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Graph> Run() {
    TERSOR_RETURN_IF_ERROR(Read());
    TERSOR_RETURN_IF_ERROR(AddInputsAndVariables());
    for (Statement& statement : statements_) TERSOR_RETURN_IF_ERROR(AddStatement(statement));
    TERSOR_RETURN_IF_ERROR(SetOutputs());
    TERSOR_RETURN_IF_ERROR(Verify(graph_));
    return std::move(graph_);
  }

 private:
  Status Read() {
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("graph"));
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("@"));
    TERSOR_ASSIGN_OR_RETURN(std::string name, lexer_.ReadName());
    graph_.set_name(std::move(name));
    TERSOR_ASSIGN_OR_RETURN(inputs_, ReadTypedNames());
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("->"));
    TERSOR_ASSIGN_OR_RETURN(outputs_, ReadTypedNames());
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("{"));
    while (!lexer_.Take("}")) {
      if (lexer_.Take("metadata")) {
        TERSOR_RETURN_IF_ERROR(ReadMetadata());
      } else {
        TERSOR_RETURN_IF_ERROR(ReadStatement());
      }
    }
    while (lexer_.Take("variable")) TERSOR_RETURN_IF_ERROR(ReadVariable());
    return lexer_.AtEnd() ? OkStatus() : lexer_.Unexpected("'variable' or the end");
  }

  Result<Name> ReadValueName() {
    Name name;
    name.place = lexer_.Here();
    if (lexer_.Take("@")) {
      name.kind = Name::Kind::kVariable;
    } else if (lexer_.Take("%")) {
      name.kind = lexer_.NextIsDigits() ? Name::Kind::kNumbered : Name::Kind::kNamed;
    } else {
      return lexer_.Unexpected("a value, %name or @name");
    }
    TERSOR_ASSIGN_OR_RETURN(name.text, lexer_.ReadName());
    if (name.text.empty()) return lexer_.Fail(name.place, "name is empty");
    return name;
  }

  // "(%a: f32[N], @b: f32[2])"
  Result<std::vector<TypedName>> ReadTypedNames() {
    std::vector<TypedName> names;
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("("));
    if (lexer_.Take(")")) return names;
    do {
      TypedName& typed = names.emplace_back();
      TERSOR_ASSIGN_OR_RETURN(typed.name, ReadValueName());
      TERSOR_RETURN_IF_ERROR(lexer_.Expect(":"));
      TERSOR_ASSIGN_OR_RETURN(typed.type, lexer_.ReadType());
    } while (lexer_.Take(","));
    TERSOR_RETURN_IF_ERROR(lexer_.Expect(")"));
    return names;
  }

  Status ReadMetadata() {
    const size_t place = lexer_.Here();
    TERSOR_ASSIGN_OR_RETURN(std::string key, lexer_.ReadName());
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("="));
    TERSOR_ASSIGN_OR_RETURN(std::string value, lexer_.ReadQuoted());
    if (!graph_.mutable_metadata().emplace(std::move(key), std::move(value)).second) {
      return lexer_.Fail(place, "metadata has this key already");
    }
    return OkStatus();
  }

  Status ReadStatement() {
    Statement& statement = statements_.emplace_back();
    if (lexer_.NextIs('%')) {
      do {
        TypedName& result = statement.results.emplace_back();
        TERSOR_ASSIGN_OR_RETURN(result.name, ReadValueName());
        if (result.name.kind == Name::Kind::kVariable) {
          return lexer_.Fail(result.name.place, "a result cannot be a variable");
        }
        if (lexer_.Take(":")) {
          TERSOR_ASSIGN_OR_RETURN(result.type, lexer_.ReadType());
        }
      } while (lexer_.Take(","));
      TERSOR_RETURN_IF_ERROR(lexer_.Expect("="));
    }
    statement.place = lexer_.Here();
    TERSOR_ASSIGN_OR_RETURN(const std::string op_name, lexer_.ReadName());
    const auto op = ParseOpTextName(op_name);
    if (!op) {
      return lexer_.Fail(statement.place,
                         StrCat("unknown operator '", op_name.substr(0, 40), '\''));
    }
    statement.op = *op;
    TERSOR_RETURN_IF_ERROR(ReadOperands(statement));
    return lexer_.Take("{") ? ReadAttributes(statement) : OkStatus();
  }

  Status ReadOperands(Statement& statement) {
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("("));
    if (lexer_.Take(")")) return OkStatus();
    do {
      Name& operand = statement.operands.emplace_back();
      operand.place = lexer_.Here();
      if (lexer_.Take("_")) continue;
      TERSOR_ASSIGN_OR_RETURN(operand, ReadValueName());
    } while (lexer_.Take(","));
    return lexer_.Expect(")");
  }

  Status ReadAttributes(Statement& statement) {
    do {
      const size_t place = lexer_.Here();
      TERSOR_ASSIGN_OR_RETURN(const std::string name, lexer_.ReadName());
      const auto attr = ParseAttr(name);
      if (!attr) {
        return lexer_.Fail(place, StrCat("unknown attribute '", name.substr(0, 40), '\''));
      }
      if (statement.attributes.Has(*attr)) {
        return lexer_.Fail(place, StrCat("attribute ", name, " is given twice"));
      }
      TERSOR_RETURN_IF_ERROR(lexer_.Expect("="));
      const size_t value_place = lexer_.Here();
      TERSOR_ASSIGN_OR_RETURN(const std::string_view text, lexer_.ReadValue());
      auto value = ParseAttrValue(*attr, text);
      if (!value.ok()) return lexer_.At(value_place, value.status());
      statement.attributes.Set(*attr, std::move(value).value());
    } while (lexer_.Take(","));
    return lexer_.Expect("}");
  }

  Status ReadVariable() {
    VariableStatement& variable = variables_.emplace_back();
    TERSOR_ASSIGN_OR_RETURN(variable.name, ReadValueName());
    if (variable.name.kind != Name::Kind::kVariable) {
      return lexer_.Fail(variable.name.place, "a variable is written @name");
    }
    TERSOR_RETURN_IF_ERROR(lexer_.Expect(":"));
    TERSOR_ASSIGN_OR_RETURN(variable.type, lexer_.ReadType());
    if (variable.type.shape.IsSymbolic()) {
      return lexer_.Fail(variable.name.place, "a variable has no symbolic extent");
    }
    variable.trainable = lexer_.Take("trainable");
    if (!lexer_.Take("=")) return OkStatus();
    for (const EncodingInfo& info : AllEncodings()) {
      if (lexer_.Take(info.name)) return ReadEncoded(info.encoding, variable);
    }
    TERSOR_ASSIGN_OR_RETURN(variable.data, ReadData(variable.type));
    return OkStatus();
  }

  // "palette [16, 0, 1] base64 "..."", after its name.
  Status ReadEncoded(Encoding encoding, VariableStatement& variable) {
    const size_t place = lexer_.Here();
    std::vector<int64_t> parameters;
    if (lexer_.NextIs('[')) {
      TERSOR_ASSIGN_OR_RETURN(parameters, lexer_.ReadNumbers<int64_t>());
    }
    TERSOR_RETURN_IF_ERROR(lexer_.Expect("base64"));
    TERSOR_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadBase64());
    TERSOR_ASSIGN_OR_RETURN(auto buffer, Buffer::Allocate(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(buffer->data()));
    auto encoded =
        EncodedTensor::Create(encoding, variable.type, std::move(parameters), std::move(buffer));
    if (!encoded.ok()) return lexer_.At(place, encoded.status());
    variable.encoded = std::move(encoded).value();
    return OkStatus();
  }

  // Base64 in quotes.
  Result<std::vector<std::byte>> ReadBase64() {
    const size_t place = lexer_.Here();
    TERSOR_ASSIGN_OR_RETURN(const std::string text, lexer_.ReadQuoted());
    auto bytes = DecodeBase64(text);
    if (!bytes) return lexer_.Fail(place, "this is not base64");
    return *std::move(bytes);
  }

  Result<Tensor> ReadData(const TensorType& type) {
    if (lexer_.Take("base64")) {
      const size_t place = lexer_.Here();
      TERSOR_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadBase64());
      return MakeTensor(type, bytes, place);
    }
    switch (type.dtype) {
      case DType::kF32:
        return ReadElements<float>(type);
      case DType::kI8:
        return ReadElements<int8_t>(type);
      case DType::kU8:
        return ReadElements<uint8_t>(type);
      case DType::kI16:
        return ReadElements<int16_t>(type);
      case DType::kI32:
        return ReadElements<int32_t>(type);
      case DType::kI64:
        return ReadElements<int64_t>(type);
      case DType::kF16:
      case DType::kBF16:
      case DType::kI4:
      case DType::kBool:
        return lexer_.Unexpected(StrCat("base64, the form of ", DTypeName(type.dtype)));
    }
    return lexer_.Unexpected("base64");
  }

  template <typename T>
  Result<Tensor> ReadElements(const TensorType& type) {
    const size_t place = lexer_.Here();
    TERSOR_ASSIGN_OR_RETURN(const auto elements, lexer_.ReadNumbers<T>());
    return MakeTensor(type, std::as_bytes(std::span(elements)), place);
  }

  Result<Tensor> MakeTensor(const TensorType& type, std::span<const std::byte> bytes,
                            size_t place) {
    auto tensor = Tensor::FromBytes(type, bytes);
    if (!tensor.ok()) return lexer_.At(place, tensor.status());
    return tensor;
  }

  // "%3" without a name of its own and a value that is named "3" are two.
  static std::string Key(const Name& name) {
    return (name.kind == Name::Kind::kNumbered ? '#' : '%') + name.text;
  }

  // Inputs, variables and named results share their names.
  Status Register(const Name& name, ValueId id) {
    if (!values_.emplace(Key(name), id).second) {
      return lexer_.Fail(name.place, StrCat("name ", name.Shown(), " is taken"));
    }
    return OkStatus();
  }

  Result<ValueId> Find(const Name& name) {
    if (name.kind == Name::Kind::kAbsent) return kNoValue;
    const auto found = values_.find(Key(name));
    const bool is_variable = name.kind == Name::Kind::kVariable;
    if (found == values_.end() || graph_.value(found->second).is_variable() != is_variable) {
      return lexer_.Fail(name.place, StrCat("unknown value ", name.Shown()));
    }
    return found->second;
  }

  Status AddInputsAndVariables() {
    for (TypedName& input : inputs_) {
      if (input.name.kind != Name::Kind::kNamed) {
        return lexer_.Fail(input.name.place, "an input is written %name, not as a number");
      }
      TERSOR_RETURN_IF_ERROR(Register(input.name, graph_.num_values()));
      graph_.AddInput(input.name.text, *input.type);
    }
    for (VariableStatement& variable : variables_) {
      TERSOR_RETURN_IF_ERROR(Register(variable.name, graph_.num_values()));
      const ValueId id =
          graph_.AddVariable(variable.name.text, std::move(variable.type), variable.trainable);
      graph_.value(id).set_data(std::move(variable.data));
      if (variable.encoded != nullptr) graph_.value(id).set_encoded(std::move(variable.encoded));
    }
    return OkStatus();
  }

  Status AddStatement(Statement& statement) {
    std::vector<ValueId> operands;
    for (const Name& name : statement.operands) {
      TERSOR_ASSIGN_OR_RETURN(const ValueId id, Find(name));
      operands.push_back(id);
    }
    std::optional<TensorType> hint;
    if (!statement.results.empty()) hint = statement.results[0].type;
    auto node = graph_.AddNode(statement.op, std::move(operands), std::move(statement.attributes),
                               std::move(hint));
    if (!node.ok()) return lexer_.At(statement.place, node.status());
    const auto& results = (*node)->results();
    if (results.size() != statement.results.size()) {
      return lexer_.Fail(statement.place,
                         StrCat((*node)->info().text_name, ": ", statement.results.size(),
                                " results, expected ", results.size()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      const TypedName& result = statement.results[i];
      TERSOR_RETURN_IF_ERROR(ExpectType(result, results[i]));
      TERSOR_RETURN_IF_ERROR(Register(result.name, results[i]));
      if (result.name.kind == Name::Kind::kNamed) graph_.SetName(results[i], result.name.text);
    }
    return OkStatus();
  }

  Status ExpectType(const TypedName& written, ValueId id) {
    const TensorType& type = graph_.value(id).type();
    if (!written.type.has_value() || *written.type == type) return OkStatus();
    return lexer_.Fail(written.name.place, StrCat(written.name.Shown(), " is ", type.ToString(),
                                                  ", written as ", written.type->ToString(),
                                                  type.quantization == written.type->quantization
                                                      ? ""
                                                      : " with another scale or zero point"));
  }

  Status SetOutputs() {
    for (const TypedName& output : outputs_) {
      TERSOR_ASSIGN_OR_RETURN(const ValueId id, Find(output.name));
      TERSOR_RETURN_IF_ERROR(ExpectType(output, id));
      graph_.AddOutput(id);
    }
    return OkStatus();
  }

  Lexer lexer_;
  Graph graph_;
  std::vector<TypedName> inputs_, outputs_;
  std::vector<Statement> statements_;
  std::vector<VariableStatement> variables_;
  std::map<std::string, ValueId> values_;
};

}  // namespace

Result<Graph> Parse(std::string_view text) { return Parser(text).Run(); }

Result<TensorType> ParseType(std::string_view text) {
  Lexer lexer(text);
  TERSOR_ASSIGN_OR_RETURN(TensorType type, lexer.ReadType());
  if (!lexer.AtEnd()) return lexer.Unexpected("the end of the type");
  return type;
}

}  // namespace tersor::ir
