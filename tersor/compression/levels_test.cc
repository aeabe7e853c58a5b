#include "tersor/compression/levels.h"

#include <gtest/gtest.h>

namespace tersor::compression {
namespace {

TEST(MatchesGlob, Patterns) {
  const struct {
    const char* pattern;
    const char* name;
    bool matches;
  } cases[] = {
      {"conv1", "conv1", true},
      {"conv1", "conv12", false},
      {"conv?", "conv1", true},
      {"conv?", "conv", false},
      {"*", "", true},
      {"*", "anything/at.all", true},
      {"conv*", "conv", true},
      {"*filter", "a/filter", true},
      {"*filter", "filters", false},
      {"a*b*c", "a1b2b3c", true},
      {"a*b*c", "a1b2b3", false},
      {"**x", "x", true},
      {"", "", true},
      {"", "x", false},
      {"*ab", "aab", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MatchesGlob(c.pattern, c.name), c.matches) << c.pattern << " on " << c.name;
  }
}

TEST(Levels, ANameIsStrongerThanAnOperatorThanTheDefault) {
  Levels<int> levels{.standard = 1,
                     .by_operator = {{ir::OpKind::kConv2d, 2}, {ir::OpKind::kAdd, 3}},
                     .by_name = {{"first*", 4}, {"*last", 5}}};
  EXPECT_EQ(levels.For(ir::OpKind::kSoftmax, {"x"}), 1);
  EXPECT_EQ(levels.For(ir::OpKind::kConv2d, {"x"}), 2);
  EXPECT_EQ(levels.For(ir::OpKind::kConv2d, {"x", "first.filter"}), 4);
  EXPECT_EQ(levels.For(ir::OpKind::kConv2d, {"first, last"}), 5) << "the last that matches";
  EXPECT_EQ(levels.For(ir::OpKind::kAdd, {""}), 3) << "no name matches nothing";
}

}  // namespace
}  // namespace tersor::compression
