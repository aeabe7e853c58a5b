// Brings an f32 graph into the form that quantizes best, and that formats without padding values
// can say.
#pragma once

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"
#include "tersor/transforms/pass.h"

namespace tersor::compression {

/// A clone of the model for inference, with as few operators between layers as are possible without
/// a padding value:
///  - dropouts go, batch norms become multiply and add, activations become attributes, a multiply
///    or add before the activation becomes part of its layer (transforms/passes.inc);
///  - an add or multiply behind which, apart from flattening and max pools, there is a layer
///    without padded cells becomes part of that layer;
///  - any other multiply behind a relu becomes part of the layer before it, since
///    a * relu(x) = relu(a * x) for a >= 0; where some factors are negative a multiply by their
///    signs remains.
/// What remains of a batch norm after a relu before a convolution with padding is one add. Same
/// results within rounding.
Result<ir::Graph> PrepareForQuantization(const ir::Graph& model);

/// The second and the third of these rewrites. Not rows of passes.inc: at inference
/// fold-affine-into-next does more. The order matters to coded files: a filter of a fully connected
/// layer that took over uneven factors has many small integers, and shrinks better.
Status FoldAffineIntoUnpaddedLayer(ir::Graph& graph, transforms::RewriteReport& report);
Status FoldScaleThroughRelu(ir::Graph& graph, transforms::RewriteReport& report);

}  // namespace tersor::compression
