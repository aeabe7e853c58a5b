// Integer results are the same bits on every path: instructions, threads, with and without fused
// epilogues. Float results agree within rounding. Compares over 1,000 random integer graphs, 300
// random float graphs, and every model of the test data folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tersor/base/cpu.h"
#include "tersor/base/random.h"
#include "tersor/formats/formats.h"
#include "tersor/formats/shared_models.h"
#include "tersor/ir/random_graph.h"
#include "tersor/ir/text.h"
#include "tersor/runtime/executable.h"
#include "tersor/transforms/pass.h"

namespace tersor {
namespace {

constexpr CpuLevel kLevels[] = {CpuLevel::kAny, CpuLevel::kAvx2, CpuLevel::kAvx512,
                                CpuLevel::kAvx512Vnni, CpuLevel::kNeon};

struct Path {
  CpuLevel level;
  int threads;
  bool fuse;
};

// The reference first, then each level of this machine at 1 and 2 threads, fused, and at one thread
// not fused.
std::vector<Path> Paths() {
  std::vector<Path> paths = {{CpuLevel::kAny, 1, false}};
  for (CpuLevel level : kLevels) {
    if (!CpuFeatures::Machine().Has(level)) continue;
    paths.push_back({level, 1, true});
    paths.push_back({level, 2, true});
    paths.push_back({level, 1, false});
  }
  return paths;
}

Result<std::vector<Tensor>> RunPath(const ir::Graph& graph, const std::vector<Tensor>& inputs,
                                    const Path& path) {
  runtime::CompileOptions options;
  options.cpu = CpuFeatures::Machine().CappedAt(path.level);
  options.threads = path.threads;
  options.fuse_epilogues = path.fuse;
  return runtime::RunOnce(graph, inputs, options);
}

bool SameBits(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() &&
         std::memcmp(a.view().data, b.view().data, static_cast<size_t>(a.type().size_bytes())) == 0;
}

double RelativeError(const Tensor& a, const Tensor& b) {
  const auto x = a.values<float>(), y = b.values<float>();
  double largest = 1e-6, error = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::fabs(double{x[i]}));
    const double difference = std::fabs(double{x[i]} - y[i]);
    error = difference <= 1e30 ? std::max(error, difference) : 1e30;
  }
  return error / largest;
}

// Floats may differ by this share of the largest magnitude; integers not at all.
constexpr double kTolerance = 1e-4;

// Runs every path on the graph and compares with the first.
void ExpectOneResult(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  const std::vector<Path> paths = Paths();
  auto expected = RunPath(graph, inputs, paths[0]);
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  for (const Path& path : paths) {
    SCOPED_TRACE(StrCat(CpuLevelName(path.level), ", ", path.threads, " threads, fused ",
                        path.fuse ? "yes" : "no"));
    auto found = RunPath(graph, inputs, path);
    ASSERT_TRUE(found.ok()) << found.status().message();
    for (size_t i = 0; i < found->size(); ++i) {
      const Tensor &a = (*expected)[i], &b = (*found)[i];
      if (a.type().dtype == DType::kF32) {
        ASSERT_LE(RelativeError(a, b), kTolerance) << ir::Print(graph);
      } else {
        ASSERT_TRUE(SameBits(a, b)) << ir::Print(graph);
      }
    }
  }
}

// An integer graph may end in float operators: its last 8-bit value, before they begin, becomes an
// output of its own.
void AddIntegerOutput(ir::Graph& graph) {
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const ir::ValueId id = graph.nodes()[i]->result();
    if (DTypeBits(graph.value(id).type().dtype) != 8) continue;
    if (!graph.IsOutput(id)) graph.AddOutput(id);
    return;
  }
}

void CompareRandomGraphs(DType dtype, int count) {
  for (int seed = 0; seed < count; ++seed) {
    SCOPED_TRACE(StrCat("seed ", seed));
    ir::RandomGraphOptions options;
    options.dtype = dtype;
    ir::Graph graph = ir::RandomGraph(static_cast<uint64_t>(seed), options);
    if (dtype != DType::kF32) AddIntegerOutput(graph);
    auto inputs = ir::RandomInputs(graph, 1 + seed % 3, static_cast<uint64_t>(seed));
    ASSERT_TRUE(inputs.ok()) << inputs.status().message();
    ExpectOneResult(graph, *inputs);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(KernelPaths, RandomInt8GraphsGiveTheSameBits) { CompareRandomGraphs(DType::kI8, 700); }
TEST(KernelPaths, RandomUint8GraphsGiveTheSameBits) { CompareRandomGraphs(DType::kU8, 300); }
TEST(KernelPaths, RandomFloatGraphsAgree) { CompareRandomGraphs(DType::kF32, 300); }

TEST(KernelPaths, SharedModelsGiveTheSameBits) {
  TERSOR_REQUIRE_TEST_DATA("models");
  for (const std::string& path : formats::SharedModels()) {
    SCOPED_TRACE(path);
    auto model = formats::ImportModel(path);
    ASSERT_TRUE(model.ok()) << model.status().message();
    auto prepared = transforms::PrepareForInference(*model);
    ASSERT_TRUE(prepared.ok()) << prepared.status().message();
    for (int seed = 0; seed < 3; ++seed) {
      auto inputs = ir::RandomInputs(*prepared, 1, static_cast<uint64_t>(seed));
      ASSERT_TRUE(inputs.ok()) << inputs.status().message();
      ExpectOneResult(*prepared, *inputs);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tersor
