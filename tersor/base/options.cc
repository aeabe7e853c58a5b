#include "tersor/base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tersor {
namespace {

template <typename Item, typename Print>
std::string Joined(const std::vector<Item>& items, Print print) {
  std::string text;
  for (const Item& item : items) text += (text.empty() ? "" : ",") + print(item);
  return text;
}

std::string RealText(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, static_cast<size_t>(end - text)};
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kDigits[] = "0123456789abcdef";
      quoted += StrCat("\\u00", kDigits[c >> 4], kDigits[c & 15]);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The words of YAML.
std::optional<bool> ParseBool(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

std::string_view KindText(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "true or false";
    case OptionType::kInteger:
      return "a whole number";
    case OptionType::kReal:
      return "a number";
    case OptionType::kText:
      return "a text";
    case OptionType::kChoice:
      return "a name";
    case OptionType::kTexts:
      return "texts";
    case OptionType::kReals:
      return "numbers";
  }
  return "";
}

// A bound is written without an exponent where it is whole.
std::string BoundText(double bound) {
  constexpr double kLargestWhole = 1e15;
  const bool whole = std::fabs(bound) < kLargestWhole && bound == std::floor(bound);
  return whole ? std::to_string(static_cast<int64_t>(bound)) : RealText(bound);
}

// "0 or more", "more than 0, at most 100", or nothing.
std::string BoundsText(const Legal& legal) {
  const bool least = std::isfinite(legal.least), most = std::isfinite(legal.most);
  if (least && most && !legal.above) {
    return StrCat(BoundText(legal.least), " to ", BoundText(legal.most));
  }
  std::string text;
  if (least && legal.above) {
    text = StrCat("more than ", BoundText(legal.least));
  } else if (least) {
    text = StrCat(BoundText(legal.least), " or more");
  }
  if (most) text += StrCat(text.empty() ? "" : ", ", "at most ", BoundText(legal.most));
  return text;
}

bool InBounds(const Legal& legal, double number) {
  return std::isfinite(number) && number >= legal.least && number <= legal.most &&
         !(legal.above && number == legal.least);
}

Status Unfit(std::string_view found, std::string_view expected) {
  return InvalidArgument("found '", found, "', expected ", expected);
}

Status CheckBounds(const Option& option, double number) {
  if (InBounds(option.legal, number)) return OkStatus();
  const std::string bounds = BoundsText(option.legal);
  return Unfit(RealText(number), bounds.empty() ? "a finite number" : bounds);
}

Status CheckChoice(const Option& option, const std::string& name) {
  if (std::find(option.choices.begin(), option.choices.end(), name) != option.choices.end()) {
    return OkStatus();
  }
  return Unfit(name, OneOf(option.choices));
}

// How many letters must be changed, added, taken away or swapped with the next one to make one text
// of the other.
size_t Distance(std::string_view a, std::string_view b) {
  // Rows of the table of distances between beginnings: of two letters fewer of `a`, one fewer, all.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

Result<OptionValue> ParseReals(const Option& option, std::span<const std::string> texts) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    const auto number = ParseNumber<double>(text);
    if (!number) return Unfit(text, KindText(OptionType::kReal));
    TERSOR_RETURN_IF_ERROR(CheckBounds(option, *number));
    numbers.push_back(*number);
  }
  return OptionValue(std::move(numbers));
}

}  // namespace

const Option* FindOption(OptionTable table, std::string_view name) {
  for (const Option& option : table) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

Result<OptionValue> ParseOption(const Option& option, std::string_view text) {
  if (option.type == OptionType::kTexts || option.type == OptionType::kReals) {
    std::vector<std::string> items;
    for (size_t at = 0; at < text.size();) {
      const size_t comma = std::min(text.find(',', at), text.size());
      items.emplace_back(text.substr(at, comma - at));
      at = comma + 1;
    }
    return ParseOption(option, std::span<const std::string>(items));
  }
  const std::string whole(text);
  return ParseOption(option, std::span(&whole, 1));
}

Result<OptionValue> ParseOption(const Option& option, std::span<const std::string> texts) {
  if (option.type == OptionType::kTexts) {
    return OptionValue(std::vector(texts.begin(), texts.end()));
  }
  if (option.type == OptionType::kReals) return ParseReals(option, texts);
  if (texts.size() != 1) {
    return InvalidArgument("found ", texts.size(), " values, expected ", KindText(option.type));
  }
  const std::string& text = texts[0];
  std::optional<OptionValue> value;
  switch (option.type) {
    case OptionType::kBool:
      if (const auto parsed = ParseBool(text)) value = *parsed;
      break;
    case OptionType::kInteger:
      if (const auto parsed = ParseNumber<int64_t>(text)) value = *parsed;
      break;
    case OptionType::kReal:
      if (const auto parsed = ParseNumber<double>(text)) value = *parsed;
      break;
    default:
      value = text;
  }
  if (!value) return Unfit(text, KindText(option.type));
  TERSOR_RETURN_IF_ERROR(CheckOption(option, *value));
  return *std::move(value);
}

Status CheckOption(const Option& option, const OptionValue& value) {
  const bool typed = [&] {
    switch (option.type) {
      case OptionType::kBool:
        return std::holds_alternative<bool>(value);
      case OptionType::kInteger:
        return std::holds_alternative<int64_t>(value);
      case OptionType::kReal:
        return std::holds_alternative<double>(value);
      case OptionType::kText:
      case OptionType::kChoice:
        return std::holds_alternative<std::string>(value);
      case OptionType::kTexts:
        return std::holds_alternative<std::vector<std::string>>(value);
      case OptionType::kReals:
        return std::holds_alternative<std::vector<double>>(value);
    }
    return false;
  }();
  if (!typed) return Unfit(OptionText(value), KindText(option.type));
  switch (option.type) {
    case OptionType::kInteger:
      return CheckBounds(option, static_cast<double>(std::get<int64_t>(value)));
    case OptionType::kReal:
      return CheckBounds(option, std::get<double>(value));
    case OptionType::kReals:
      for (double number : std::get<std::vector<double>>(value)) {
        TERSOR_RETURN_IF_ERROR(CheckBounds(option, number));
      }
      return OkStatus();
    case OptionType::kChoice:
      return CheckChoice(option, std::get<std::string>(value));
    default:
      return OkStatus();
  }
}

Status CheckOptions(OptionTable table, const void* object) {
  for (const Option& option : table) {
    if (Status status = CheckOption(option, option.get(object)); !status.ok()) {
      return status.WithContext(option.name);
    }
  }
  return OkStatus();
}

std::string LegalText(const Option& option) {
  if (option.type == OptionType::kChoice) return OneOf(option.choices);
  const std::string bounds = BoundsText(option.legal);
  if (bounds.empty()) return std::string(KindText(option.type));
  return option.type == OptionType::kReals ? StrCat("numbers, each ", bounds) : bounds;
}

std::string OptionText(const OptionValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using T = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::same_as<T, bool>) {
          return held ? "true" : "false";
        } else if constexpr (std::same_as<T, int64_t>) {
          return std::to_string(held);
        } else if constexpr (std::same_as<T, double>) {
          return RealText(held);
        } else if constexpr (std::same_as<T, std::string>) {
          return held;
        } else if constexpr (std::same_as<T, std::vector<double>>) {
          return Joined(held, RealText);
        } else {
          return Joined(held, [](const std::string& text) { return text; });
        }
      },
      value);
}

