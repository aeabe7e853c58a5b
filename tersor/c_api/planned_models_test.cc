#include "tersor/c_api/planned_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tersor/base/file.h"
#include "tersor/coding/coding.h"
#include "tersor/formats/native/native.h"
#include "tersor/ir/random_graph.h"
#include "tersor/ir/text.h"
#include "tersor/transforms/pass.h"

namespace tersor {
namespace {

namespace native = formats::native;
using testing::HasSubstr;

std::shared_ptr<Buffer> ToBuffer(std::string_view bytes) {
  auto buffer = Buffer::Allocate(bytes.size()).value();
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return buffer;
}

std::string RandomModel(uint64_t seed, DType dtype) {
  ir::RandomGraphOptions options;
  options.dtype = dtype;
  const ir::Graph prepared =
      transforms::PrepareForInference(ir::RandomGraph(seed, options)).value();
  return native::Export(prepared, {}).value();
}

runtime::CompileOptions Options(int threads, int64_t batch) {
  runtime::CompileOptions options;
  options.threads = threads;
  options.batch = batch;
  return options;
}

const std::vector<runtime::CompileOptions>& AllOptions() {
  static const std::vector all = {Options(1, 1), Options(2, 1), Options(1, 3)};
  return all;
}

std::string TableOf(const std::vector<std::string>& models) {
  std::vector<std::string> records;
  for (const std::string& model : models) {
    records.push_back(PlannedModel(ToBuffer(model), AllOptions()).value());
  }
  return PlannedModelsTable(records);
}

Result<LoadedModel> Open(const std::string& table, std::string_view file,
                         const runtime::CompileOptions& options = Options(1, 1)) {
  return OpenPlannedModel(coding::AsBytes(table), ToBuffer(file), options);
}

// The bytes of all outputs for random inputs.
std::vector<std::string> RunOnRandom(runtime::Executable& executable, uint64_t seed) {
  std::vector<Tensor> inputs, outputs;
  std::vector<ConstTensorView> input_views;
  std::vector<TensorView> output_views;
  for (const TensorType& type : executable.input_types()) {
    inputs.push_back(ir::RandomTensor(type, seed++).value());
  }
  for (const TensorType& type : executable.output_types()) {
    outputs.push_back(Tensor::Create(type).value());
  }
  for (const Tensor& input : inputs) input_views.push_back(input.view());
  for (Tensor& output : outputs) output_views.push_back(output.mutable_view());
  EXPECT_TRUE(executable.Run(input_views, output_views).ok());
  std::vector<std::string> bytes;
  for (const Tensor& output : outputs) {
    bytes.emplace_back(static_cast<const char*>(output.buffer()->data()),
                       output.buffer()->size_bytes());
  }
  return bytes;
}

std::vector<std::string> Names(const ir::Graph& graph, const std::vector<ir::ValueId>& ids) {
  std::vector<std::string> names;
  for (ir::ValueId id : ids) names.push_back(graph.value(id).name());
  return names;
}

void ExpectTheSame(const std::string& table, const std::string& file,
                   const runtime::CompileOptions& options) {
  const ir::Graph graph = native::Import(ToBuffer(file)).value();
  auto compiled = runtime::Compile(graph, options);
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto opened = Open(table, file, options);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  runtime::Executable& executable = opened->executable;
  EXPECT_EQ(runtime::PlanText(executable.plan()), runtime::PlanText(compiled->plan()));
  EXPECT_EQ(executable.packed_bytes(), compiled->packed_bytes());
  EXPECT_EQ(opened->input_names, Names(graph, graph.inputs()));
  EXPECT_EQ(opened->output_names, Names(graph, graph.outputs()));
  for (uint64_t seed : {1, 2})
    EXPECT_EQ(RunOnRandom(executable, seed), RunOnRandom(*compiled, seed));
}

TEST(PlannedModels, RunAsCompiledOnes) {
  for (DType dtype : {DType::kF32, DType::kI8, DType::kU8}) {
    std::vector<std::string> models;
    for (uint64_t seed = 0; seed < 12; ++seed) models.push_back(RandomModel(seed, dtype));
    const std::string table = TableOf(models);
    for (const std::string& model : models) {
      for (const auto& options : AllOptions()) ExpectTheSame(table, model, options);
    }
  }
}

// The golden models have weights in every encoding and placement.
TEST(PlannedModels, ReadEncodedWeights) {
  for (const char* name : {"encoded", "f32", "int8"}) {
    const std::string file =
        ReadFile(std::string("tests/golden/v1/model_") + name + ".tersor").value();
    const ir::Graph graph = native::Import(ToBuffer(file)).value();
    const ir::Graph prepared = transforms::PrepareForInference(graph).value();
    const std::string model = native::Export(prepared, {}).value();
    ExpectTheSame(TableOf({model}), model, Options(1, 1));
    ExpectTheSame(TableOf({file}), file, Options(1, 3));
  }
}

TEST(PlannedModels, RefuseOtherFilesAndOptions) {
  const std::string first = RandomModel(1, DType::kI8), second = RandomModel(2, DType::kI8);
  const std::string table = TableOf({first});
  EXPECT_THAT(Open(table, second).status().message(),
              HasSubstr("built for 1 model, and this file is none of them"));
  EXPECT_EQ(Open(table, second).status().code(), StatusCode::kUnsupported);
  // Of the same size, but another name.
  ir::Graph other = native::Import(ToBuffer(first)).value();
  other.set_name(std::string(other.name().size(), 'z'));
  EXPECT_EQ(Open(table, native::Export(other, {}).value()).status().code(),
            StatusCode::kUnsupported);
  const std::string level(CpuLevelName(CpuFeatures::Detect().best()));
  EXPECT_EQ(Open(table, first, Options(2, 3)).status().message(),
            "this library has no plan for threads 2 batch 3 on this CPU (" + level +
                "), it has: threads 1 batch 1 on " + level + ", threads 2 batch 1 on " + level +
                ", threads 1 batch 3 on " + level);
  runtime::CompileOptions lesser = Options(1, 1);
  lesser.cpu = CpuFeatures::Machine().CappedAt(CpuLevel::kAny);
  if (CpuFeatures::Detect().best() != CpuLevel::kAny) {
    EXPECT_THAT(Open(table, first, lesser).status().message(),
                HasSubstr("on this CPU (reference)"));
  }
  EXPECT_THAT(Open(table, "TFL3").status().message(), HasSubstr("not a .tersor file"));
  EXPECT_THAT(Open(table, "").status().message(), HasSubstr("not a .tersor file"));
}

// The first plan that the CPU can run is taken, so the better level stands first.
TEST(PlannedModels, TheFirstPlanThatFitsIsTaken) {
  const std::string model = RandomModel(3, DType::kI8);
  runtime::CompileOptions portable = Options(1, 1);
  portable.cpu = CpuFeatures::Machine().CappedAt(CpuLevel::kAny);
  const std::vector both = {Options(1, 1), portable};
  const std::vector records = {PlannedModel(ToBuffer(model), both).value()};
  const std::string table = PlannedModelsTable(records);
  EXPECT_EQ(Open(table, model)->executable.plan().cpu, CpuFeatures::Detect().best());
  EXPECT_EQ(Open(table, model, portable)->executable.plan().cpu, CpuLevel::kAny);
}

// A file whose checksum was made right again and whose structure is that of the model: what it
// says of sizes is not believed.
TEST(PlannedModels, SurviveDamagedFiles) {
  const std::string model = RandomModel(5, DType::kI8);
  const std::string table = TableOf({model});
  int refused = 0, opened = 0;
  for (size_t at = 6; at < model.size(); ++at) {
    std::string damaged = model;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    EXPECT_FALSE(Open(table, damaged).ok()) << at;
    if (at >= native::kHeaderBytes || at < native::kChecksummedFrom) {
      const uint32_t checksum =
          native::Checksum(coding::AsBytes(damaged).subspan(native::kChecksummedFrom));
      std::memcpy(damaged.data() + native::kChecksummedFrom - 4, &checksum, 4);
    }
    auto result = Open(table, damaged);
    ++(result.ok() ? opened : refused);
    if (result.ok()) RunOnRandom(result->executable, 1);
  }
  for (size_t size = 0; size < model.size(); size += 7) {
    EXPECT_FALSE(Open(table, model.substr(0, size)).ok()) << size;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(opened, 0);
}

TEST(PlannedModels, AModelThatChangesItsVariablesIsRefused) {
  const std::string_view text = R"(graph @steps(%g: f32[2]) -> (%y: f32[2]) {
  moving_average_update(@v, %g) {decay=0.5}
  %y = relu(%g)
}
variable @v: f32[2] = [1, 2]
)";
  auto graph = ir::Parse(text);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::string file = native::Export(*graph, {}).value();
  EXPECT_THAT(PlannedModel(ToBuffer(file), AllOptions()).status().message(),
              HasSubstr("changes its variable"));
}

}  // namespace
}  // namespace tersor
