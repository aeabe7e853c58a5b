// The pages of docs/generated, made from the lists that the code itself is made from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tersor::docs {

std::string Operators();
std::string AttributesPage();
std::string Dtypes();
std::string CpuLevels();
std::string Kernels();
std::string Coverage();
std::string Passes();
std::string Formats();
std::string Datasets();
std::string Encodings();
std::string Losses();
std::string Options();

struct Page {
  std::string_view name;  ///< of the file, without .md
  std::string (*print)();
};

inline constexpr Page kPages[] = {
    {"attributes", AttributesPage}, {"coverage", Coverage}, {"cpu-levels", CpuLevels},
    {"datasets", Datasets},         {"dtypes", Dtypes},     {"encodings", Encodings},
    {"formats", Formats},           {"kernels", Kernels},   {"losses", Losses},
    {"operators", Operators},       {"options", Options},   {"passes", Passes},
};

std::string Code(std::string_view text);                  ///< `text`
std::string Join(const std::vector<std::string>& parts);  ///< with commas

/// A Markdown table, cell by cell; a `|` inside a cell is escaped.
class Table {
 public:
  explicit Table(std::span<const std::string_view> head);
  void Row(std::span<const std::string> cells);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace tersor::docs
