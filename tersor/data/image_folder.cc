#include "tersor/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/data/archive.h"
#include "tersor/data/image.h"
#include "tersor/data/kinds.h"
#include "tersor/data/parallel.h"

namespace tersor::data {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{64} << 20;
constexpr size_t kMaxDepth = 8;  // of folders in folders

/// One image of the set, in an archive (bytes) or a folder (path).
struct Item {
  Part part = Part::kWhole;
  std::string class_name;
  std::string path;
  std::string bytes;

  auto Key() const { return std::tie(part, class_name, path); }
};

struct Listing {
  Listing(std::string where, bool in_memory) : where(std::move(where)), in_memory(in_memory) {}

  std::string where;
  bool in_memory;
  PartSet present;
  std::set<std::string> classes;
  std::vector<Item> items;
  std::string first_other;  ///< a file that is no JPEG, for the message when nothing was found
};

bool HasJpegName(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string ending(path.substr(dot));
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".jpg" || ending == ".jpeg";
}

/// Reads part and class out of [.../][split/]class/file; false when there is no class folder.
bool Place(std::string_view path, Item& item) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.push_back(part);
    begin = end + 1;
  }
  if (parts.size() < 2) return false;
  item.path = path;
  item.class_name = parts[parts.size() - 2];
  item.part = Part::kWhole;
  if (parts.size() >= 3) item.part = ParsePart(parts[parts.size() - 3]).value_or(Part::kWhole);
  return true;
}

/// Notes one file; gives true when it is an image whose bytes may be asked for.
Result<bool> Note(std::string_view path, Listing& listing, Item& item) {
  if (!HasJpegName(path)) {
    if (listing.first_other.empty()) listing.first_other = path;
    return false;
  }
  if (!Place(path, item)) {
    return InvalidArgument(listing.where, ": ", path,
                           " is in no class folder, expected [split/]class/image.jpg");
  }
  listing.present.Add(item.part);
  listing.classes.insert(item.class_name);
  return true;
}

/// `above` holds the real paths of the folders that this one lies in: a link back to one of them is
/// passed over.
Status ListFolder(const std::filesystem::path& root, const std::string& relative,
                  std::vector<std::filesystem::path>& above, Listing& listing) {
  std::error_code error;
  std::vector<std::pair<std::string, bool>> names;
  for (auto it = std::filesystem::directory_iterator(root / relative, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (name.starts_with(".")) continue;
    names.emplace_back(name, it->is_directory(ignored));
  }
  const auto real = error ? root : std::filesystem::canonical(root / relative, error);
  if (error) {
    return IoError("cannot list ", (root / relative).string(), ": ", error.message());
  }
  if (std::find(above.begin(), above.end(), real) != above.end()) return OkStatus();
  above.push_back(real);
  for (const auto& [name, is_folder] : names) {
    const std::string path = relative.empty() ? name : relative + "/" + name;
    if (is_folder) {
      if (above.size() == kMaxDepth) {
        return InvalidArgument(listing.where, ": ", path, " lies more than ", kMaxDepth,
                               " folders deep, expected [split/]class/image.jpg");
      }
      TERSOR_RETURN_IF_ERROR(ListFolder(root, path, above, listing));
      continue;
    }
    Item item;
    TERSOR_ASSIGN_OR_RETURN(const bool is_image, Note(path, listing, item));
    if (is_image) listing.items.push_back(std::move(item));
  }
  above.pop_back();
  return OkStatus();
}

/// Could an image of `part` be of `split`? Keeps bytes that nobody will ask for out of memory.
bool MayNeed(Part part, Split split) {
  if (part == Part::kWhole) return true;
  if (split == Split::kTest) return part == Part::kTest;
  return part != Part::kTest;
}

Status ListArchive(ArchiveReader& reader, Split split, int64_t max_bytes, Listing& listing) {
  int64_t left = max_bytes;
  for (;;) {
    TERSOR_ASSIGN_OR_RETURN(const auto entry, reader.Next());
    if (!entry) return OkStatus();
    Item item;
    TERSOR_ASSIGN_OR_RETURN(const bool is_image, Note(entry->name, listing, item));
    if (!is_image || !MayNeed(item.part, split)) continue;
    TERSOR_ASSIGN_OR_RETURN(item.bytes, reader.Read(std::min(left, kMaxFileBytes)));
    left -= static_cast<int64_t>(item.bytes.size());
    listing.items.push_back(std::move(item));
  }
}

Result<std::string> ReadImageFile(const std::string& path) {
  TERSOR_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(path));
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return IoError("cannot read ", path, ": it is not a regular file");
  }
  if (size > kMaxFileBytes) {
    return ResourceExhausted(path, ": has ", size, " bytes, the limit is ", kMaxFileBytes);
  }
  return ReadFile(path);
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The images of a split, decoded when they are read.
class JpegExamples : public ExampleSource {
 public:
  /// `labels` are those of `items`. The first image decides the size that all others must have,
  /// unless they are resized.
  static Result<std::shared_ptr<const JpegExamples>> Create(const Listing& listing,
                                                            std::vector<Item> items,
                                                            std::vector<int32_t> labels,
                                                            const DatasetOptions& options) {
    auto made = std::make_shared<JpegExamples>();
    made->where_ = listing.where;
    made->in_memory_ = listing.in_memory;
    made->items_ = std::move(items);
    made->labels_ = std::move(labels);
    made->fixed_channels_ = options.channels != 0;
    made->resize_ = options.resize_height > 0;
    TERSOR_RETURN_IF_ERROR(made->WithBytes(
        0, [&](std::span<const std::byte> bytes, const std::string& where) -> Status {
          TERSOR_ASSIGN_OR_RETURN(made->stored_, ReadJpegSize(bytes, where));
          return OkStatus();
        }));
    if (made->fixed_channels_) made->stored_.channels = options.channels;
    made->decoded_ = made->stored_;
    if (made->resize_) {
      made->decoded_.height = options.resize_height;
      made->decoded_.width = options.resize_width;
    }
    const ImageSize& size = made->decoded_;
    made->fields_ = {{"image", {DType::kU8, {size.height, size.width, size.channels}, {}}},
                     {std::string(kLabelField), {DType::kI32, {}, {}}}};
    return std::shared_ptr<const JpegExamples>(std::move(made));
  }

  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  const std::vector<Field>& fields() const override { return fields_; }
  const ImageSize& image_size() const { return decoded_; }
  const std::vector<int32_t>& labels() const { return labels_; }

