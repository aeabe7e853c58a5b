// Geometry of sliding windows: convolution and pooling.
#include <string_view>

#include "tersor/ir/shape_rules.h"
#include "tersor/ir/shape_rules/rule.h"

namespace tersor::ir {
namespace {

struct Axis {
  std::string_view name;
  int64_t extent;
  int64_t window;
  int64_t stride;
  int64_t dilation;
  int64_t before, after;  // explicit padding
};

// Checks that an attribute is two numbers from 1 to kMaxExtent.
Status ExpectPair(const RuleInput& in, Attr attr) {
  const auto& values = in.attributes.Ints(attr);
  if (values.size() == 2 && values[0] >= 1 && values[1] >= 1 && values[0] <= kMaxExtent &&
      values[1] <= kMaxExtent) {
    return OkStatus();
  }
  return in.Fail(AttrName(attr), " is ", FormatAttrValue(attr, in.attributes.Get(attr)),
                 ", expected two positive numbers");
}

// Number of windows along one axis. `cover`: every window must have a cell that is not padding.
Result<int64_t> CountWindows(const RuleInput& in, const Axis& axis, Padding::Kind kind,
                             bool cover) {
  const int64_t reach = (axis.window - 1) * axis.dilation + 1;
  if (reach > kMaxExtent) {
    return in.Fail("window reaches over ", reach, " cells of the ", axis.name, ", at most ",
                   kMaxExtent, " are possible");
  }
  if (IsSymbol(axis.extent)) {
    const bool kept =
        axis.stride == 1 && (kind == Padding::Kind::kSame || axis.before + axis.after == reach - 1);
    if (kept) return axis.extent;
    return in.Fail("the ", axis.name, " is symbolic, ", SymbolName(axis.extent),
                   ": only windows with a stride of 1 and as many results as cells are possible");
  }
  if (kind == Padding::Kind::kSame) return (axis.extent - 1) / axis.stride + 1;
  if (cover && (axis.before >= reach || axis.after >= reach)) {
    return in.Fail("padding of ", axis.before, " and ", axis.after, " cells of the ", axis.name,
                   " is not smaller than the window of ", reach);
  }
  const int64_t padded = axis.extent + axis.before + axis.after;
  if (reach > padded) {
    return in.Fail("window reaches over ", reach, " cells of the ", axis.name, ", the input has ",
                   padded, " with padding");
  }
  return (padded - reach) / axis.stride + 1;
}

// [N,OH,OW,channels]
Result<Shape> WindowsShape(const RuleInput& in, const Shape& input, int64_t window_h,
                           int64_t window_w, int64_t channels, bool cover) {
  TERSOR_RETURN_IF_ERROR(ExpectPair(in, Attr::strides));
  const auto& strides = in.attributes.Ints(Attr::strides);
  int64_t dilation_h = 1, dilation_w = 1;
  if (in.info.HasAttribute(Attr::dilations)) {
    TERSOR_RETURN_IF_ERROR(ExpectPair(in, Attr::dilations));
    dilation_h = in.attributes.Ints(Attr::dilations)[0];
    dilation_w = in.attributes.Ints(Attr::dilations)[1];
  }
  Padding padding = in.attributes.PaddingOf();
  if (padding.kind != Padding::Kind::kExplicit) {
    padding = Padding{padding.kind, 0, 0, 0, 0};
  }
  for (int64_t cells : {padding.top, padding.bottom, padding.left, padding.right}) {
    if (cells < 0 || cells > kMaxExtent) {
      return in.Fail("padding of ", cells, " cells, expected 0 to ", kMaxExtent);
    }
  }
  const Axis height{"height",   input[1],    window_h,      strides[0],
                    dilation_h, padding.top, padding.bottom};
  const Axis width{"width",    input[2],     window_w,     strides[1],
                   dilation_w, padding.left, padding.right};
  TERSOR_ASSIGN_OR_RETURN(const int64_t rows, CountWindows(in, height, padding.kind, cover));
  TERSOR_ASSIGN_OR_RETURN(const int64_t columns, CountWindows(in, width, padding.kind, cover));
  return Shape{input[0], rows, columns, channels};
}

std::string_view Groups(int64_t groups) { return groups == 1 ? " group" : " groups"; }

}  // namespace

Result<Shape> ConvolutionShape(const RuleInput& in, const Shape& input, const Shape& filter) {
  if (input.rank() != 4) return in.Fail("input is ", input, ", expected [N,H,W,C]");
  if (filter.rank() != 4 || filter.IsSymbolic()) {
    return in.Fail("filter is ", filter, ", expected [O,KH,KW,I/groups]");
  }
  if (IsSymbol(input[3])) return in.Fail("input is ", input, ", whose channels are symbolic");
  const int64_t groups = in.attributes.Int(Attr::groups);
  if (groups < 1) return in.Fail("groups is ", groups, ", expected at least 1");
  if (input[3] % groups != 0 || filter[0] % groups != 0) {
    return in.Fail(groups, Groups(groups), " do not divide ", input[3], " input channels and ",
                   filter[0], " output channels");
  }
  if (filter[3] != input[3] / groups) {
    return in.Fail("filter has ", filter[3], " input channels, input has ", input[3],
                   " of them in ", groups, Groups(groups));
  }
  return WindowsShape(in, input, filter[1], filter[2], filter[0], false);
}

Result<Shape> PoolShape(const RuleInput& in, const Shape& input) {
  if (input.rank() != 4) return in.Fail("input is ", input, ", expected [N,H,W,C]");
  TERSOR_RETURN_IF_ERROR(ExpectPair(in, Attr::window));
  const auto& window = in.attributes.Ints(Attr::window);
  return WindowsShape(in, input, window[0], window[1], input[3], true);
}

}  // namespace tersor::ir
