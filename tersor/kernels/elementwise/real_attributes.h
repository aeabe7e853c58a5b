// The real attributes of an operator, for formulas.
#pragma once

#include "tersor/base/attributes.h"

namespace tersor::kernels::elementwise {

// What follows is there for attributes of type Float alone.
#define TERSOR_REAL_Activation(...)
#define TERSOR_REAL_Bool(...)
#define TERSOR_REAL_Float(...) __VA_ARGS__
#define TERSOR_REAL_Int(...)
#define TERSOR_REAL_Ints(...)
#define TERSOR_REAL_Padding(...)
#define TERSOR_REAL_Type(...)

/// One field for each attribute of attributes.inc that is a real number: `a.min`, `a.slope`. It has
/// what the node states, else its default, else 0.
struct RealAttributes {
#define ATTRIBUTE(name, type, default_value, doc) TERSOR_REAL_##type(double name = 0;)
#include "tersor/base/attributes.inc"
#undef ATTRIBUTE

  explicit RealAttributes(const Attributes* attributes) {
    const Attributes none;
    const Attributes& stated = attributes == nullptr ? none : *attributes;
#define ATTRIBUTE(name, type, default_value, doc)                                        \
  TERSOR_REAL_##type(if (stated.Has(Attr::name) || AttrDefault(Attr::name) != nullptr) { \
    name = stated.Float(Attr::name);                                                     \
  })
#include "tersor/base/attributes.inc"
#undef ATTRIBUTE
  }
};

#undef TERSOR_REAL_Activation
#undef TERSOR_REAL_Bool
#undef TERSOR_REAL_Float
#undef TERSOR_REAL_Int
#undef TERSOR_REAL_Ints
#undef TERSOR_REAL_Padding
#undef TERSOR_REAL_Type

}  // namespace tersor::kernels::elementwise
