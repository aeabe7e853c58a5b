#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/ir/base64.h"
#include "tersor/ir/shape_rules.h"
#include "tersor/ir/text.h"
#include "tersor/ir/text_lexer.h"

namespace tersor::ir {
namespace {

constexpr int64_t kListedElements = 8;

template <typename T>
std::string Number(T number) {
  char digits[32];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  return {digits, end};
}

// "[a, b]"
template <typename T>
std::string List(std::span<const T> numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += ", ";
    text += Number(numbers[i]);
  }
  return text + "]";
}

std::string Quoted(std::string_view name) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      text += "\\x";
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

bool IsNumber(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string Name(std::string_view name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), IsNameCharacter);
  return bare ? std::string(name) : Quoted(name);
}

// The name of a result or an input, of which a number would be read as "without a name".
std::string ValueName(std::string_view name) { return IsNumber(name) ? Quoted(name) : Name(name); }

template <typename T>
std::string ListOf(const Tensor& data) {
  return List(data.values<T>());
}

// Elements as numbers; nothing when they have to be bytes.
std::optional<std::string> NumbersOf(const Tensor& data) {
  if (data.type().shape.num_elements() > kListedElements) return std::nullopt;
  switch (data.type().dtype) {
    case DType::kF32: {
      const auto values = data.values<float>();
      const bool finite =
          std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
      return finite ? std::optional(List(values)) : std::nullopt;
    }
    case DType::kI8:
      return ListOf<int8_t>(data);
    case DType::kU8:
      return ListOf<uint8_t>(data);
    case DType::kI16:
      return ListOf<int16_t>(data);
    case DType::kI32:
      return ListOf<int32_t>(data);
    case DType::kI64:
      return ListOf<int64_t>(data);
    case DType::kF16:
    case DType::kBF16:
    case DType::kI4:
    case DType::kBool:
      return std::nullopt;
  }
  return std::nullopt;
}

class Printer {
 public:
  explicit Printer(const Graph& graph) : graph_(graph) {
    int unnamed = 0;
    for (const auto& node : graph.nodes()) {
      for (ValueId id : node->results()) {
        if (graph.Contains(id) && graph.value(id).name().empty()) numbers_[id] = unnamed++;
      }
    }
  }

  std::string Run(const PrintOptions& options) {
    text_ = "graph @" + Name(graph_.name()) + "(";
    PrintTyped(graph_.inputs());
    text_ += ") -> (";
    PrintTyped(graph_.outputs());
    text_ += ") {\n";
    for (const auto& [key, value] : graph_.metadata()) {
      text_ += "  metadata " + Name(key) + " = " + Quoted(value) + "\n";
    }
    for (const auto& node : graph_.nodes()) {
      text_ += "  ";
      PrintNode(*node);
      text_ += '\n';
    }
    text_ += "}\n";
    for (ValueId id : graph_.variables()) PrintVariable(graph_.value(id), options);
    return std::move(text_);
  }

  std::string Line(const Node& node) {
    PrintNode(node);
    return std::move(text_);
  }

 private:
  std::string Reference(ValueId id) const {
    if (id == kNoValue) return "_";
    if (!graph_.Contains(id)) return "%\"(no value)\"";
    const Value& value = graph_.value(id);
    if (value.is_variable()) return "@" + Name(value.name());
    const auto number = numbers_.find(id);
    if (number != numbers_.end()) return "%" + Number(number->second);
    return "%" + ValueName(value.name());
  }

  void PrintTyped(const std::vector<ValueId>& ids) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) text_ += ", ";
      text_ += Reference(ids[i]);
      if (graph_.Contains(ids[i])) text_ += ": " + PrintType(graph_.value(ids[i]).type());
    }
  }

  // What the shape rule gives for a node without a hint; nothing where it fails.
  std::vector<TensorType> Inferred(const Node& node) const {
    std::vector<const TensorType*> types;
    for (ValueId id : node.operands()) {
      types.push_back(graph_.Contains(id) ? &graph_.value(id).type() : nullptr);
    }
    auto inferred = InferTypes(node.op(), types, node.attributes(), std::nullopt);
    return inferred.ok() ? std::move(inferred).value() : std::vector<TensorType>();
  }

  void PrintResults(const Node& node) {
    const std::vector<TensorType> inferred = Inferred(node);
    for (size_t i = 0; i < node.results().size(); ++i) {
      const ValueId id = node.results()[i];
      if (i > 0) text_ += ", ";
      text_ += Reference(id);
      if (!graph_.Contains(id)) continue;
      const TensorType& type = graph_.value(id).type();
      if (i >= inferred.size() || inferred[i] != type) text_ += ": " + PrintType(type);
    }
    if (!node.results().empty()) text_ += " = ";
  }

  void PrintNode(const Node& node) {
    PrintResults(node);
    text_ += node.info().text_name;
    text_ += '(';
    for (size_t i = 0; i < node.operands().size(); ++i) {
      if (i > 0) text_ += ", ";
      text_ += Reference(node.operands()[i]);
    }
    text_ += ')';
    const auto& items = node.attributes().items();
    for (size_t i = 0; i < items.size(); ++i) {
      text_ += i == 0 ? " {" : ", ";
      text_ += AttrName(items[i].first);
      text_ += '=';
      text_ += FormatAttrValue(items[i].first, items[i].second);
    }
    if (!items.empty()) text_ += '}';
  }

  void PrintVariable(const Value& variable, const PrintOptions& options) {
    text_ += "variable @" + Name(variable.name()) + ": " + PrintType(variable.type());
    if (variable.trainable()) text_ += " trainable";
    const bool print = variable.has_data() &&
                       (options.data || variable.type().shape.num_elements() <= kListedElements);
    if (print) text_ += " = " + Data(variable);
    text_ += '\n';
  }

  static std::string Data(const Value& variable) {
    if (const EncodedTensor* encoded = variable.encoded().get(); encoded != nullptr) {
      const std::span<const int64_t> parameters(encoded->parameters());
      std::string text(EncodingName(encoded->encoding()));
      if (!parameters.empty()) text += " " + List(parameters);
      return text + " " + Base64(*encoded->buffer());
    }
    const auto numbers = NumbersOf(variable.data());
    return numbers ? *numbers : Base64(*variable.data().buffer());
  }

  static std::string Base64(const Buffer& buffer) {
    const std::span bytes(static_cast<const std::byte*>(buffer.data()), buffer.size_bytes());
    return "base64 \"" + EncodeBase64(bytes) + "\"";
  }

  const Graph& graph_;
  std::map<ValueId, int> numbers_;  // of results without a name
  std::string text_;
};

}  // namespace

std::string PrintType(const TensorType& type) {
  std::string text = type.ToString();
  if (!type.quantization.has_value()) return text;
  const Quantization& quantization = *type.quantization;
  const bool one = !quantization.per_channel() && quantization.scales.size() == 1 &&
                   quantization.zero_points.size() == 1;
  text += " q(";
  if (one) {
    text += Number(quantization.scales[0]) + ", " + Number(quantization.zero_points[0]);
  } else {
    text += List<float>(quantization.scales) + ", " + List<int32_t>(quantization.zero_points);
    text += ", axis=" + Number(quantization.axis);
    if (quantization.per_group()) text += ", group=" + Number(quantization.group_size);
  }
  return text + ")";
}

std::string Print(const Graph& graph, const PrintOptions& options) {
  return Printer(graph).Run(options);
}

std::string PrintNode(const Graph& graph, const Node& node) { return Printer(graph).Line(node); }

}  // namespace tersor::ir
