#include "tersor/runtime/plan.h"

namespace tersor::runtime {
namespace {

using Place = PlannedValue::Place;

std::string Range(int64_t begin, int64_t size) { return StrCat(begin, "..", begin + size); }

class Printer {
 public:
  explicit Printer(const Plan& plan) : plan_(plan) {}

  std::string Run() {
    text_ = StrCat("plan @", plan_.name, " {batch=", plan_.batch, ", threads=", plan_.threads,
                   ", cpu=", CpuLevelName(plan_.cpu), ", arena=", plan_.arena_bytes, "} {\n");
    for (ir::ValueId id : plan_.inputs) Line(Placed(id));
    for (const PlannedValue& value : plan_.values) {
      if (value.place == Place::kConstant || value.place == Place::kVariable) Line(Placed(value));
    }
    for (const PlanStep& step : plan_.steps) PrintStep(step);
    return text_ + "}\n";
  }

 private:
  void Line(const std::string& line) { text_ += StrCat("  ", line, '\n'); }

  static std::string Placed(const PlannedValue& value) {
    return StrCat(value.name, ": ", value.type.ToString(), " in ", Where(value));
  }
  std::string Placed(ir::ValueId id) const { return Placed(plan_.value(id)); }

  static std::string Where(const PlannedValue& value) {
    switch (value.place) {
      case Place::kNowhere:
        return "no place";
      case Place::kInput:
        return StrCat("input ", value.at);
      case Place::kOutput:
        return StrCat("output ", value.at);
      case Place::kConstant:
        return StrCat("constant ", value.at);
      case Place::kVariable:
        return StrCat("variable ", value.at);
      case Place::kArena:
        return StrCat("arena ", Range(value.at, value.type.size_bytes()));
    }
    return "";
  }

  std::string Reference(ir::ValueId id) const {
    return id == ir::kNoValue ? "_" : plan_.value(id).name;
  }

  void PrintStep(const PlanStep& step) {
    std::string line;
    for (ir::ValueId id : step.results) line += StrCat(line.empty() ? "" : ", ", Placed(id));
    line += StrCat(line.empty() ? "" : " = ", step.info.op, " [", step.info.kernel, "](");
    for (size_t i = 0; i < step.operands.size(); ++i) {
      line += StrCat(i == 0 ? "" : ", ", Reference(step.operands[i]));
    }
    line += ')';
    if (step.over != ir::kNoValue) line += " in place";
    if (step.over != ir::kNoValue && step.over != step.operands[0]) {
      line += StrCat(" of ", Reference(step.over));
    }
    if (step.scratch_bytes > 0) {
      line += StrCat(", scratch ", Range(step.scratch_at, step.scratch_bytes));
    }
    Line(line);
    for (ir::ValueId id : step.results) PrintViewsOf(id);
  }

  // Reshapes of a result take no step.
  void PrintViewsOf(ir::ValueId stored) {
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      const PlannedValue& value = plan_.values[v];
      if (value.storage != stored || static_cast<ir::ValueId>(v) == stored) continue;
      Line(StrCat(Placed(value), " is ", Reference(stored)));
    }
  }

  const Plan& plan_;
  std::string text_;
};

}  // namespace

std::string PlanText(const Plan& plan) { return Printer(plan).Run(); }

}  // namespace tersor::runtime
