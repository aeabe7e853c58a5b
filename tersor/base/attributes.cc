#include "tersor/base/attributes.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>
#include <tuple>

#include "tersor/base/documentation.h"

namespace tersor {
namespace {

struct AttrInfo {
  std::string_view name;
  AttrType type;
  std::string_view default_text;
  std::string_view doc;
};

constexpr AttrInfo kAttrs[] = {
#define ATTRIBUTE(name, type, default_value, doc) \
  {#name, AttrType::type, default_value, TERSOR_DOC(doc)},
#include "tersor/base/attributes.inc"
#undef ATTRIBUTE
};
constexpr size_t kAttrCount = std::size(kAttrs);

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct ActivationInfo {
  std::string_view name;
  ActivationBounds bounds;
};

// In the order of the enumeration.
constexpr ActivationInfo kActivations[] = {
    {"none", {-kInfinity, kInfinity}},
#define ACTIVATION(name, spelling, low, high, gradient) {#spelling, {low, high}},
#include "tersor/base/activations.inc"
#undef ACTIVATION
};

// "none, relu or relu6"
std::string ActivationNames() {
  std::string names;
  for (size_t i = 0; i < std::size(kActivations); ++i) {
    if (i > 0) names += i + 1 == std::size(kActivations) ? " or " : ", ";
    names += kActivations[i].name;
  }
  return names;
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Result<std::vector<int64_t>> ParseInts(std::string_view text) {
  std::vector<int64_t> values;
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    return InvalidArgument("expected a list such as [1,2], found '", text, "'");
  }
  const char* at = text.data() + 1;
  const char* end = text.data() + text.size() - 1;
  while (at < end) {
    while (at < end && (*at == ' ' || *at == ',')) ++at;
    if (at == end) break;
    int64_t value = 0;
    const char* word = at;
    while (word < end && IsWord(*word)) ++word;
    if (auto symbol = ParseSymbol({at, word})) {
      value = *symbol;
      at = word;
    } else {
      auto [next, error] = std::from_chars(at, end, value);
      if (error != std::errc()) {
        return InvalidArgument("expected an integer, found '", std::string_view(at, end - at), "'");
      }
      at = next;
    }
    values.push_back(value);
    if (at < end && *at != ',' && *at != ' ') {
      return InvalidArgument("expected ',' in a list, found '", *at, "'");
    }
  }
  return values;
}

std::string FormatInts(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    text += values[i] == kBatch ? "-1" : ExtentToString(values[i]);
  }
  return text + "]";
}

// The defaults, parsed once. Leaked on purpose: they outlive every graph.
const std::vector<std::optional<AttrValue>>& Defaults() {
  static const auto* defaults = [] {
    auto* values = new std::vector<std::optional<AttrValue>>(kAttrCount);
    for (size_t i = 0; i < kAttrCount; ++i) {
      if (kAttrs[i].default_text == "required") continue;
      auto value = ParseAttrValue(static_cast<Attr>(i), kAttrs[i].default_text);
      TERSOR_CHECK(value.ok());
      (*values)[i] = std::move(value).value();
    }
    return values;
  }();
  return *defaults;
}

auto FindItem(auto& items, Attr attr) {
  return std::lower_bound(items.begin(), items.end(), attr,
                          [](const auto& item, Attr key) { return item.first < key; });
}

}  // namespace

std::string_view AttrName(Attr attr) { return kAttrs[static_cast<size_t>(attr)].name; }

std::optional<Attr> ParseAttr(std::string_view name) {
  for (size_t i = 0; i < kAttrCount; ++i) {
    if (kAttrs[i].name == name) return static_cast<Attr>(i);
  }
  return std::nullopt;
}

AttrType AttrTypeOf(Attr attr) { return kAttrs[static_cast<size_t>(attr)].type; }
std::string_view AttrDoc(Attr attr) { return kAttrs[static_cast<size_t>(attr)].doc; }

std::pair<int64_t, int64_t> Padding::Same(int64_t extent, int64_t window, int64_t stride,
                                          int64_t dilation) {
  const int64_t output = (extent + stride - 1) / stride;
  const int64_t reach = (window - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>(0, (output - 1) * stride + reach - extent);
  return {total / 2, total - total / 2};
}

Padding Padding::Resolve(int64_t height, int64_t width, int64_t window_h, int64_t window_w,
                         int64_t stride_h, int64_t stride_w, int64_t dilation_h,
                         int64_t dilation_w) const {
  Padding resolved = *this;
  if (kind == Kind::kSame) {
    std::tie(resolved.top, resolved.bottom) = Same(height, window_h, stride_h, dilation_h);
    std::tie(resolved.left, resolved.right) = Same(width, window_w, stride_w, dilation_w);
  }
  resolved.kind = Kind::kExplicit;
  return resolved;
}

std::string_view ActivationName(Activation activation) {
  return kActivations[static_cast<size_t>(activation)].name;
}

std::optional<Activation> ParseActivation(std::string_view name) {
  for (size_t i = 0; i < std::size(kActivations); ++i) {
    if (kActivations[i].name == name) return static_cast<Activation>(i);
  }
  return std::nullopt;
}

ActivationBounds BoundsOf(Activation activation) {
  return kActivations[static_cast<size_t>(activation)].bounds;
}

bool Attributes::Has(Attr attr) const {
  auto item = FindItem(items_, attr);
  return item != items_.end() && item->first == attr;
}

Attributes& Attributes::Set(Attr attr, AttrValue value) {
  const AttrValue* default_value = AttrDefault(attr);
  if (default_value != nullptr && *default_value == value) {
    Erase(attr);
    return *this;
  }
  auto item = FindItem(items_, attr);
  if (item != items_.end() && item->first == attr) {
    item->second = std::move(value);
  } else {
    items_.insert(item, {attr, std::move(value)});
  }
  return *this;
}

void Attributes::Erase(Attr attr) {
  auto item = FindItem(items_, attr);
  if (item != items_.end() && item->first == attr) items_.erase(item);
}

const AttrValue& Attributes::Get(Attr attr) const {
  auto item = FindItem(items_, attr);
  if (item != items_.end() && item->first == attr) return item->second;
  const AttrValue* default_value = AttrDefault(attr);
  TERSOR_CHECK(default_value != nullptr);
  return *default_value;
}

const AttrValue* AttrDefault(Attr attr) {
  const auto& value = Defaults()[static_cast<size_t>(attr)];
  return value.has_value() ? &*value : nullptr;
}

std::string FormatAttrValue(Attr attr, const AttrValue& value) {
  switch (AttrTypeOf(attr)) {
    case AttrType::Activation:
      return std::string(ActivationName(std::get<Activation>(value)));
    case AttrType::Bool:
      return std::get<bool>(value) ? "true" : "false";
    case AttrType::Int:
      return std::to_string(std::get<int64_t>(value));
    case AttrType::Ints:
      return FormatInts(std::get<std::vector<int64_t>>(value));
    case AttrType::Type:
      return std::string(DTypeName(std::get<DType>(value)));
    case AttrType::Float: {
      char digits[32];
      auto [end, error] = std::to_chars(digits, digits + sizeof(digits), std::get<double>(value));
      return {digits, end};
    }
    case AttrType::Padding: {
      const auto& padding = std::get<Padding>(value);
      if (padding.kind == Padding::Kind::kSame) return "same";
      if (padding.kind == Padding::Kind::kValid) return "valid";
      return FormatInts({padding.top, padding.bottom, padding.left, padding.right});
    }
  }
  return {};
}

Result<AttrValue> ParseAttrValue(Attr attr, std::string_view text) {
  auto wrong = [&](std::string_view expected) {
    return InvalidArgument("attribute ", AttrName(attr), ": expected ", expected, ", found '", text,
                           "'");
  };
  switch (AttrTypeOf(attr)) {
    case AttrType::Activation: {
      auto activation = ParseActivation(text);
      if (!activation) return wrong(ActivationNames());
      return AttrValue(*activation);
    }
    case AttrType::Bool:
      if (text == "true") return AttrValue(true);
      if (text == "false") return AttrValue(false);
      return wrong("true or false");
    case AttrType::Int: {
      int64_t value = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return wrong("an integer");
      return AttrValue(value);
    }
    case AttrType::Float: {
      double value = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return wrong("a number");
      return AttrValue(value);
    }
    case AttrType::Ints: {
      TERSOR_ASSIGN_OR_RETURN(auto values, ParseInts(text));
      return AttrValue(std::move(values));
    }
    case AttrType::Type: {
      auto dtype = ParseDType(text);
      if (!dtype) return wrong("an element type");
      return AttrValue(*dtype);
    }
    case AttrType::Padding: {
      Padding padding;
      if (text == "valid") return AttrValue(padding);
      padding.kind = Padding::Kind::kSame;
      if (text == "same") return AttrValue(padding);
      TERSOR_ASSIGN_OR_RETURN(auto cells, ParseInts(text));
      if (cells.size() != 4) return wrong("same, valid or [top,bottom,left,right]");
      return AttrValue(Padding{Padding::Kind::kExplicit, cells[0], cells[1], cells[2], cells[3]});
    }
  }
  return wrong("a known type");
}

}  // namespace tersor
