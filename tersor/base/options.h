// Options: a struct of settings that is declared once, as a list of rows, and is known by that list
// to files, flags, checkpoints, pages and searches.
//
//   noise_options.inc   OPTION(double, stddev, 0.01, AtLeast(0), kBits, "standard deviation")
//
//   header              struct NoiseOptions {
//                       #define OPTION OPTION_MEMBER
//                       #include "tersor/.../noise_options.inc"
//                       #undef OPTION
//                         static OptionTable Table();
//                       };
//
//   source              OptionTable NoiseOptions::Table() {
//                         static constexpr Option kRows[] = {
//                       #define OPTION(type, name, value, ...)
//                           MakeOption<&NoiseOptions::name>(#name, __VA_ARGS__),
//                       #include "tersor/.../noise_options.inc"
//                       #undef OPTION
//                         };
//                         return kRows;
//                       }
//
// The columns of a row:
//   type     bool, any integer, double, std::string, std::vector<std::string>,
//            std::vector<double>, or an enumeration whose values count from 0 and whose names
//            `std::span<const std::string_view> OptionNames(Enum)` gives, found by its argument
//   name     of the member; the key in YAML and JSON. The flag is the same with dashes
//   value    the default
//   legal    Any(), AtLeast(0), Above(0), Between(0, 1), AboveUpTo(0, 100); then .Log() where a
//            search draws from the logarithm, .When("kind", "adam adamw") where the option has a
//            meaning only while the option `kind` of the same list has one of these values, and
//            .PerLayer() where layers may differ (compression/levels.h)
//   bits     kBits when the option decides the bits of the result, else kNoBits
//   doc      one line for people: no capital at its beginning, no full stop at its end
//
// Everything here is a function of its arguments: any number of threads may call it.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "tersor/base/status.h"

namespace tersor {

/// The member that a row of a list declares.
#define OPTION_MEMBER(type, name, value, legal, bits, doc) type name = value;

/// The value of an option. An enumeration's is its name.
using OptionValue =
    std::variant<bool, int64_t, double, std::string, std::vector<std::string>, std::vector<double>>;
/// Values by the names of their options.
using OptionValues = std::map<std::string, OptionValue, std::less<>>;

enum class OptionType : uint8_t { kBool, kInteger, kReal, kText, kChoice, kTexts, kReals };

/// Whether an option decides the bits of the result (a learning rate does, a path does not). A
/// checkpoint can be resumed only if all options that do have the same values as before.
enum OptionBits : bool { kNoBits = false, kBits = true };

/// Which values are legal besides those that the type already excludes, and when an option has a
/// meaning. The bounds are those of a number, or of each number of a list.
struct Legal {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool above = false;                  ///< `least` itself is not legal
  bool log = false;                    ///< a search draws from the logarithm
  bool per_layer = false;              ///< a technique may give a layer a value of its own
  std::string_view when_option = {};   ///< empty: the option always has a meaning
  std::string_view when_choices = {};  ///< names with spaces between them