  Status Read(std::span<const int64_t> examples, std::span<std::byte* const> out) const override {
    TERSOR_CHECK(out.size() == fields_.size());
    auto* pixels = reinterpret_cast<uint8_t*>(out[0]);
    std::byte* labels = out[1];
    for (int64_t example : examples) {
      if (pixels != nullptr) {
        TERSOR_RETURN_IF_ERROR(Decode(example, pixels));
        pixels += decoded_.size_bytes();
      }
      if (labels != nullptr) {
        std::memcpy(labels, &labels_[static_cast<size_t>(example)], sizeof(int32_t));
        labels += sizeof(int32_t);
      }
    }
    return OkStatus();
  }

  /// Writes the pixels of one image. An out-of-memory exception is passed on.
  Status Decode(int64_t example, uint8_t* out) const {
    return WithBytes(example, [&](std::span<const std::byte> bytes, const std::string& where) {
      return DecodeBytes(bytes, where, out);
    });
  }

 private:
  /// Calls `use` with the compressed bytes of an image and the name that it has in messages.
  template <typename Use>
  Status WithBytes(int64_t example, const Use& use) const {
    const Item& item = items_[static_cast<size_t>(example)];
    const std::string where = StrCat(where_, "/", item.path);
    if (in_memory_) return use(AsBytes(item.bytes), where);
    TERSOR_ASSIGN_OR_RETURN(const std::string bytes, ReadImageFile(where));
    return use(AsBytes(bytes), where);
  }

  Status DecodeBytes(std::span<const std::byte> bytes, const std::string& where,
                     uint8_t* out) const {
    TERSOR_ASSIGN_OR_RETURN(ImageSize size, ReadJpegSize(bytes, where));
    if (!fixed_channels_ && size.channels > decoded_.channels) {
      return InvalidArgument(where, ": colour image among gray ones (the first, ", items_[0].path,
                             ", is gray); state the number of channels");
    }
    size.channels = decoded_.channels;
    if (!resize_) {
      if (size != stored_) {
        return InvalidArgument(where, ": image of ", size.ToString(), ", expected ",
                               stored_.ToString(), " as the first, ", items_[0].path,
                               "; state a size to resize to");
      }
      return DecodeJpeg(bytes, where, size, out);
    }
    std::vector<uint8_t> pixels(static_cast<size_t>(size.size_bytes()));
    TERSOR_RETURN_IF_ERROR(DecodeJpeg(bytes, where, size, pixels.data()));
    ResizeBilinear(pixels.data(), size, out, decoded_);
    return OkStatus();
  }

