// Data sets: the examples of one split, loaded from a SPEC (a name, or the path of a folder or
// file).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/data/examples.h"
#include "tersor/data/split.h"

namespace tersor::data {

/// The examples of one split. Copies share the examples.
struct Dataset {
  std::string name;                             ///< the SPEC it came from
  Split split = Split::kTrain;                  ///< which examples these are
  std::vector<std::string> class_names;         ///< one a class; "0", "1", ... where the source has
                                                ///< none; empty without class numbers as labels
  std::shared_ptr<const ExampleSource> source;  ///< null: there are no examples

  int64_t size() const { return source ? source->size() : 0; }
  const std::vector<Field>& fields() const;
  int num_classes() const { return static_cast<int>(class_names.size()); }
  /// The field named "label", or null: the examples have no labels.
  const Field* label() const;
  /// The field that is no label where there is exactly one; null where there are several or none.
  const Field* only_input() const;
  /// All values of one field, [size,...], as a copy. Fails where Read() does, where there is no
  /// such field, and when memory runs out.
  Result<Tensor> Column(std::string_view field) const;
};

/// "0", "1", ... up to the largest of the class numbers; none without numbers.
std::vector<std::string> NumberedClasses(std::span<const int32_t> class_numbers);

/// A set whose examples are the rows of tensors [count,...] in memory, one for each field
/// (ExamplesInMemory). Without given class names they are those of NumberedClasses() when the label
/// is a class number.
Result<Dataset> DatasetInMemory(std::string name, std::vector<NamedTensor> columns,
                                std::vector<std::string> class_names = {});

/// 64 bits that differ, but for bad luck, between sets of different contents: a function of the
/// number of examples, the fields' names and types and all bytes, whatever the set's name, split or
/// source. Reads the whole set; in memory at about 3 GB/s. Fails where Read() does.
Result<uint64_t> ContentHash(const Dataset& dataset);

struct DatasetOptions {
  CarveOptions carve = {};   ///< how splits that the source lacks are taken from those it has
  int channels = 0;          ///< of JPEG images: 1 gray, 3 RGB; 0: those of the first image
  int resize_height = 0;     ///< images are resized (bilinear) to height x width; 0: as stored, and
  int resize_width = 0;      ///< then all of a set must have one size
  int threads = 0;           ///< that decode; 0: one a CPU
  int64_t max_examples = 0;  ///< evenly spaced over the split; 0: all
  int64_t max_bytes = int64_t{4} << 30;  ///< a set that needs more memory is refused
  bool stream = false;  ///< JPEG images are decoded each time they are read, and only their files'
                        ///< names (of an archive: its compressed bytes) are in memory. Arrays are
                        ///< in memory in any case
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
///    images, labels, from which the splits are carved; the labels may be missing. Any other array
///    NAME_train, NAME_val, NAME_test (or tokens, label) is a field NAME;
///  - .npy: one array of examples without labels; its field is "tokens" if the file's name begins
///    so, else "x".
/// Element types of arrays: x and images: u8 stays u8, [N,H,W] becoming [N,H,W,1]; every other one
/// becomes f32. y and labels: integers, [N] or [N,1], are class numbers. tokens: integers [N,S]
/// become i32. label: integers become i32, floats f32. Others: u8 stays u8, integers become i32,
/// everything else f32.
/// Errors: not found (where it looked, how to get it), damaged (file, entry, found, expected),
/// more than max_bytes (before it is allocated). Memory: the split decoded, and its compressed
/// bytes while an archive is read.
Result<Dataset> LoadDataset(std::string_view spec, Split split, const DatasetOptions& options = {});

}  // namespace tersor::data
