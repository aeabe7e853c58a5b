#include "tersor/guide/splits.h"

namespace tersor::guide {

Result<const data::Dataset*> Splits::Get(data::Split split, int64_t limit) {
  if (spec_.empty()) return InvalidArgument("examples are needed: name a data set with --data");
  const auto key = std::make_pair(split, limit);
  if (auto found = sets_.find(key); found != sets_.end()) return &found->second;
  data::DatasetOptions loading;
  loading.threads = threads_;
  loading.max_examples = limit;
  TERSOR_ASSIGN_OR_RETURN(data::Dataset set, data::LoadDataset(spec_, split, loading));
  return &sets_.emplace(key, std::move(set)).first->second;
}

}  // namespace tersor::guide
