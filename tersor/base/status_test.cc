#include "tersor/base/status.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace tersor {
namespace {

TEST(StrCat, JoinsTextAndNumbers) {
  const std::string text = "b";
  EXPECT_EQ(StrCat("a", text, std::string_view("c"), 'd'), "abcd");
  EXPECT_EQ(StrCat(), "");
  EXPECT_EQ(StrCat(int8_t{-5}, ' ', uint8_t{200}, ' ', -7, ' ', 7u, ' ', true), "-5 200 -7 7 1");
  EXPECT_EQ(StrCat(std::numeric_limits<int64_t>::min(), ' ', std::numeric_limits<uint64_t>::max()),
            "-9223372036854775808 18446744073709551615");
}

TEST(StrCat, GivesSixDigits) {
  EXPECT_EQ(StrCat(0.1f, ' ', 1.0, ' ', 1234567.0, ' ', 1e-7, ' ', -2.5),
            "0.1 1 1.23457e+06 1e-07 -2.5");
  EXPECT_EQ(StrCat(std::numeric_limits<float>::infinity()), "inf");
}

TEST(Status, ContextStandsBeforeTheMessage) {
  const Status status = NotFound("buffer ", 3).WithContext("model.tflite");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "model.tflite: buffer 3");
  EXPECT_TRUE(OkStatus().WithContext("model.tflite").ok());
}

TEST(Result, GivesTheValueOrTheFailure) {
  const auto half = [](int x) -> Result<int> {
    if (x % 2 != 0) return InvalidArgument(x, " is odd");
    return x / 2;
  };
  const auto quarter = [&](int x) -> Result<int> {
    TERSOR_ASSIGN_OR_RETURN(const int y, half(x));
    return half(y);
  };
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).status().message(), "3 is odd");
}

}  // namespace
}  // namespace tersor
