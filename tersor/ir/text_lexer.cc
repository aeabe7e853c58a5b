#include "tersor/ir/text_lexer.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "tersor/ir/shape_rules.h"

namespace tersor::ir {
namespace {

constexpr size_t kShownCharacters = 24;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

size_t Lexer::Here() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      break;
    }
  }
  return at_;
}

bool Lexer::Take(std::string_view word) {
  if (text_.substr(Here(), word.size()) != word) return false;
  const size_t end = at_ + word.size();
  if (IsNameCharacter(word.back()) && end < text_.size() && IsNameCharacter(text_[end])) {
    return false;
  }
  at_ = end;
  return true;
}

Status Lexer::Expect(std::string_view word) {
  if (Take(word)) return OkStatus();
  return Unexpected(StrCat('\'', word, '\''));
}

Status Lexer::Fail(size_t place, std::string_view message) const {
  const std::string_view before = text_.substr(0, place);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return InvalidArgument(line, ':', place - line_start + 1, ": ", message);
}

Status Lexer::Unexpected(std::string_view expected) {
  const size_t start = Here();
  if (start == text_.size()) return Fail(start, StrCat("expected ", expected, ", the text ends"));
  size_t end = start + 1;
  if (IsNameCharacter(text_[start])) {
    while (end < text_.size() && end - start < kShownCharacters && IsNameCharacter(text_[end])) {
      ++end;
    }
  }
  return Fail(start,
              StrCat("expected ", expected, ", found '", text_.substr(start, end - start), '\''));
}

bool Lexer::NextIsDigits() {
  size_t end = Here();
  while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
  return end > at_ && (end == text_.size() || !IsNameCharacter(text_[end]));
}

Result<std::string> Lexer::ReadName() {
  if (NextIs('"')) return ReadQuoted();
  const size_t start = Here();
  while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
  if (at_ == start) return Unexpected("a name");
  return std::string(text_.substr(start, at_ - start));
}

Result<std::string> Lexer::ReadQuoted() {
  const size_t start = Here();
  TERSOR_RETURN_IF_ERROR(Expect("\""));
  std::string value;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] != '\\') {
      value += text_[at_++];
      continue;
    }
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const int high = at_ + 2 < text_.size() ? HexValue(text_[at_ + 2]) : -1;
    const int low = at_ + 3 < text_.size() ? HexValue(text_[at_ + 3]) : -1;
    if (escaped == '"' || escaped == '\\') {
      value += escaped;
    } else if (escaped == 'n') {
      value += '\n';
    } else if (escaped == 'x' && high >= 0 && low >= 0) {
      value += static_cast<char>(high * 16 + low);
      at_ += 2;
    } else {
      return Fail(at_, R"(expected \", \\, \n or \x and two hexadecimal digits)");
    }
    at_ += 2;
  }
  if (at_ == text_.size()) return Fail(start, "quoted text has no end");
  ++at_;
  return value;
}

Result<std::string_view> Lexer::ReadValue() {
  const size_t start = Here();
  if (NextIs('[')) {
    const size_t end = text_.find(']', start);
    if (end == std::string_view::npos) return Fail(start, "list has no end");
    at_ = end + 1;
  } else {
    while (at_ < text_.size() && (IsNameCharacter(text_[at_]) || text_[at_] == '+')) ++at_;
    if (at_ == start) return Unexpected("a value");
  }
  return text_.substr(start, at_ - start);
}

Result<Shape> Lexer::ReadShape() {
  std::vector<int64_t> dims;
  TERSOR_RETURN_IF_ERROR(Expect("["));
  if (Take("]")) return Shape();
  do {
    const size_t place = Here();
    if (place < text_.size() && std::isalpha(static_cast<unsigned char>(text_[place])) != 0) {
      TERSOR_ASSIGN_OR_RETURN(const std::string name, ReadName());
      const auto symbol = ParseSymbol(name);
      if (!symbol) {
        return Fail(place, StrCat("expected an extent, found '", name.substr(0, kShownCharacters),
                                  "', which is no name of up to 10 letters, digits and _"));
      }
      dims.push_back(*symbol);
      continue;
    }
    TERSOR_ASSIGN_OR_RETURN(const int64_t extent, ReadNumber<int64_t>());
    if (extent < 1) return Fail(place, StrCat("extent is ", extent, ", expected at least 1"));
    dims.push_back(extent);
  } while (Take(","));
  TERSOR_RETURN_IF_ERROR(Expect("]"));
  return Shape(std::move(dims));
}

Result<Quantization> Lexer::ReadQuantization() {
  Quantization quantization;
  TERSOR_RETURN_IF_ERROR(Expect("("));
  if (NextIs('[')) {
    TERSOR_ASSIGN_OR_RETURN(quantization.scales, ReadNumbers<float>());
    TERSOR_RETURN_IF_ERROR(Expect(","));
    TERSOR_ASSIGN_OR_RETURN(quantization.zero_points, ReadNumbers<int32_t>());
    TERSOR_RETURN_IF_ERROR(Expect(","));
    TERSOR_RETURN_IF_ERROR(Expect("axis"));
    TERSOR_RETURN_IF_ERROR(Expect("="));
    TERSOR_ASSIGN_OR_RETURN(quantization.axis, ReadNumber<int>());
    if (Take(",")) {
      TERSOR_RETURN_IF_ERROR(Expect("group"));
      TERSOR_RETURN_IF_ERROR(Expect("="));
      const size_t place = Here();
      TERSOR_ASSIGN_OR_RETURN(quantization.group_size, ReadNumber<int64_t>());
      if (quantization.group_size < 1) return Fail(place, "a group has 1 element or more");
    }
  } else {
    TERSOR_ASSIGN_OR_RETURN(const float scale, ReadNumber<float>());
    TERSOR_RETURN_IF_ERROR(Expect(","));
    TERSOR_ASSIGN_OR_RETURN(const int32_t zero_point, ReadNumber<int32_t>());
    quantization.scales = {scale};
    quantization.zero_points = {zero_point};
  }
  TERSOR_RETURN_IF_ERROR(Expect(")"));
  return quantization;
}

Result<TensorType> Lexer::ReadType() {
  const size_t start = Here();
  TERSOR_ASSIGN_OR_RETURN(const std::string name, ReadName());
  const auto dtype = ParseDType(name);
  if (!dtype)
    return Fail(start, StrCat("unknown element type '", name.substr(0, kShownCharacters), '\''));
  TensorType type;
  type.dtype = *dtype;
  TERSOR_ASSIGN_OR_RETURN(type.shape, ReadShape());
  if (Take("q")) {
    TERSOR_ASSIGN_OR_RETURN(type.quantization, ReadQuantization());
  }
  if (Status status = CheckType(type); !status.ok()) return At(start, status);
  return type;
}

}  // namespace tersor::ir
