#include "tersor/data/batcher.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "tersor/base/random.h"

namespace tersor::data {
namespace {

constexpr uint64_t kShuffleStream = uint64_t{0x73687566} << 32;  // "shuf"
constexpr int64_t kStagingBytes = 64 << 10;  ///< of examples that were read and are not encoded yet

using Order = std::vector<uint32_t>;

/// Fisher-Yates from the numbers of (seed, epoch).
Order Shuffled(int64_t size, uint64_t seed, int64_t epoch) {
  Order order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed, kShuffleStream ^ static_cast<uint64_t>(epoch));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.NextBelow(i)]);
  return order;
}

std::string NamesOf(std::span<const Field> fields) {
  std::string names;
  for (const Field& field : fields) names += StrCat(names.empty() ? "" : ", ", field.name);
  return names.empty() ? "none" : names;
}

/// How one field of a batch is made of a field of the set.
struct Conversion {
  size_t source = 0;                    ///< index among the set's fields
  std::optional<InputEncoder> encoder;  ///< absent: the bytes are those of the set
  bool augment = false;
  Shape image;                          ///< of one example in the set
  int64_t stored_bytes = 0, bytes = 0;  ///< of one example, in the set and in the batch

  bool staged() const { return encoder || augment; }
};

Result<Conversion> MakeConversion(const Dataset& set, const Field& wanted,
                                  const BatcherOptions& options) {
  const int index = FindField(set.fields(), wanted.name);
  if (index < 0) {
    return NotFound("there is no field ", wanted.name, ", found: ", NamesOf(set.fields()));
  }
  const Field& stored = set.fields()[static_cast<size_t>(index)];
  Conversion made;
  made.source = static_cast<size_t>(index);
  made.augment = options.augment.any() && IsImage(stored);
  made.image = stored.type.shape;
  made.stored_bytes = stored.type.size_bytes();
  made.bytes = wanted.type.size_bytes();
  if (wanted.type == stored.type && !IsPixels(stored)) return made;
  TERSOR_ASSIGN_OR_RETURN(
      made.encoder, InputEncoder::Create(BatchOf(wanted.type, kBatch),
                                         BatchOf(stored.type, set.size()), options.normalize));
  return made;
}