std::string OptionJson(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return Quoted(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    return StrCat("[", Joined(*texts, Quoted), "]");
  }
  const std::string text = OptionText(value);
  return std::holds_alternative<std::vector<double>>(value) ? StrCat("[", text, "]") : text;
}

std::optional<std::string_view> NearestName(std::string_view name,
                                            std::span<const std::string_view> known) {
  constexpr size_t kShortestBeginning = 3;
  std::optional<std::string_view> nearest;
  size_t least = std::max<size_t>(3, name.size()) / 3;  // more letters than these are another word
  for (std::string_view candidate : known) {
    if (const size_t distance = Distance(name, candidate); distance <= least) {
      if (!nearest || distance < least) nearest = candidate;
      least = distance;
    }
  }
  if (nearest || name.size() < kShortestBeginning) return nearest;
  const auto longer = std::find_if(known.begin(), known.end(), [&](std::string_view candidate) {
    return candidate.substr(0, name.size()) == name;
  });
  return longer == known.end() ? std::nullopt : std::optional(*longer);
}

std::string UnknownName(std::string_view name, std::span<const std::string_view> known) {
  const auto nearest = NearestName(name, known);
  return StrCat("unknown, ", nearest ? StrCat("did you mean '", *nearest, "'? ") : "", "expected ",
                OneOf(known));
}

std::string UnknownOption(OptionTable table, std::string_view name) {
  std::vector<std::string_view> known;
  for (const Option& option : table) known.push_back(option.name);
  return UnknownName(name, known);
}

std::string OneOf(std::span<const std::string_view> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += StrCat(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ", names[i]);
  }
  return text;
}

std::string FlagName(std::string_view name) {
  std::string flag = StrCat("--", name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

OptionValues ValuesOf(OptionTable table, const void* object) {
  OptionValues values;
  for (const Option& option : table) values.emplace(option.name, option.get(object));
  return values;
}

OptionValues CompleteValues(OptionTable table, const OptionValues& given) {
  OptionValues values = given;
  for (const Option& option : table)
    values.try_emplace(std::string(option.name), option.standard());
  return values;
}

void SetOptions(OptionTable table, const OptionValues& values, void* object) {
  for (const auto& [name, value] : values) {
    const Option* option = FindOption(table, name);
    TERSOR_CHECK(option != nullptr);
    option->set(object, value);
  }
}

bool HasMeaning(OptionTable table, const Option& option, const OptionValues& values) {
  const Legal& legal = option.legal;
  if (legal.when_option.empty()) return true;
  const Option* other = FindOption(table, legal.when_option);
  TERSOR_CHECK(other != nullptr);
  const std::string chosen = StrCat(" ", OptionText(values.find(other->name)->second), " ");
  return StrCat(" ", legal.when_choices, " ").find(chosen) != std::string::npos &&
         HasMeaning(table, *other, values);
}

std::string OptionsJson(OptionTable table, const OptionValues& values) {
  std::string json;
  for (const auto& [name, value] : values) {  // sorted
    const Option* option = FindOption(table, name);
    TERSOR_CHECK(option != nullptr);
    if (!HasMeaning(table, *option, values)) continue;
    json += StrCat(json.empty() ? "" : ",", Quoted(name), ":", OptionJson(value));
  }
  return StrCat("{", json, "}");
}

std::map<std::string, std::string> BitsOf(OptionTable table, const OptionValues& values) {
  std::map<std::string, std::string> bits;
  for (const Option& option : table) {
    if (option.bits == kNoBits || !HasMeaning(table, option, values)) continue;
    bits.emplace(option.name, OptionText(values.find(option.name)->second));
  }
  return bits;
}

}  // namespace tersor
