#include "tersor/base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tersor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

enum class Shape : uint8_t { kFlat, kRound, kSquare };
constexpr std::string_view kShapeNames[] = {"flat", "round", "square"};
constexpr std::span<const std::string_view> OptionNames(Shape) { return kShapeNames; }

#define INNER_ROWS(OPTION)                                                                      \
  OPTION(Shape, kind, Shape::kFlat, Any(), kBits, "what it looks like")                         \
  OPTION(double, radius, 0.5, AboveUpTo(0, 100).When("kind", "round"), kBits, "of a round one") \
  OPTION(bool, hollow, false, Any().When("kind", "round"), kNoBits, "a ring")                   \
  OPTION(double, hole, 0.1, Any().When("hollow", "true"), kBits, "radius of the hole")          \
  OPTION(int, corners, 4, Between(3, 8).When("kind", "square flat"), kBits, "how many")

struct Inner {
  INNER_ROWS(OPTION_MEMBER)
  static OptionTable Table() {
#define ROW(type, name, value, legal, bits, doc) MakeOption<&Inner::name>(#name, legal, bits, doc),
    static constexpr Option kRows[] = {INNER_ROWS(ROW)};
#undef ROW
    return kRows;
  }
};

struct Outer {
  bool fast = false;
  int64_t steps = 10;
  double rate = 0.1;
  std::string path = "out";
  std::vector<std::string> names;
  std::vector<double> shares = {0.5, 0.75};
  Inner inner;
  static OptionTable Table() {
    static constexpr Option kRows[] = {
        MakeOption<&Outer::fast>("fast", Any(), kNoBits, "a flag"),
        MakeOption<&Outer::steps>("steps", AtLeast(1), kBits, "whole"),
        MakeOption<&Outer::rate>("rate", Above(0).Log(), kBits, "real"),
        MakeOption<&Outer::path>("path", Any(), kNoBits, "text"),
        MakeOption<&Outer::names>("names", Any(), kBits, "texts"),
        MakeOption<&Outer::shares>("shares", Between(0, 1), kBits, "reals"),
#define ROW(type, name, value, legal, bits, doc) \
  InGroup("shape", MakeOption<&Outer::inner, &Inner::name>(#name, legal, bits, doc)),
        INNER_ROWS(ROW)
#undef ROW
    };
    return kRows;
  }
};

std::string ParseText(const char* name, const char* text) {
  auto value = ParseOption(*FindOption(Outer::Table(), name), text);
  return value.ok() ? OptionJson(*value) : value.status().message();
}

TEST(Options, TextsBecomeValues) {
  const struct {
    const char *name, *text, *json;
  } kRows[] = {
      {"fast", "true", "true"},
      {"fast", "No", "false"},
      {"fast", "ON", "true"},
      {"fast", "1", "found '1', expected true or false"},
      {"steps", "+12", "12"},
      {"steps", "1", "1"},
      {"steps", "0", "found '0', expected 1 or more"},
      {"steps", "1.5", "found '1.5', expected a whole number"},
      {"steps", "", "found '', expected a whole number"},
      {"steps", "99999999999999999999", "found '99999999999999999999', expected a whole number"},
      {"rate", "1e-7", "1e-07"},
      {"rate", "0.1", "0.1"},
      {"rate", "0", "found '0', expected more than 0"},
      {"rate", "inf", "found 'inf', expected more than 0"},
      {"rate", "nan", "found 'nan', expected more than 0"},
      {"rate", "0.1x", "found '0.1x', expected a number"},
      {"path", "a\"b\\\n", "\"a\\\"b\\\\\\u000a\""},
      {"names", "a,b", R"(["a","b"])"},
      {"names", "", "[]"},
      {"shares", "0,0.25,1", "[0,0.25,1]"},
      {"shares", "0.5,1.5", "found '1.5', expected 0 to 1"},
      {"shares", "0.5,x", "found 'x', expected a number"},
      {"shape", "round", "\"round\""},
      {"shape", "oval", "found 'oval', expected flat, round or square"},
      {"radius", "100", "100"},
      {"radius", "100.5", "found '100.5', expected more than 0, at most 100"},
      {"corners", "2", "found '2', expected 3 to 8"},
      {"corners", "9", "found '9', expected 3 to 8"},
      {"corners", "3", "3"},
      {"corners", "8", "8"},
  };
  for (const auto& row : kRows) EXPECT_EQ(ParseText(row.name, row.text), row.json) << row.text;
}

TEST(Options, RealsReadBackToTheSameNumber) {
  const Option& rate = *FindOption(Outer::Table(), "rate");
  for (double number :
       {1.0 / 3, 0.1, 1e-300, 5e-324, 123456789.123456789, std::nextafter(0.1, 1)}) {
    auto value = ParseOption(rate, OptionText(number));
    ASSERT_TRUE(value.ok()) << OptionText(number);
    EXPECT_EQ(std::get<double>(*value), number);
  }
}

TEST(Options, ValuesGoIntoAStructAndBack) {
  Outer options;
  const OptionTable table = Outer::Table();
  EXPECT_EQ(ValuesOf(options), CompleteValues(table, {}));
  SetOptions(table,
             {{"steps", int64_t{7}},
              {"shape", std::string("square")},
              {"corners", int64_t{5}},
              {"shares", std::vector<double>{1}}},
             &options);
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.inner.kind, Shape::kSquare);
  EXPECT_EQ(options.inner.corners, 5);
  EXPECT_THAT(options.shares, ElementsAre(1));
  EXPECT_EQ(std::get<std::string>(ValuesOf(options)["shape"]), "square");
  EXPECT_EQ(options.rate, 0.1) << "what was not given stays";
}

TEST(Options, JsonHoldsWhatHasAMeaning) {
  Inner inner;
  EXPECT_EQ(OptionsJson(inner), R"({"corners":4,"kind":"flat"})");
  inner.kind = Shape::kRound;
  EXPECT_EQ(OptionsJson(inner), R"({"hollow":false,"kind":"round","radius":0.5})");
  inner.hollow = true;
  EXPECT_EQ(OptionsJson(inner), R"({"hole":0.1,"hollow":true,"kind":"round","radius":0.5})");
  inner.kind = Shape::kSquare;
  EXPECT_EQ(OptionsJson(inner), R"({"corners":4,"kind":"square"})");
  EXPECT_EQ(OptionsJson(Outer()), R"({"corners":4,"fast":false,"names":[],"path":"out",)"
                                  R"("rate":0.1,"shape":"flat","shares":[0.5,0.75],"steps":10})");
}

TEST(Options, BitsAreThoseOfOptionsThatDecideThem) {
  Outer options;
  options.fast = true;
  options.rate = 1.0 / 3;
  options.inner.kind = Shape::kRound;
  EXPECT_THAT(
      BitsOf(Outer::Table(), ValuesOf(options)),
      ElementsAre(Pair("names", ""), Pair("radius", "0.5"), Pair("rate", "0.3333333333333333"),
                  Pair("shape", "round"), Pair("shares", "0.5,0.75"), Pair("steps", "10")));
}

TEST(Options, AStructIsChecked) {
  Outer options;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.inner.radius = 0;
  EXPECT_EQ(CheckOptions(options).message(),
            "radius: found '0', expected more than 0, at most 100");
  options = {};
  options.rate = NAN;
  EXPECT_FALSE(CheckOptions(options).ok());
  const Option& steps = *FindOption(Outer::Table(), "steps");
  EXPECT_EQ(CheckOption(steps, 2.0).message(), "found '2', expected a whole number");
}

TEST(Options, AnUnknownNameGetsTheNearestOne) {
  const OptionTable table = Outer::Table();
  constexpr std::string_view kRest =
      "expected fast, steps, rate, path, names, shares, shape, radius, hollow, hole or corners";
  EXPECT_EQ(UnknownOption(table, "bits"), StrCat("unknown, ", kRest));
  EXPECT_EQ(UnknownOption(table, "step"), StrCat("unknown, did you mean 'steps'? ", kRest));
  constexpr std::string_view kKnown[] = {"warmup_steps", "momentum", "steps", "stops"};
  const struct {
    const char* name;
    std::optional<std::string_view> nearest;
  } kRows[] = {{"momentun", "momentum"}, {"momnetum", "momentum"}, {"momxxxum", std::nullopt},
               {"stepps", "steps"},      {"stop", "stops"},        {"warmup", "warmup_steps"},
               {"wa", std::nullopt},     {"tseps", "steps"},       {"stips", "steps"},
               {"", std::nullopt}};
  for (const auto& row : kRows) EXPECT_EQ(NearestName(row.name, kKnown), row.nearest) << row.name;
}

TEST(Options, WhatIsLegalForPeople) {
  const OptionTable table = Outer::Table();
  std::vector<std::string> texts;
  for (const Option& option : table) texts.push_back(LegalText(option));
  EXPECT_THAT(texts,
              ElementsAre("true or false", "1 or more", "more than 0", "a text", "texts",
                          "numbers, each 0 to 1", "flat, round or square",
                          "more than 0, at most 100", "true or false", "a number", "3 to 8"));
  EXPECT_EQ(FlagName("weight_decay"), "--weight-decay");
}

}  // namespace
}  // namespace tersor
