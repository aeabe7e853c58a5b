#include "tersor/data/batcher.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <numeric>
#include <utility>

#include "tersor/base/random.h"

namespace tersor::data {
namespace {

constexpr uint64_t kShuffleStream = uint64_t{0x73687566} << 32;  // "shuf"

using Order = std::vector<uint32_t>;

/// Fisher-Yates from the numbers of (seed, epoch).
Order Shuffled(int64_t size, uint64_t seed, int64_t epoch) {
  Order order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed, kShuffleStream ^ static_cast<uint64_t>(epoch));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.NextBelow(i)]);
  return order;
}

}  // namespace

struct Batcher::Impl {
  Dataset dataset;
  BatcherOptions options;
  InputEncoder encoder;
  Shape example_shape;

  /// Orders of the two epochs used last: a stream that reads ahead needs no more.
  struct CachedOrder {
    int64_t epoch = -1;
    std::shared_ptr<const Order> order;
  };
  std::mutex mutex;
  std::array<CachedOrder, 2> cache;

  std::shared_ptr<const Order> OrderOf(int64_t epoch) {
    std::lock_guard lock(mutex);
    CachedOrder& slot = cache[static_cast<size_t>(epoch) % cache.size()];
    if (slot.epoch != epoch) {
      slot = {epoch, std::make_shared<const Order>(Shuffled(dataset.size(), options.seed, epoch))};
    }
    return slot.order;
  }
};

Result<Batcher> Batcher::Create(const Dataset& dataset, const BatcherOptions& options) {
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
  const Shape shape = dataset.example_shape();
  const int shift = options.augment.shift_pixels;
  if (options.augment.any() && shape.rank() != 3) {
    return fail("cannot flip or shift examples of shape ", shape.ToString(),
                ", expected images [height,width,channels]");
  }
  if (shift < 0 || (shift > 0 && shift >= std::min(shape[0], shape[1]))) {
    return fail("shift by ", shift, " pixels, expected 0 or more, less than the image ",
                shape.ToString());
  }
  const TensorType& examples = dataset.examples.type();
  TERSOR_ASSIGN_OR_RETURN(
      InputEncoder encoder,
      InputEncoder::Create({DType::kF32, examples.shape, {}}, examples, options.normalize));
  return Batcher(std::unique_ptr<Impl>(new Impl{dataset, options, encoder, shape, {}, {}}));
}

Batcher::Batcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batcher::Batcher(Batcher&&) noexcept = default;
Batcher& Batcher::operator=(Batcher&&) noexcept = default;
Batcher::~Batcher() = default;

const BatcherOptions& Batcher::options() const { return impl_->options; }
const Dataset& Batcher::dataset() const { return impl_->dataset; }
int64_t Batcher::example_elements() const {
  return impl_->encoder.input_bytes() / static_cast<int64_t>(sizeof(float));
}

int64_t Batcher::batches_per_epoch() const {
  const int64_t size = impl_->dataset.size(), batch = impl_->options.batch_size;
  return size / batch + (impl_->options.drop_remainder || size % batch == 0 ? 0 : 1);
}

int64_t Batcher::BatchCount(int64_t batch) const {
  return std::min(impl_->options.batch_size,
                  impl_->dataset.size() - batch * impl_->options.batch_size);
}

void Batcher::Fill(int64_t epoch, int64_t batch, const BatchBuffer& out) const {
  TERSOR_CHECK(epoch >= 0 && batch >= 0 && batch < batches_per_epoch());
  const BatcherOptions& options = impl_->options;
  const Dataset& set = impl_->dataset;
  const InputEncoder& encoder = impl_->encoder;
  const int64_t first = batch * options.batch_size, count = BatchCount(batch);
  const auto* examples = static_cast<const std::byte*>(set.examples.view().data);
  const int64_t row_bytes = encoder.example_bytes(), elements = example_elements();
  const std::shared_ptr<const Order> order = options.shuffle ? impl_->OrderOf(epoch) : nullptr;
  const bool augment = options.augment.any();
  const int64_t element_bytes = row_bytes / elements;
  std::vector<std::byte> augmented(augment ? static_cast<size_t>(row_bytes) : 0);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t index = order ? int64_t{(*order)[static_cast<size_t>(first + row)]} : first + row;
    const std::byte* example = examples + index * row_bytes;
    if (augment) {
      Augment(example, impl_->example_shape, element_bytes,
              DrawAugmentation(options.augment, options.seed, epoch, index), options.augment.fill,
              augmented.data());
      example = augmented.data();
    }
    encoder.Encode(example, 1, out.examples + row * elements);
    if (out.labels != nullptr && !set.labels.empty()) {
      out.labels[row] = set.labels[static_cast<size_t>(index)];
    }
  }
}

}  // namespace tersor::data