  std::string where_;
  bool in_memory_ = false;       ///< the items have their bytes; else they are files
  bool fixed_channels_ = false;  ///< the caller stated the number of channels
  bool resize_ = false;
  std::vector<Item> items_;
  std::vector<int32_t> labels_;
  ImageSize stored_;   ///< of each file, when there is no resizing
  ImageSize decoded_;  ///< of each example
  std::vector<Field> fields_;
};

/// All images of the source in memory, decoded on threads.
Result<std::shared_ptr<const ExampleSource>> DecodeAll(const JpegExamples& images,
                                                       std::string_view where,
                                                       const DatasetOptions& options) {
  const int64_t count = images.size();
  const ImageSize& size = images.image_size();
  if (size.size_bytes() > options.max_bytes / count) {
    return ResourceExhausted(where, ": ", count, " images of ", size.ToString(),
                             " need more than the limit of ", options.max_bytes, " bytes");
  }
  TERSOR_ASSIGN_OR_RETURN(
      Tensor pixels,
      Tensor::Create({DType::kU8, {count, size.height, size.width, size.channels}, {}}));
  TERSOR_ASSIGN_OR_RETURN(Tensor labels, Tensor::FromValues<int32_t>({DType::kI32, {count}, {}},
                                                                     std::span(images.labels())));
  uint8_t* out = pixels.mutable_values<uint8_t>().data();
  TERSOR_RETURN_IF_ERROR(ForEach(count, options.threads, [&](int64_t i) {
    return images.Decode(i, out + i * size.size_bytes());
  }));
  return ExamplesInMemory(
      {{images.fields()[0].name, std::move(pixels)}, {images.fields()[1].name, std::move(labels)}});
}

Result<Dataset> Finish(Listing listing, Split split, const DatasetOptions& options) {
  if (listing.classes.empty()) {
    return NotFound(listing.where, ": found no *.jpg in [split/]class/ folders",
                    listing.first_other.empty() ? "" : StrCat(", but ", listing.first_other));
  }
  std::vector<Item>& items = listing.items;
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.Key() < b.Key(); });
  Dataset set;
  set.name = listing.where;
  set.split = split;
  set.class_names.assign(listing.classes.begin(), listing.classes.end());
  std::map<std::string_view, int32_t> label_of;
  for (const std::string& name : set.class_names) {
    label_of.emplace(name, static_cast<int32_t>(label_of.size()));
  }
  std::vector<Part> parts;
  std::vector<int32_t> labels;
  for (const Item& item : items) {
    parts.push_back(item.part);
    labels.push_back(label_of.at(item.class_name));
  }
  auto selected = SelectExamples(listing.present, parts, labels, split, options.carve);
  if (!selected.ok()) return selected.status().WithContext(listing.where);
  std::vector<Item> chosen_items;
  std::vector<int32_t> chosen_labels;
  for (uint32_t index : Thin(*std::move(selected), options.max_examples)) {
    chosen_items.push_back(std::move(items[index]));
    chosen_labels.push_back(labels[index]);
  }
  TERSOR_ASSIGN_OR_RETURN(auto images, JpegExamples::Create(listing, std::move(chosen_items),
                                                            std::move(chosen_labels), options));
  if (options.stream) {
    set.source = std::move(images);
  } else {
    TERSOR_ASSIGN_OR_RETURN(set.source, DecodeAll(*images, set.name, options));
  }
  return set;
}

}  // namespace

bool IsImageFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool IsImageArchive(const std::string& path) { return HasTarName(path); }

Result<Dataset> LoadImageFolder(const std::string& path, Split split,
                                const DatasetOptions& options) {
  Listing listing(path, false);
  std::vector<std::filesystem::path> above;
  TERSOR_RETURN_IF_ERROR(ListFolder(path, "", above, listing));
  return Finish(std::move(listing), split, options);
}

Result<Dataset> LoadImageArchive(const std::string& path, Split split,
                                 const DatasetOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(
      auto reader, ArchiveReader::OpenFile(path, ArchiveReader::Kind::kTar, options.max_bytes));
  Listing listing(path, true);
  TERSOR_RETURN_IF_ERROR(ListArchive(reader, split, options.max_bytes, listing));
  return Finish(std::move(listing), split, options);
}

Result<Dataset> LoadImageArchive(std::span<const std::byte> bytes, std::string_view where,
                                 Split split, const DatasetOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(
      auto reader,
      ArchiveReader::OpenMemory(bytes, where, ArchiveReader::Kind::kTar, options.max_bytes));
  Listing listing(std::string(where), true);
  TERSOR_RETURN_IF_ERROR(ListArchive(reader, split, options.max_bytes, listing));
  return Finish(std::move(listing), split, options);
}

}  // namespace tersor::data
