// The files of a study's points, in its folder models/.
//
// While a worker makes a point, it writes to a file of its own, which carries the number of its
// attempt: "p7-0123456789abcdef.2.tersor". A complete point owns "p7-0123456789abcdef.tersor".
// So two workers that both believe that they make a point never write to the same file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tersor/automation/study/point.h"
#include "tersor/base/status.h"

namespace tersor::automation {

/// The folder models/ of one study. Knows names and files, and nothing of the history.
class ModelFiles {
 public:
  explicit ModelFiles(std::string folder) : folder_(std::move(folder)) {}

  std::string PathOf(const Point& point) const { return folder_ + "/" + point.file; }

  /// The name of the file that attempt `attempt` writes, for a point of that name and recipe.
  /// `extension` is the file's: ".tersor".
  static std::string NameOfAttempt(std::string_view name, const std::string& recipe,
                                   int64_t attempt, std::string_view extension);
  /// The name that the file of an attempt gets when its point is complete.
  static std::string NameWhenComplete(const std::string& name_of_attempt);

  /// "" where the point's file is there with as many bytes as its metric kFileBytes says, or where
  /// the point has no file; otherwise what is wrong: "its file is gone".
  std::string Flaw(const Point& point) const;

  /// Gives the file of an attempt its final name, so that it survives a loss of power. The file's
  /// own bytes have been synced by who wrote them (WriteFileAtomically).
  Status MakeFinal(const std::string& name_of_attempt) const;

  /// Removes the files that no point of `owners` owns. Only files whose names are made by this
  /// class are touched; what a person has put into the folder stays.
  Status RemoveOrphans(const std::vector<Point>& owners) const;

  /// Removes a point's file, if it is there, and what a killed worker wrote of it.
  void Remove(const Point& point) const;

 private:
  std::string folder_;
};

}  // namespace tersor::automation
