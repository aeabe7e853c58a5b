// Status and Result: how every function of Tersor that can fail says so.
//
// A failure that a file, a flag, the network or a full disk can cause is a Status, never an abort
// and never an exception. A message says where, what was found and what was expected; it starts
// lower case and has no full stop: "model.tflite: buffer 3 ends at byte 9120, file has 8192 bytes".
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tersor {

enum class StatusCode {
  kOk,
  kInvalidArgument,     ///< the caller asked for something that makes no sense (exit code 2 in the
                        ///< CLI)
  kNotFound,            ///< a file, a name or an entry does not exist
  kDataLoss,            ///< a file or a record is damaged, truncated or hostile
  kUnsupported,         ///< well-formed, but outside of what this build can do
  kResourceExhausted,   ///< out of memory, disk or a stated limit
  kFailedPrecondition,  ///< not now: the object is in the wrong state
  kIoError,             ///< the operating system refused
  kInternal,            ///< our own bug
};

std::string_view StatusCodeName(StatusCode code);

/// The outcome of an operation without a value. Cheap to move; an ok status allocates nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same failure with "context: " before its message; ok stays ok.
  Status WithContext(std::string_view context) const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }

/// One argument of StrCat: text, a character, a number. Refers to the text that it is made from.
/// Messages are put together in one place, so that a call costs few bytes of code.
class TextPiece {
 public:
  TextPiece(const char* text) : TextPiece(std::string_view(text)) {}         // NOLINT: implicit
  TextPiece(const std::string& text) : TextPiece(std::string_view(text)) {}  // NOLINT: implicit
  TextPiece(std::string_view text) : kind_(Kind::kText), text_(text) {}      // NOLINT: implicit
  TextPiece(char c) : kind_(Kind::kCharacter), character_(c) {}              // NOLINT: implicit
  TextPiece(double number) : kind_(Kind::kReal), real_(number) {}            // NOLINT: implicit
  template <std::signed_integral T>
  TextPiece(T number) : kind_(Kind::kSigned), signed_(number) {}  // NOLINT: implicit
  template <std::unsigned_integral T>
  TextPiece(T number) : kind_(Kind::kUnsigned), unsigned_(number) {}  // NOLINT: implicit

  void AppendTo(std::string& out) const;

 private:
  enum class Kind : uint8_t { kText, kCharacter, kReal, kSigned, kUnsigned };
  Kind kind_;
  union {
    std::string_view text_;
    char character_;
    double real_;
    int64_t signed_;
    uint64_t unsigned_;
  };
};

std::string JoinPieces(std::initializer_list<TextPiece> pieces);
Status JoinFailure(StatusCode code, std::initializer_list<TextPiece> pieces);

/// Joins its arguments; real numbers with six digits. For error messages and names, not for hot
/// paths.
template <typename... Args>
std::string StrCat(const Args&... args) {
  return JoinPieces({TextPiece(args)...});
}

template <typename... Args>
Status InvalidArgument(const Args&... args) {
  return JoinFailure(StatusCode::kInvalidArgument, {TextPiece(args)...});
}
template <typename... Args>
Status NotFound(const Args&... args) {
  return JoinFailure(StatusCode::kNotFound, {TextPiece(args)...});
}
template <typename... Args>
Status DataLoss(const Args&... args) {
  return JoinFailure(StatusCode::kDataLoss, {TextPiece(args)...});
}
template <typename... Args>
Status Unsupported(const Args&... args) {
  return JoinFailure(StatusCode::kUnsupported, {TextPiece(args)...});
}
template <typename... Args>
Status ResourceExhausted(const Args&... args) {
  return JoinFailure(StatusCode::kResourceExhausted, {TextPiece(args)...});
}
template <typename... Args>
Status FailedPrecondition(const Args&... args) {
  return JoinFailure(StatusCode::kFailedPrecondition, {TextPiece(args)...});
}
template <typename... Args>
Status IoError(const Args&... args) {
  return JoinFailure(StatusCode::kIoError, {TextPiece(args)...});
}
template <typename... Args>
Status Internal(const Args&... args) {
  return JoinFailure(StatusCode::kInternal, {TextPiece(args)...});
}

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

/// For our own bugs only: aborts with the place when the condition does not hold. Never on user
/// input.
#define TERSOR_CHECK(condition) \
  ((condition) ? (void)0 : ::tersor::CheckFailed(__FILE__, __LINE__, #condition))

/// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit by design
    TERSOR_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  /// The value. Only when ok(): asking a failure for its value is our own bug.
  T& value() & {
    TERSOR_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    TERSOR_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    TERSOR_CHECK(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

#define TERSOR_CONCAT_INNER(a, b) a##b
#define TERSOR_CONCAT(a, b) TERSOR_CONCAT_INNER(a, b)

/// Returns the failure of `expression` (a Status) to the caller.
#define TERSOR_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                            \
    if (::tersor::Status tersor_status = (expression); !tersor_status.ok()) return tersor_status; \
  } while (false)

/// TERSOR_ASSIGN_OR_RETURN(auto x, F()): x becomes the value of F(), or the caller returns F()'s
/// failure.
#define TERSOR_ASSIGN_OR_RETURN(declaration, expression) \
  TERSOR_ASSIGN_OR_RETURN_INNER(TERSOR_CONCAT(tersor_result_, __LINE__), declaration, expression)
#define TERSOR_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                          \
  if (!result.ok()) return result.status();                            \
  declaration = std::move(result).value()

}  // namespace tersor
