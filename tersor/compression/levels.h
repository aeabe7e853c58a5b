// A technique's settings at three levels: default, by operator type, by name pattern.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/ir/op.h"

namespace tersor::compression {

/// Whether `name` matches `pattern`, in which `*` stands for any number of characters (also none),
/// `?` for exactly one character, and every other character for itself.
bool MatchesGlob(std::string_view pattern, std::string_view name);

/// The setting for a place of a graph: that of the last pattern that one of its names matches, else
/// the last one of its operator, else the default.
template <typename Setting>
struct Levels {
  Setting standard;
  std::vector<std::pair<ir::OpKind, Setting>> by_operator;
  std::vector<std::pair<std::string, Setting>> by_name;  ///< MatchesGlob patterns

  const Setting& For(ir::OpKind op, std::initializer_list<std::string_view> names) const {
    for (auto entry = by_name.rbegin(); entry != by_name.rend(); ++entry) {
      for (std::string_view name : names) {
        if (!name.empty() && MatchesGlob(entry->first, name)) return entry->second;
      }
    }
    for (auto entry = by_operator.rbegin(); entry != by_operator.rend(); ++entry) {
      if (entry->first == op) return entry->second;
    }
    return standard;
  }
};

}  // namespace tersor::compression
