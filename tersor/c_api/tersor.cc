#include "tersor/c_api/tersor.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/c_api/planned_models.h"
#include "tersor/formats/formats.h"
#include "tersor/transforms/pass.h"

struct tersor_model : tersor::LoadedModel {
  std::vector<tersor::ConstTensorView> inputs;  // types set; tersor_run sets the data
  std::vector<tersor::TensorView> outputs;
};

namespace {

using tersor::LoadedModel;
using tersor::Result;
using tersor::Status;
using tersor::StatusCode;

thread_local std::string last_error;

tersor_status Fail(const Status& status) {
  last_error = status.message();
  switch (status.code()) {
    case StatusCode::kOk:
      return TERSOR_OK;
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
      return TERSOR_INVALID_ARGUMENT;
    case StatusCode::kNotFound:
      return TERSOR_NOT_FOUND;
    case StatusCode::kDataLoss:
      return TERSOR_DATA_LOSS;
    case StatusCode::kUnsupported:
      return TERSOR_UNSUPPORTED;
    case StatusCode::kResourceExhausted:
      return TERSOR_RESOURCE_EXHAUSTED;
    case StatusCode::kIoError:
      return TERSOR_IO_ERROR;
    case StatusCode::kInternal:
      return TERSOR_INTERNAL;
  }
  return TERSOR_INTERNAL;
}

// Calls `body`; what a standard container throws when memory runs out ends here.
template <typename Body>
tersor_status Guarded(Body body) {
  last_error.clear();
  try {
    const Status status = body();
    return status.ok() ? TERSOR_OK : Fail(status);
  } catch (const std::bad_alloc&) {
    return Fail(tersor::ResourceExhausted("out of memory"));
  } catch (const std::exception& error) {
    return Fail(tersor::Internal(std::string_view(error.what())));
  }
}

#if defined(TERSOR_PLANNED_MODELS)
// A library for some models alone carries their plans.
constexpr unsigned char kPlannedModels[] = {
#include "tersor/c_api/planned_models.inc"
};

Result<LoadedModel> Open(const std::shared_ptr<tersor::Buffer>& file,
                         const tersor::runtime::CompileOptions& options) {
  return tersor::OpenPlannedModel(std::as_bytes(std::span(kPlannedModels)), file, options);
}
#else
Result<LoadedModel> Open(const std::shared_ptr<tersor::Buffer>& file,
                         const tersor::runtime::CompileOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(const auto graph, tersor::formats::ImportBytes(file));
  TERSOR_ASSIGN_OR_RETURN(const auto prepared, tersor::transforms::PrepareForInference(graph));
  TERSOR_ASSIGN_OR_RETURN(auto executable, tersor::runtime::Compile(prepared, options));
  const auto names = [&](const std::vector<tersor::ir::ValueId>& ids) {
    std::vector<std::string> found;
    for (tersor::ir::ValueId id : ids) found.push_back(prepared.value(id).name());
    return found;
  };
  return LoadedModel{std::move(executable), names(prepared.inputs()), names(prepared.outputs())};
}
#endif

Result<tersor_model*> Load(const std::shared_ptr<tersor::Buffer>& file,
                           const tersor_options* options) {
  tersor::runtime::CompileOptions compile;
  if (options != nullptr && options->threads != 0) compile.threads = options->threads;
  if (options != nullptr && options->batch != 0) compile.batch = options->batch;
  TERSOR_ASSIGN_OR_RETURN(LoadedModel loaded, Open(file, compile));
  auto* model = new tersor_model{std::move(loaded), {}, {}};
  for (const auto& type : model->executable.input_types())
    model->inputs.push_back({&type, nullptr});
  for (const auto& type : model->executable.output_types()) {
    model->outputs.push_back({&type, nullptr});
  }
  return model;
}

Status Describe(const std::vector<tersor::TensorType>& types, const std::vector<std::string>& names,
                int index, tersor_tensor* tensor) {
  if (index < 0 || static_cast<size_t>(index) >= types.size()) {
    return tersor::InvalidArgument("index ", index, ", the model has ", types.size());
  }
  const auto i = static_cast<size_t>(index);
  const tersor::TensorType& type = types[i];
  if (type.shape.rank() > TERSOR_MAX_RANK) {
    return tersor::Unsupported("rank ", type.shape.rank(), ", at most ", TERSOR_MAX_RANK);
  }
  *tensor = {};
  tensor->name = names[i].c_str();
  tensor->dtype = static_cast<tersor_dtype>(type.dtype);
  tensor->rank = type.shape.rank();
  for (int axis = 0; axis < tensor->rank; ++axis) tensor->shape[axis] = type.shape[axis];
  tensor->size_bytes = static_cast<size_t>(type.size_bytes());
  if (type.quantization && !type.quantization->per_channel()) {
    tensor->scale = type.quantization->scales[0];
    tensor->zero_point = type.quantization->zero_points[0];
  }
  return tersor::OkStatus();
}

#define DTYPE(enumerator, name, bits, type) \
  static_assert(static_cast<int>(tersor::DType::enumerator) < 10);
#include "tersor/base/dtypes.inc"
#undef DTYPE
static_assert(static_cast<int>(tersor::DType::kBool) == TERSOR_BOOL);
static_assert(static_cast<int>(tersor::DType::kI8) == TERSOR_I8);

}  // namespace

