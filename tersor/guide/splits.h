// The splits of one data set, each read when it is first needed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"

namespace tersor::guide {

class Splits {
 public:
  /// `spec` names the data set (data/dataset.h); empty: there is none, and Get() fails.
  /// `threads` decode.
  Splits(std::string spec, int threads) : spec_(std::move(spec)), threads_(threads) {}

  /// `limit` examples of a split, evenly spaced; 0: all. Valid as long as this object. Not for
  /// several threads at once.
  Result<const data::Dataset*> Get(data::Split split, int64_t limit);

 private:
  std::string spec_;
  int threads_;
  std::map<std::pair<data::Split, int64_t>, data::Dataset> sets_;
};

}  // namespace tersor::guide
