// The lists of kernels as a whole: rows stand best first, and a row that this machine cannot run is
// seen among the skipped tests, since the suites of the families leave it out.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tersor/base/cpu.h"
#include "tersor/ir/op.h"
#include "tersor/runtime/kernel_table.h"

namespace tersor {
namespace {

/// Calls body(rows) for every family of every operator.
template <typename Body>
void ForEachFamily(const Body& body) {
  for (const ir::OpInfo& op : ir::AllOps()) {
    for (kernels::KernelRows rows : runtime::FamiliesOf(op.kind)) body(rows());
  }
}

TEST(KernelRows, StandBestFirst) {
  ForEachFamily([](std::span<const kernels::KernelRow> rows) {
    for (size_t i = 1; i < rows.size(); ++i) {
      EXPECT_GE(rows[i - 1].level, rows[i].level)
          << rows[i].family << ": " << rows[i - 1].name << " stands before " << rows[i].name;
    }
  });
}

TEST(KernelRows, HaveNamesOfTheirOwn) {
  ForEachFamily([](std::span<const kernels::KernelRow> rows) {
    for (const kernels::KernelRow& row : rows) {
      EXPECT_EQ(std::ranges::count(rows, row.name, &kernels::KernelRow::name), 1)
          << row.family << "/" << row.name;
    }
  });
}

/// "family_row", as a test may be named, to its level.
std::map<std::string, CpuLevel> AllRows() {
  std::map<std::string, CpuLevel> all;
  ForEachFamily([&](std::span<const kernels::KernelRow> rows) {
    for (const kernels::KernelRow& row : rows) {
      std::string name = std::string(row.family) + "_" + std::string(row.name);
      std::ranges::replace(name, '/', '_');
      all[name] = row.level;
    }
  });
  return all;
}

class Row : public ::testing::TestWithParam<std::pair<const std::string, CpuLevel>> {};

TEST_P(Row, RunsInItsSuiteOnThisCpu) {
  const CpuFeatures machine = CpuFeatures::Machine();
  const CpuLevel level = GetParam().second;
  if (!machine.Has(level)) GTEST_SKIP() << "rows for a CPU with " << CpuLevelName(level);
  EXPECT_TRUE(machine.CappedAt(level).Has(level)) << "TERSOR_CPU could not ask for this row";
}

INSTANTIATE_TEST_SUITE_P(KernelRows, Row, ::testing::ValuesIn(AllRows()),
                         [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace tersor
