// Data sets in memory, loaded from a SPEC: a name, or the path of a folder or file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/split.h"

namespace tersor::data {

/// Examples of one split. Copies share the examples' storage, so nobody writes to it.
struct Dataset {
  std::string name;                      ///< the SPEC it came from
  Split split = Split::kTrain;           ///< which examples these are
  Tensor examples;                       ///< u8 [count,H,W,C] images, or u8 or f32 [count,...]
  std::vector<int32_t> labels;           ///< one an example in [0, classes); empty: unlabelled
  std::vector<std::string> class_names;  ///< one a class; "0", "1", ... where the source has none

  int64_t size() const { return examples.empty() ? 0 : examples.type().shape[0]; }
  int num_classes() const { return static_cast<int>(class_names.size()); }
  Shape example_shape() const;  ///< without the count
  /// `count` examples from `first` on; the view's type is in `type`, which must outlive it.
  ConstTensorView Rows(int64_t first, int64_t count, TensorType& type) const;
};

struct DatasetOptions {
  CarveOptions carve = {};   ///< what becomes of splits that the source lacks
  int channels = 0;          ///< of JPEG images: 1 gray, 3 RGB; 0: those of the first image
  int resize_height = 0;     ///< images are resized (bilinear) to height x width; 0: as stored, and
  int resize_width = 0;      ///< then all of a set must have one size
  int threads = 0;           ///< that decode; 0: one a CPU
  int64_t max_examples = 0;  ///< evenly spaced over the split; 0: all
  int64_t max_bytes = int64_t{4} << 30;  ///< a set that needs more when decoded is refused
};

/// Loads one split. SPEC is one of
///  - a name of datasets.inc ("fashion-mnist", "cifar10-jpeg"), looked for in
///  $TERSOR_DATA_DIR/NAME,
///    $TERSOR_DATA_DIR, and the places that the list gives;
///  - a folder, .tar, .tar.gz or .tar.zst of JPEG images: [.../]split/class/*.jpg with split one of
///    train, validation (valid, val), test; or [.../]class/*.jpg, from which validation and test
///    are carved. Classes sorted by name are labels 0, 1, ...; images are in the order of their
///    paths;
///  - a folder of IDX files, plain or .gz: train-images-idx3-ubyte, train-labels-idx1-ubyte,
///    t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte;
///  - .npz, or a folder of .npy files, with the arrays x_train, y_train, x_val, y_val, x_test,
///    y_test (also train_images, train_labels, ...; val may be valid or validation), or x, y, or
///    images, labels; the labels may be missing;
///  - .npy: one array of examples without labels.
/// Arrays: u8 stays u8, [N,H,W] becoming [N,H,W,1]; every other element type becomes f32. Labels
/// are integers, [N] or [N,1].
/// Errors: not found (where it looked, how to get it), damaged (file, entry, found, expected),
/// more than max_bytes (before it is allocated). Memory: the split decoded, and its compressed
/// bytes while an archive is read.
Result<Dataset> LoadDataset(std::string_view spec, Split split, const DatasetOptions& options = {});

}  // namespace tersor::data
