#include "tersor/base/attributes.h"

#include <gtest/gtest.h>

#include <limits>

namespace tersor {
namespace {

TEST(Attributes, ADefaultIsNotStored) {
  Attributes attributes;
  attributes.Set(Attr::groups, int64_t{1}).Set(Attr::activation, Activation::kRelu);
  EXPECT_EQ(attributes.items().size(), 1u);
  EXPECT_EQ(attributes.Int(Attr::groups), 1);
  EXPECT_EQ(attributes.ActivationOf(), Activation::kRelu);
  attributes.Set(Attr::activation, Activation::kNone);
  EXPECT_EQ(attributes, Attributes());
}

TEST(Attributes, EveryTextReadsBack) {
  const std::pair<Attr, const char*> cases[] = {
      {Attr::window, "[2,2]"},     {Attr::padding, "same"},  {Attr::padding, "[1,0,2,3]"},
      {Attr::value, "0.1"},        {Attr::dtype, "i8"},      {Attr::nesterov, "true"},
      {Attr::shape, "[-1,4]"},     {Attr::value, "1.5e-07"}, {Attr::shape, "[-1,S,4]"},
      {Attr::activation, "relu6"},
  };
  for (const auto& [attr, text] : cases) {
    auto value = ParseAttrValue(attr, text);
    ASSERT_TRUE(value.ok()) << value.status().message();
    EXPECT_EQ(FormatAttrValue(attr, *value), text);
  }
}

TEST(Attributes, WrongTextIsRefused) {
  const std::pair<Attr, const char*> cases[] = {
      {Attr::window, "2,2"},    {Attr::window, "[2;2]"},
      {Attr::padding, "[1,2]"}, {Attr::value, "x"},
      {Attr::dtype, "f64"},     {Attr::nesterov, "yes"},
      {Attr::groups, "1.5"},    {Attr::window, "[99999999999999999999]"},
  };
  for (const auto& [attr, text] : cases) EXPECT_FALSE(ParseAttrValue(attr, text).ok()) << text;
}

TEST(Padding, SamePutsTheOddCellAtTheEnd) {
  EXPECT_EQ(Padding::Same(32, 3, 2, 1), (std::pair<int64_t, int64_t>{0, 1}));
  EXPECT_EQ(Padding::Same(32, 3, 1, 1), (std::pair<int64_t, int64_t>{1, 1}));
  EXPECT_EQ(Padding::Same(32, 2, 2, 1), (std::pair<int64_t, int64_t>{0, 0}));
}

TEST(Activations, TheTableGivesNamesAndBounds) {
  for (Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
    EXPECT_EQ(ParseActivation(ActivationName(activation)), activation);
  }
  EXPECT_EQ(ActivationName(Activation::kRelu6), "relu6");
  EXPECT_EQ(ParseActivation("gelu"), std::nullopt);
  EXPECT_EQ(BoundsOf(Activation::kNone).low, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(BoundsOf(Activation::kRelu).low, 0);
  EXPECT_EQ(BoundsOf(Activation::kRelu).high, std::numeric_limits<float>::infinity());
  EXPECT_EQ(BoundsOf(Activation::kRelu6).low, 0);
  EXPECT_EQ(BoundsOf(Activation::kRelu6).high, 6);
  EXPECT_EQ(ParseAttrValue(Attr::activation, "gelu").status().message(),
            "attribute activation: expected none, relu or relu6, found 'gelu'");
}

}  // namespace
}  // namespace tersor
