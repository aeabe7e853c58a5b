// Reads the words of the text form: names, numbers, quoted strings, types.
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor::ir {

/// [A-Za-z0-9_./-]: what a name may have without quotes.
constexpr bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '-';
}

/// A position in a text. Spaces, line ends and comments (# to the end of the line) separate words.
/// A Read function that fails leaves the position at the place where it failed.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  /// Where the next word begins, after separators.
  size_t Here();
  bool AtEnd() { return Here() == text_.size(); }
  bool NextIs(char c) { return !AtEnd() && text_[at_] == c; }
  /// Takes `word` if it comes next. A word of letters must not go on with a name character.
  bool Take(std::string_view word);
  Status Expect(std::string_view word);

  Result<std::string> ReadName();  ///< bare or quoted
  /// Whether the next name is bare and all digits.
  bool NextIsDigits();
  Result<std::string> ReadQuoted();
  /// An attribute's value: a list in brackets as it stands, or a run of name characters and '+'.
  Result<std::string_view> ReadValue();
  Result<TensorType> ReadType();  ///< with its quantization, if any; passes CheckType

  template <typename T>
  Result<T> ReadNumber() {
    T number{};
    const size_t start = Here();
    auto [end, error] = std::from_chars(text_.data() + start, text_.data() + text_.size(), number);
    if (error == std::errc::result_out_of_range) return Fail(start, "number is out of range");
    if (error != std::errc()) return Unexpected("a number");
    at_ = static_cast<size_t>(end - text_.data());
    return number;
  }

  /// "[1, 2]"
  template <typename T>
  Result<std::vector<T>> ReadNumbers() {
    std::vector<T> numbers;
    TERSOR_RETURN_IF_ERROR(Expect("["));
    if (Take("]")) return numbers;
    do {
      TERSOR_ASSIGN_OR_RETURN(T number, ReadNumber<T>());
      numbers.push_back(number);
    } while (Take(","));
    TERSOR_RETURN_IF_ERROR(Expect("]"));
    return numbers;
  }

  /// A failure at a place: "12:7: ...", from 1, columns in bytes.
  Status Fail(size_t place, std::string_view message) const;
  Status At(size_t place, const Status& status) const { return Fail(place, status.message()); }
  /// A failure at the next word, which it shows.
  Status Unexpected(std::string_view expected);

 private:
  Result<Shape> ReadShape();
  Result<Quantization> ReadQuantization();

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace tersor::ir
