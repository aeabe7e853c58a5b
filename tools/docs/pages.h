// The pages of docs/generated, made from the lists that the code itself is made from.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tersor::docs {

std::string Operators();
std::string AttributesPage();
std::string Dtypes();
std::string CpuLevels();

struct Page {
  std::string_view name;  ///< of the file, without .md
  std::string (*print)();
};

inline constexpr Page kPages[] = {
    {"attributes", AttributesPage},
    {"cpu-levels", CpuLevels},
    {"dtypes", Dtypes},
    {"operators", Operators},
};

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