extern "C" {

const char* tersor_version(void) { return TERSOR_VERSION; }
const char* tersor_last_error(void) { return last_error.c_str(); }

tersor_status tersor_load_file(const char* path, const tersor_options* options,
                               tersor_model** model) {
  return Guarded([&]() -> Status {
    if (path == nullptr || model == nullptr) return tersor::InvalidArgument("a pointer is null");
    *model = nullptr;
    TERSOR_ASSIGN_OR_RETURN(const auto file, tersor::MapFile(path));
    auto loaded = Load(file, options);
    if (!loaded.ok()) return loaded.status().WithContext(path);
    *model = *loaded;
    return tersor::OkStatus();
  });
}

tersor_status tersor_load_memory(const void* bytes, size_t size_bytes,
                                 const tersor_options* options, tersor_model** model) {
  return Guarded([&]() -> Status {
    if (bytes == nullptr || model == nullptr) return tersor::InvalidArgument("a pointer is null");
    *model = nullptr;
    TERSOR_ASSIGN_OR_RETURN(auto copy, tersor::Buffer::Allocate(size_bytes));
    std::memcpy(copy->data(), bytes, size_bytes);
    TERSOR_ASSIGN_OR_RETURN(*model, Load(copy, options));
    return tersor::OkStatus();
  });
}

void tersor_free(tersor_model* model) { delete model; }

int tersor_input_count(const tersor_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->inputs.size());
}

int tersor_output_count(const tersor_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->outputs.size());
}

tersor_status tersor_input(const tersor_model* model, int index, tersor_tensor* tensor) {
  return Guarded([&]() -> Status {
    if (model == nullptr || tensor == nullptr) return tersor::InvalidArgument("a pointer is null");
    return Describe(model->executable.input_types(), model->input_names, index, tensor);
  });
}

tersor_status tersor_output(const tersor_model* model, int index, tersor_tensor* tensor) {
  return Guarded([&]() -> Status {
    if (model == nullptr || tensor == nullptr) return tersor::InvalidArgument("a pointer is null");
    return Describe(model->executable.output_types(), model->output_names, index, tensor);
  });
}

size_t tersor_arena_bytes(const tersor_model* model) {
  return model == nullptr ? 0 : static_cast<size_t>(model->executable.arena_bytes());
}

size_t tersor_packed_bytes(const tersor_model* model) {
  return model == nullptr ? 0 : static_cast<size_t>(model->executable.packed_bytes());
}

tersor_status tersor_run(tersor_model* model, const void* const* inputs, void* const* outputs) {
  return Guarded([&]() -> Status {
    if (model == nullptr || inputs == nullptr || outputs == nullptr) {
      return tersor::InvalidArgument("a pointer is null");
    }
    for (size_t i = 0; i < model->inputs.size(); ++i) model->inputs[i].data = inputs[i];
    for (size_t i = 0; i < model->outputs.size(); ++i) model->outputs[i].data = outputs[i];
    return model->executable.Run(model->inputs, model->outputs);
  });
}

}  // extern "C"
