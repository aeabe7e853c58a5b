#include "tersor/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/data/archive.h"
#include "tersor/data/image.h"
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

Result<std::string> BytesOf(Item& item, const Listing& listing) {
  if (listing.in_memory) return std::exchange(item.bytes, {});
  const std::string path = listing.where + "/" + item.path;
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

/// The size in which the set's images are stored in memory, decided by its first image.
struct Plan {
  ImageSize stored;   ///< of each file, when there is no resizing
  ImageSize decoded;  ///< of each example
  bool resize = false;
};

Result<Plan> MakePlan(std::string_view where, const std::string& bytes,
                      const DatasetOptions& options) {
  Plan plan;
  TERSOR_ASSIGN_OR_RETURN(plan.stored, ReadJpegSize(AsBytes(bytes), where));
  if (options.channels != 0) plan.stored.channels = options.channels;
  plan.decoded = plan.stored;
  plan.resize = options.resize_height > 0;
  if (plan.resize) {
    plan.decoded.height = options.resize_height;
    plan.decoded.width = options.resize_width;
  }
  return plan;
}

Status DecodeOne(std::string_view where, const std::string& bytes, const Plan& plan,
                 const DatasetOptions& options, std::string_view first, uint8_t* out) {
  TERSOR_ASSIGN_OR_RETURN(ImageSize size, ReadJpegSize(AsBytes(bytes), where));
  if (options.channels == 0 && size.channels > plan.decoded.channels) {
    return InvalidArgument(where, ": colour image among gray ones (the first, ", first,
                           ", is gray); state the number of channels");
  }
  size.channels = plan.decoded.channels;
  if (!plan.resize) {
    if (size != plan.stored) {
      return InvalidArgument(where, ": image of ", size.ToString(), ", expected ",
                             plan.stored.ToString(), " as the first, ", first,
                             "; state a size to resize to");
    }
    return DecodeJpeg(AsBytes(bytes), where, size, out);
  }
  std::vector<uint8_t> pixels(static_cast<size_t>(size.size_bytes()));
  TERSOR_RETURN_IF_ERROR(DecodeJpeg(AsBytes(bytes), where, size, pixels.data()));
  ResizeBilinear(pixels.data(), size, out, plan.decoded);
  return OkStatus();
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
  const std::vector<uint32_t> indices = Thin(*std::move(selected), options.max_examples);
  for (uint32_t index : indices) set.labels.push_back(labels[index]);

  Item& first_item = items[indices[0]];
  TERSOR_ASSIGN_OR_RETURN(std::string first_bytes, BytesOf(first_item, listing));
  const std::string first = StrCat(listing.where, "/", first_item.path);
  TERSOR_ASSIGN_OR_RETURN(const Plan plan, MakePlan(first, first_bytes, options));
  if (listing.in_memory) first_item.bytes = std::move(first_bytes);
  const auto count = static_cast<int64_t>(indices.size());
  if (plan.decoded.size_bytes() > options.max_bytes / count) {
    return ResourceExhausted(listing.where, ": ", count, " images of ", plan.decoded.ToString(),
                             " need more than the limit of ", options.max_bytes, " bytes");
  }
  TERSOR_ASSIGN_OR_RETURN(
      set.examples,
      Tensor::Create({DType::kU8,
                      {count, plan.decoded.height, plan.decoded.width, plan.decoded.channels},
                      {}}));
  uint8_t* out = set.examples.mutable_values<uint8_t>().data();
  const Status status = ForEach(count, options.threads, [&](int64_t i) -> Status {
    Item& item = items[indices[static_cast<size_t>(i)]];
    TERSOR_ASSIGN_OR_RETURN(const std::string bytes, BytesOf(item, listing));
    return DecodeOne(StrCat(listing.where, "/", item.path), bytes, plan, options, first_item.path,
                     out + i * plan.decoded.size_bytes());
  });
  if (!status.ok()) return status;
  return set;
}

}  // namespace

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