Status CheckAugmentation(const Dataset& set, const AugmentOptions& augment) {
  bool any_image = false;
  const int shift = augment.shift_pixels;
  for (const Field& field : set.fields()) {
    if (!IsImage(field)) continue;
    any_image = true;
    const Shape& shape = field.type.shape;
    if (shift < 0 || (shift > 0 && shift >= std::min(shape[0], shape[1]))) {
      return InvalidArgument("shift by ", shift,
                             " pixels, expected 0 or more, less than the image ", shape.ToString());
    }
  }
  if (augment.any() && !any_image) {
    const Field* input = set.only_input();
    return InvalidArgument("cannot flip or shift examples of shape ",
                           input != nullptr ? input->type.shape.ToString() : NamesOf(set.fields()),
                           ", expected images [height,width,channels]");
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<Field>> BindInputs(const Dataset& dataset, std::span<const Field> inputs) {
  std::vector<Field> bound(inputs.begin(), inputs.end());
  const Field* only = dataset.only_input();
  if (inputs.size() == 1 && only != nullptr) {
    bound[0].name = only->name;
    return bound;
  }
  for (const Field& input : inputs) {
    if (FindField(dataset.fields(), input.name) >= 0) continue;
    return NotFound("data set ", dataset.name, " has no field for the model's input '", input.name,
                    "', its fields are: ", NamesOf(dataset.fields()));
  }
  return bound;
}

struct Batcher::Impl {
  Dataset dataset;
  BatcherOptions options;
  std::vector<Field> fields;
  std::vector<Conversion> conversions;  ///< one for each of fields
  int64_t staging_rows = 1;             ///< examples that are read at a time

  /// Orders of the two epochs used last: a stream that reads ahead needs no more.
  struct CachedOrder {
    int64_t epoch = -1;
    std::shared_ptr<const Order> order;
  };
  std::mutex mutex;
  std::array<CachedOrder, 2> cache = {};

  std::shared_ptr<const Order> OrderOf(int64_t epoch) {
    std::lock_guard lock(mutex);
    CachedOrder& slot = cache[static_cast<size_t>(epoch) % cache.size()];
    if (slot.epoch != epoch) {
      slot = {epoch, std::make_shared<const Order>(Shuffled(dataset.size(), options.seed, epoch))};
    }
    return slot.order;
  }

  std::vector<int64_t> ExamplesOf(int64_t epoch, int64_t batch, int64_t count);
  void Encode(const Conversion& conversion, int64_t epoch, std::span<const int64_t> examples,
              std::byte* staged, std::byte* out) const;
};

/// The numbers of the examples whose rows are written.
std::vector<int64_t> Batcher::Impl::ExamplesOf(int64_t epoch, int64_t batch, int64_t count) {
  const std::shared_ptr<const Order> order = options.shuffle ? OrderOf(epoch) : nullptr;
  const int64_t first = batch * options.batch_size;
  const int64_t rows = options.fill_remainder ? options.batch_size : count;
  std::vector<int64_t> examples(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t place = row < count ? first + row : row % dataset.size();
    examples[static_cast<size_t>(row)] = order ? (*order)[static_cast<size_t>(place)] : place;
  }
  return examples;
}

/// Augments and encodes examples that were read to `staged`.
void Batcher::Impl::Encode(const Conversion& conversion, int64_t epoch,
                           std::span<const int64_t> examples, std::byte* staged,
                           std::byte* out) const {
  const auto count = static_cast<int64_t>(examples.size());
  if (!conversion.augment) return conversion.encoder->Encode(staged, count, out);
  const int64_t element_bytes = conversion.stored_bytes / conversion.image.num_elements();
  std::vector<std::byte> augmented(static_cast<size_t>(conversion.stored_bytes));
  for (int64_t row = 0; row < count; ++row) {
    const std::byte* example = staged + row * conversion.stored_bytes;
    std::byte* target = out + row * conversion.bytes;
    const Augmentation drawn =
        DrawAugmentation(options.augment, options.seed, epoch, examples[static_cast<size_t>(row)]);
    Augment(example, conversion.image, element_bytes, drawn, options.augment.fill,
            conversion.encoder ? augmented.data() : target);
    if (conversion.encoder) conversion.encoder->Encode(augmented.data(), 1, target);
  }
}

Result<Batcher> Batcher::Create(const Dataset& dataset, const BatcherOptions& options,
                                std::vector<Field> wanted) {
  const auto fail = [&](const auto&... why) {
    return InvalidArgument("batches of ", dataset.name, ": ", why...);
  };
  const int64_t size = dataset.size();
  if (size < 1) return fail("the set is empty");
  if (options.batch_size < 1)
    return fail("batch size ", options.batch_size, ", expected 1 or more");
  if (options.drop_remainder && options.batch_size > size) {
    return fail("batch size ", options.batch_size, ", the set has only ", size, " examples");
  }
  const std::string where = StrCat("batches of ", dataset.name);
  if (Status status = CheckAugmentation(dataset, options.augment); !status.ok()) {
    return status.WithContext(where);
  }
  if (wanted.empty()) {
    wanted = dataset.fields();
    for (Field& field : wanted) {
      if (IsPixels(field)) field.type = {DType::kF32, field.type.shape, {}};
    }
  }
  auto impl = std::make_unique<Impl>();
  impl->dataset = dataset;
  impl->options = options;
  int64_t staged_bytes = 1;
  for (const Field& field : wanted) {
    auto conversion = MakeConversion(dataset, field, options);
    if (!conversion.ok()) return conversion.status().WithContext(where);
    if (FindField(impl->fields, field.name) >= 0) return fail("two fields are named ", field.name);
    if (conversion->staged()) staged_bytes = std::max(staged_bytes, conversion->stored_bytes);
    impl->fields.push_back(field);
    impl->conversions.push_back(*std::move(conversion));
  }
  impl->staging_rows = std::max<int64_t>(kStagingBytes / staged_bytes, 1);
  return Batcher(std::move(impl));
}

Batcher::Batcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batcher::Batcher(Batcher&&) noexcept = default;
Batcher& Batcher::operator=(Batcher&&) noexcept = default;
Batcher::~Batcher() = default;

const BatcherOptions& Batcher::options() const { return impl_->options; }
const Dataset& Batcher::dataset() const { return impl_->dataset; }
const std::vector<Field>& Batcher::fields() const { return impl_->fields; }

int64_t Batcher::batches_per_epoch() const {
  const int64_t size = impl_->dataset.size(), batch = impl_->options.batch_size;
  return size / batch + (impl_->options.drop_remainder || size % batch == 0 ? 0 : 1);
}

int64_t Batcher::BatchCount(int64_t batch) const {
  return std::min(impl_->options.batch_size,
                  impl_->dataset.size() - batch * impl_->options.batch_size);
}

Result<std::vector<Tensor>> Batcher::Allocate() const {
  std::vector<Tensor> tensors;
  for (const Field& field : impl_->fields) {
    TERSOR_ASSIGN_OR_RETURN(Tensor tensor,
                            Tensor::Create(BatchOf(field.type, impl_->options.batch_size)));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Status Batcher::Fill(int64_t epoch, int64_t batch, std::span<Tensor> out) const {
  const std::vector<Conversion>& conversions = impl_->conversions;
  TERSOR_CHECK(epoch >= 0 && batch >= 0 && batch < batches_per_epoch());
  TERSOR_CHECK(out.size() == conversions.size());
  const std::vector<int64_t> examples = impl_->ExamplesOf(epoch, batch, BatchCount(batch));
  const auto rows = static_cast<int64_t>(examples.size());
  const int64_t step = std::min(impl_->staging_rows, rows);
  std::vector<std::unique_ptr<std::byte[]>> staging(out.size());
  for (size_t f = 0; f < out.size(); ++f) {
    if (out[f].empty() || !conversions[f].staged()) continue;
    const auto bytes = static_cast<size_t>(step * conversions[f].stored_bytes);
    staging[f] = std::make_unique_for_overwrite<std::byte[]>(bytes);
  }
  std::vector<std::byte*> read(impl_->dataset.fields().size());
  for (int64_t begin = 0; begin < rows; begin += step) {
    const auto here = std::span(examples).subspan(
        static_cast<size_t>(begin), static_cast<size_t>(std::min(step, rows - begin)));
    const auto target = [&](size_t f) {
      return static_cast<std::byte*>(out[f].mutable_view().data) + begin * conversions[f].bytes;
    };
    for (size_t f = 0; f < out.size(); ++f) {
      if (out[f].empty()) continue;
      read[conversions[f].source] = staging[f] ? staging[f].get() : target(f);
    }
    TERSOR_RETURN_IF_ERROR(impl_->dataset.source->Read(here, read));
    for (size_t f = 0; f < out.size(); ++f) {
      if (staging[f]) impl_->Encode(conversions[f], epoch, here, staging[f].get(), target(f));
    }
  }
  return OkStatus();
}

}  // namespace tersor::data
