#include "tersor/data/examples.h"

#include <cstring>
#include <utility>

namespace tersor::data {
namespace {

class InMemory : public ExampleSource {
 public:
  InMemory(std::vector<Field> fields, std::vector<Tensor> columns)
      : fields_(std::move(fields)), columns_(std::move(columns)) {}

  int64_t size() const override { return columns_.empty() ? 0 : columns_[0].type().shape[0]; }
  const std::vector<Field>& fields() const override { return fields_; }

  Status Read(std::span<const int64_t> examples, std::span<std::byte* const> out) const override {
    TERSOR_CHECK(out.size() == columns_.size());
    for (size_t f = 0; f < columns_.size(); ++f) {
      if (out[f] == nullptr) continue;
      const auto bytes = static_cast<size_t>(fields_[f].type.size_bytes());
      const auto* column = static_cast<const std::byte*>(columns_[f].view().data);
      std::byte* target = out[f];
      for (int64_t example : examples) {
        std::memcpy(target, column + static_cast<size_t>(example) * bytes, bytes);
        target += bytes;
      }
    }
    return OkStatus();
  }

 private:
  std::vector<Field> fields_;
  std::vector<Tensor> columns_;
};

}  // namespace

TensorType BatchOf(TensorType example, int64_t count) {
  std::vector<int64_t> dims = example.shape.dims();
  dims.insert(dims.begin(), count);
  example.shape = Shape(std::move(dims));
  return example;
}

TensorType ExampleOf(TensorType batch) {
  std::vector<int64_t> dims = batch.shape.dims();
  TERSOR_CHECK(!dims.empty());
  dims.erase(dims.begin());
  batch.shape = Shape(std::move(dims));
  return batch;
}

bool IsPixels(const Field& field) {
  return field.name != kLabelField && field.type.dtype == DType::kU8;
}

bool IsImage(const Field& field) {
  return field.name != kLabelField && field.type.shape.rank() == 3 &&
         (field.type.dtype == DType::kU8 || field.type.dtype == DType::kF32);
}

bool IsClassNumber(const Field& field) {
  return field.name == kLabelField && field.type == TensorType{DType::kI32, {}, {}};
}

int FindField(std::span<const Field> fields, std::string_view name) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

Result<std::shared_ptr<const ExampleSource>> ExamplesInMemory(std::vector<NamedTensor> columns) {
  std::vector<Field> fields;
  std::vector<Tensor> tensors;
  for (NamedTensor& column : columns) {
    const TensorType& type = column.tensor.type();
    if (column.tensor.empty() || type.shape.rank() == 0) {
      return InvalidArgument("field ", column.name, " is ", type.ToString(),
                             ", expected a tensor [count,...]");
    }
    if (FindField(fields, column.name) >= 0) {
      return InvalidArgument("two fields have the name ", column.name);
    }
    if (!tensors.empty() && type.shape[0] != tensors[0].type().shape[0]) {
      return InvalidArgument("field ", column.name, " has ", type.shape[0], " examples, field ",
                             fields[0].name, " has ", tensors[0].type().shape[0]);
    }
    fields.push_back({std::move(column.name), ExampleOf(type)});
    tensors.push_back(std::move(column.tensor));
  }
  return std::shared_ptr<const ExampleSource>(
      std::make_shared<InMemory>(std::move(fields), std::move(tensors)));
}

}  // namespace tersor::data
