// What tests that write graphs as text share.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "tersor/ir/text.h"

namespace tersor::ir {

/// The graph of a text. A text that is none fails the test, and gives an empty graph.
inline Graph Parsed(std::string_view text) {
  auto graph = Parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message() << '\n' << text;
  return graph.ok() ? *std::move(graph) : Graph();
}

}  // namespace tersor::ir