  constexpr Legal Log() const {
    Legal copy = *this;
    copy.log = true;
    return copy;
  }
  constexpr Legal PerLayer() const {
    Legal copy = *this;
    copy.per_layer = true;
    return copy;
  }
  constexpr Legal When(std::string_view option, std::string_view choices) const {
    Legal copy = *this;
    copy.when_option = option;
    copy.when_choices = choices;
    return copy;
  }
};

constexpr Legal Any() { return {}; }
constexpr Legal AtLeast(double least) { return {.least = least}; }
constexpr Legal Above(double least) { return {.least = least, .above = true}; }
constexpr Legal Between(double least, double most) { return {.least = least, .most = most}; }
constexpr Legal AboveUpTo(double least, double most) {
  return {.least = least, .most = most, .above = true};
}

/// One row of a list. `get`, `set` and `standard` act on the struct that the list declares.
struct Option {
  std::string_view name;
  OptionType type;
  Legal legal;
  OptionBits bits;
  std::string_view doc;
  std::span<const std::string_view> choices;  ///< of kChoice
  OptionValue (*get)(const void* object);
  void (*set)(void* object, const OptionValue& value);  ///< `value` passes CheckOption
  OptionValue (*standard)();                            ///< the default
};

using OptionTable = std::span<const Option>;

/// The row of this name, or null.
const Option* FindOption(OptionTable table, std::string_view name);

/// The value that a text means, checked. A list is a text with commas between its items. The
/// failure says what was found and what is legal: "found '101', expected more than 0, at most 100".
Result<OptionValue> ParseOption(const Option& option, std::string_view text);
/// The same of texts: one for an option that is no list, any number for one that is.
Result<OptionValue> ParseOption(const Option& option, std::span<const std::string> texts);
/// Whether the value has the option's type and is legal.
Status CheckOption(const Option& option, const OptionValue& value);
/// Whether the values of this struct are legal. Failures begin with the option's name.
Status CheckOptions(OptionTable table, const void* object);

/// What is legal, for people: "0 or more", "sgd, adam or adamw", "true or false", "a text".
std::string LegalText(const Option& option);
/// The value as people write it: "0.1", "true", "dense*,conv1". A real number is written with the
/// fewest digits that give the same number when they are read.
std::string OptionText(const OptionValue& value);
/// The value as JSON. Reals as in OptionText.
std::string OptionJson(const OptionValue& value);

/// The known name that was most likely meant: one that differs in at most a third of its letters,
/// else one that begins with `name`.
std::optional<std::string_view> NearestName(std::string_view name,
                                            std::span<const std::string_view> known);
/// "unknown, did you mean 'percentile'? expected calibration or percentile".
std::string UnknownName(std::string_view name, std::span<const std::string_view> known);
std::string UnknownOption(OptionTable table, std::string_view name);
/// "a, b or c".
std::string OneOf(std::span<const std::string_view> names);
/// "weight_decay" as the name of a flag: "--weight-decay".
std::string FlagName(std::string_view name);

/// The values of all rows: those of a struct, and the defaults with `given` above them.
OptionValues ValuesOf(OptionTable table, const void* object);
OptionValues CompleteValues(OptionTable table, const OptionValues& given);
/// Puts values into a struct. Each name is a row and each value is legal.
void SetOptions(OptionTable table, const OptionValues& values, void* object);

/// Whether the option has a meaning beside these values, which hold all rows: what its row asks of
/// another option is so, and that one has a meaning itself.
bool HasMeaning(OptionTable table, const Option& option, const OptionValues& values);

/// Canonical JSON of complete values: one object, sorted keys, no spaces. Defaults are in it, so
/// that it means the same when a default changes later; options without a meaning are left out, so
/// that two texts which say the same give the same JSON.
std::string OptionsJson(OptionTable table, const OptionValues& values);

/// The values that decide bits, as texts: what a checkpoint remembers of these options.
std::map<std::string, std::string> BitsOf(OptionTable table, const OptionValues& values);

// --- The same for a struct with a Table() ---

template <typename Options>
OptionValues ValuesOf(const Options& options) {
  return ValuesOf(Options::Table(), &options);
}
template <typename Options>
Status CheckOptions(const Options& options) {
  return CheckOptions(Options::Table(), &options);
}
template <typename Options>
std::string OptionsJson(const Options& options) {
  return OptionsJson(Options::Table(), ValuesOf(options));
}

// --- Names of enumerations that are options ---

template <typename Enum>
std::string_view OptionName(Enum value) {
  return OptionNames(value)[static_cast<size_t>(value)];
}
template <typename Enum>
std::optional<Enum> ParseOptionName(std::string_view name) {
  const std::span<const std::string_view> names = OptionNames(Enum{});
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

// --- How a row is made ---

namespace options_internal {

template <typename T>
constexpr OptionType TypeOf() {
  if constexpr (std::same_as<T, bool>) {
    return OptionType::kBool;
  } else if constexpr (std::is_enum_v<T>) {
    return OptionType::kChoice;
  } else if constexpr (std::integral<T>) {
    return OptionType::kInteger;
  } else if constexpr (std::floating_point<T>) {
    return OptionType::kReal;
  } else if constexpr (std::same_as<T, std::string>) {
    return OptionType::kText;
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {
    return OptionType::kTexts;
  } else {
    static_assert(std::same_as<T, std::vector<double>>, "no type of an option");
    return OptionType::kReals;
  }
}

template <typename T>
OptionValue ToValue(const T& member) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(OptionName(member));
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    return static_cast<int64_t>(member);
  } else {
    return member;
  }
}

template <typename T>
void FromValue(const OptionValue& value, T& member) {
  if constexpr (std::is_enum_v<T>) {
    member = *ParseOptionName<T>(std::get<std::string>(value));
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    member = static_cast<T>(std::get<int64_t>(value));
  } else {
    member = std::get<T>(value);
  }
}

template <typename Struct, typename Member>
Struct StructOf(Member Struct::*);
template <typename Struct, typename Member>
Member MemberOf(Member Struct::*);

// The option that `object.*first.*rest` is.
template <auto first, auto... rest>
struct Access {
  using Struct = decltype(StructOf(first));

  template <typename Object>
  static auto& Follow(Object& object) {
    if constexpr (sizeof...(rest) == 0) {
      return object.*first;
    } else {
      return Access<rest...>::Follow(object.*first);
    }
  }
  using Member = std::remove_cvref_t<decltype(Follow(std::declval<Struct&>()))>;

  static OptionValue Get(const void* object) {
    return ToValue(Follow(*static_cast<const Struct*>(object)));
  }
  static void Set(void* object, const OptionValue& value) {
    FromValue(value, Follow(*static_cast<Struct*>(object)));
  }
  static OptionValue Standard() { return ToValue(Follow(static_cast<const Struct&>(Struct()))); }
};

}  // namespace options_internal

/// Makes the row of a member: MakeOption<&NoiseOptions::stddev>(...). A member of a member needs
/// both pointers: MakeOption<&TrainerOptions::schedule, &ScheduleOptions::floor>(...).
template <auto... members>
constexpr Option MakeOption(std::string_view name, Legal legal, OptionBits bits,
                            std::string_view doc) {
  using Access = options_internal::Access<members...>;
  using Member = typename Access::Member;
  Option option{name,
                options_internal::TypeOf<Member>(),
                legal,
                bits,
                doc,
                {},
                &Access::Get,
                &Access::Set,
                &Access::Standard};
  if constexpr (std::is_enum_v<Member>) option.choices = OptionNames(Member{});
  return option;
}

/// A row of a list that is part of a larger one. Its option `kind` is there called as the part is:
/// the kind of a schedule is the option `schedule` of a training.
constexpr Option InGroup(std::string_view group, Option option) {
  if (option.name == "kind") option.name = group;
  if (option.legal.when_option == "kind") option.legal.when_option = group;
  return option;
}

}  // namespace tersor
