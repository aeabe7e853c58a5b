// Tests of rewrites: text in, text out, and the same results on random inputs.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "tersor/transforms/pass.h"

namespace tersor::transforms {

/// Parses `before`, fills variables that have no data with random numbers (by name, positive where the name
/// contains "positive"), rewrites, and expects (1) the text of the rewritten graph, without data, to be that of
/// `after`, and (2) both graphs to give the same outputs on random inputs, within 1e-5 of the largest
/// magnitude for floats and exactly for integers.
testing::AssertionResult CheckRewrite(Rewrite rewrite, std::string_view before,
                                      std::string_view after);

/// The rewrite reports no change and leaves the text as it was.
testing::AssertionResult CheckUnchanged(Rewrite rewrite, std::string_view text);

#define EXPECT_REWRITE(rewrite, before, after) \
  EXPECT_TRUE(::tersor::transforms::CheckRewrite(rewrite, before, after))
#define EXPECT_UNCHANGED(rewrite, text) \
  EXPECT_TRUE(::tersor::transforms::CheckUnchanged(rewrite, text))

}  // namespace tersor::transforms
