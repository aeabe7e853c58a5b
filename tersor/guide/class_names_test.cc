#include "tersor/guide/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tersor::guide {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

data::Dataset Set(std::vector<std::string> names) {
  data::Dataset set;
  set.name = "set";
  set.class_names = std::move(names);
  return set;
}

TEST(ClassNames, TravelInTheModel) {
  ir::Graph model;
  EXPECT_THAT(ClassNamesOf(model), IsEmpty());
  SetClassNames({"cat", "", "a\nb"}, model);
  EXPECT_EQ(model.metadata().at("classes"), "cat\n\na b\n");
  EXPECT_THAT(ClassNamesOf(model), ElementsAre("cat", "", "a b"));
  model.mutable_metadata()["classes"] = "cat\ndog";
  EXPECT_THAT(ClassNamesOf(model), ElementsAre("cat", "dog"));
}

TEST(ClassNames, NumbersAreNotKept) {
  ir::Graph model;
  SetClassNames({"0", "1", "2"}, model);
  EXPECT_THAT(ClassNamesOf(model), IsEmpty());
  SetClassNames({"1", "0"}, model);
  EXPECT_THAT(ClassNamesOf(model), ElementsAre("1", "0"));
}

TEST(ClassNames, TheSetsNamesGoFirst) {
  ir::Graph model;
  EXPECT_THAT(ClassNamesFor(model, Set({"0", "1"})), ElementsAre("0", "1"));
  SetClassNames({"cat", "dog"}, model);
  EXPECT_THAT(ClassNamesFor(model, Set({"0", "1"})), ElementsAre("cat", "dog"));
  EXPECT_THAT(ClassNamesFor(model, Set({"a", "b"})), ElementsAre("a", "b"));
}

TEST(ClassNames, OtherNamesAreSaid) {
  ir::Graph model;
  EXPECT_EQ(ClassNamesDiffer(model, Set({"a", "b"})), "");
  SetClassNames({"cat", "dog"}, model);
  EXPECT_EQ(ClassNamesDiffer(model, Set({"cat", "dog"})), "");
  EXPECT_EQ(ClassNamesDiffer(model, Set({"0", "1"})), "");
  EXPECT_EQ(ClassNamesDiffer(model, Set({})), "");
  EXPECT_EQ(ClassNamesDiffer(model, Set({"cat", "emu"})),
            "class 1 is 'dog' in the model and 'emu' in set: the labels may mean something else");
  EXPECT_EQ(ClassNamesDiffer(model, Set({"cat", "dog", "emu"})),
            "the model has 2 classes, set has 3");
}

}  // namespace
}  // namespace tersor::guide
