// Attributes: the named constants of an operator, as rows of attributes.inc declare them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"

namespace tersor {

enum class Attr : uint8_t {
#define ATTRIBUTE(name, type, default_value, doc) name,
#include "tersor/base/attributes.inc"
#undef ATTRIBUTE
};

enum class AttrType : uint8_t { Activation, Bool, Float, Int, Ints, Padding, Type };

std::string_view AttrName(Attr attr);
std::optional<Attr> ParseAttr(std::string_view name);
AttrType AttrTypeOf(Attr attr);
std::string_view AttrDoc(Attr attr);

/// How cells are added around an image (NHWC: height and width).
struct Padding {
  enum class Kind : uint8_t { kValid, kSame, kExplicit };
  Kind kind = Kind::kValid;
  int64_t top = 0, bottom = 0, left = 0, right = 0;  ///< only with kExplicit

  bool operator==(const Padding&) const = default;
  /// Cells before and after along one axis. `extent` input, `window` taps, `stride`, `dilation`.
  static std::pair<int64_t, int64_t> Same(int64_t extent, int64_t window, int64_t stride,
                                          int64_t dilation);
  /// This padding with `same` and `valid` worked out for one image size: always kExplicit.
  Padding Resolve(int64_t height, int64_t width, int64_t window_h, int64_t window_w,
                  int64_t stride_h, int64_t stride_w, int64_t dilation_h, int64_t dilation_w) const;
};

/// What an operator does to its result before it gives it back: nothing, or a row of
/// activations.inc.
enum class Activation : uint8_t {
  kNone,
#define ACTIVATION(name, spelling, low, high, gradient) k##name,
#include "tersor/base/activations.inc"
#undef ACTIVATION
};
std::string_view ActivationName(Activation activation);  ///< "relu6"
std::optional<Activation> ParseActivation(std::string_view name);
/// The bounds that an activation clamps to; infinite where there is none.
struct ActivationBounds {
  float low, high;
};
ActivationBounds BoundsOf(Activation activation);

using AttrValue =
    std::variant<bool, int64_t, double, std::vector<int64_t>, Padding, DType, Activation>;

/// Values of attributes, sorted by name. One that equals its default is not stored, so that two
/// maps which mean the same are equal. Reading one that is not stored gives the default; reading a
/// required one that is absent is our own bug (the verifier has seen to it).
class Attributes {
 public:
  bool Has(Attr attr) const;
  Attributes& Set(Attr attr, AttrValue value);
  void Erase(Attr attr);
  const AttrValue& Get(Attr attr) const;

  bool Bool(Attr attr) const { return std::get<bool>(Get(attr)); }
  int64_t Int(Attr attr) const { return std::get<int64_t>(Get(attr)); }
  double Float(Attr attr) const { return std::get<double>(Get(attr)); }
  const std::vector<int64_t>& Ints(Attr attr) const {
    return std::get<std::vector<int64_t>>(Get(attr));
  }
  const Padding& PaddingOf() const { return std::get<Padding>(Get(Attr::padding)); }
  DType Type(Attr attr) const { return std::get<DType>(Get(attr)); }
  Activation ActivationOf() const { return std::get<Activation>(Get(Attr::activation)); }

  const std::vector<std::pair<Attr, AttrValue>>& items() const { return items_; }
  bool operator==(const Attributes&) const = default;

 private:
  std::vector<std::pair<Attr, AttrValue>> items_;
};

/// The default of an attribute; nullptr when it is required.
const AttrValue* AttrDefault(Attr attr);
/// Text form of a value ("[1,1]", "same", "0.9", "relu") and back. Floats print the shortest digits
/// that read back to the same double.
std::string FormatAttrValue(Attr attr, const AttrValue& value);
Result<AttrValue> ParseAttrValue(Attr attr, std::string_view text);

}  // namespace tersor
