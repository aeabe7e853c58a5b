// The names of a classifier's classes, which travel in its file.
#pragma once

#include <string>
#include <vector>

#include "tersor/data/dataset.h"
#include "tersor/ir/graph.h"

namespace tersor::guide {

/// The metadata of a model that holds the names of its classes, one a line in the order of its
/// outputs. Files hold this key.
inline constexpr char kClassesKey[] = "classes";

/// The names that the model's file has; none where it has none.
std::vector<std::string> ClassNamesOf(const ir::Graph& model);

/// Writes the names into the model. Names that say no more than the classes' numbers ("0", "1",
/// ...) are left out. A line break in a name becomes a space.
void SetClassNames(const std::vector<std::string>& names, ir::Graph& model);

/// The names for what a model says of a set: the set's, or the model's where the set has numbers
/// alone.
std::vector<std::string> ClassNamesFor(const ir::Graph& model, const data::Dataset& dataset);

/// One sentence where the set's class names are not those of the model, so that its labels may
/// mean something else; "" where they agree or one of the two has none.
std::string ClassNamesDiffer(const ir::Graph& model, const data::Dataset& dataset);

}  // namespace tersor::guide
