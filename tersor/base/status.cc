#include "tersor/base/status.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace tersor {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kDataLoss:
      return "damaged data";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kResourceExhausted:
      return "resource exhausted";
    case StatusCode::kFailedPrecondition:
      return "failed precondition";
    case StatusCode::kIoError:
      return "i/o error";
    case StatusCode::kInternal:
      return "internal error";
  }
  return "unknown";
}

void TextPiece::AppendTo(std::string& out) const {
  switch (kind_) {
    case Kind::kText:
      out += text_;
      break;
    case Kind::kCharacter:
      out += character_;
      break;
    case Kind::kReal: {
      char digits[32];
      const auto end =
          std::to_chars(digits, digits + sizeof(digits), real_, std::chars_format::general, 6).ptr;
      out.append(digits, end);
      break;
    }
    case Kind::kSigned:
      out += std::to_string(signed_);
      break;
    case Kind::kUnsigned:
      out += std::to_string(unsigned_);
      break;
  }
}

std::string JoinPieces(std::initializer_list<TextPiece> pieces) {
  std::string text;
  for (const TextPiece& piece : pieces) piece.AppendTo(text);
  return text;
}

Status JoinFailure(StatusCode code, std::initializer_list<TextPiece> pieces) {
  return {code, JoinPieces(pieces)};
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return {code_, StrCat(context, ": ", message_)};
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace tersor
