#include "tersor/guide/report.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "tersor/base/file.h"
#include "tersor/guide/report_page.h"

namespace tersor::guide {
namespace {

using automation::Metric;
using Json = nlohmann::ordered_json;

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json ParseOrText(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(text) : json;
}

std::optional<double> Find(const SummaryPoint& point, std::string_view metric) {
  return point.point.metric(metric);
}
// Whole numbers stay whole: a size of 5 bytes is 5, not 5.0.
Json MetricJson(const Metric& metric, const std::optional<double>& value) {
  if (!value) return {};
  if (metric.unit == "bytes" || metric.unit == "count") return Json(std::llround(*value));
  return Json(*value);
}

// Of those metrics that the point has.
Json ValuesJson(const Summary& summary, const SummaryPoint& point) {
  Json values = Json::object();
  for (const Metric& metric : summary.metrics) {
    const auto value = Find(point, metric.name);
    if (value) values[metric.name] = MetricJson(metric, value);
  }
  return values;
}

Json PointJson(const Summary& summary, const SummaryPoint& point, const std::string& folder) {
  Json json;
  json["file"] = (folder.empty() ? "" : folder + "/") + "models/" + point.point.file;
  json["name"] = point.point.name;
  for (const Metric& metric : summary.metrics) {
    json[metric.name] = MetricJson(metric, Find(point, metric.name));
  }
  // The name that programs have known the test accuracy by from the beginning.
  if (json.contains(kTestTop1)) json["top1"] = json[kTestTop1];
  json["recipe"] = ParseOrText(point.point.recipe);
  return json;
}

Json ReferenceJson(const Summary& summary) {
  if (!summary.reference) return {};
  const auto value = Find(summary.points[*summary.reference], kValidationTop1);
  return value ? Json(*value) : Json();
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string FrontJson(const Summary& summary, const std::string& folder) {
  Json json;
  json["front"] = Json::array();
  for (size_t index : summary.front) {
    json["front"].push_back(PointJson(summary, summary.points[index], folder));
  }
  json["best"] = summary.best ? PointJson(summary, summary.points[*summary.best], folder) : Json();
  if (!summary.best) json["message"] = NearestMissText(summary);
  json["reference_validation_top1"] = ReferenceJson(summary);
  json["limits"] = ParseOrText(LimitsJson(summary.limits));
  return Dump(json, 2) + "\n";
}

std::string PointsCsv(const Summary& summary) {
  std::string out = "name,technique,format,on_front,inside_limits,";
  for (const Metric& metric : summary.metrics) out += CsvField(metric.name) + ",";
  out += "file,recipe\r\n";
  for (const SummaryPoint& p : summary.points) {
    const auto& point = p.point;
    out += StrCat(CsvField(point.name), ",", CsvField(point.attribute(kTechniqueAttribute)), ",",
                  CsvField(point.attribute(kFormatAttribute)), ",", p.on_front ? "1" : "0", ",",
                  p.broken.empty() ? "1" : "0", ",");
    for (const Metric& metric : summary.metrics) {
      const Json value = MetricJson(metric, Find(p, metric.name));
      const int decimals = metric.unit == "us" ? 3 : 6;
      out += value.is_number_float() ? Decimals(value.get<double>(), decimals)
             : value.is_null()       ? std::string()
                                     : value.dump();
      out += ',';
    }
    out += StrCat(CsvField("models/" + point.file), ",", CsvField(point.recipe), "\r\n");
  }
  return out;
}

std::string PlotJson(const Summary& summary) {
  Json json;
  json["metrics"] = Json::array();
  for (const Metric& metric : summary.metrics) {
    json["metrics"].push_back({{"name", metric.name},
                               {"title", metric.title},
                               {"unit", metric.unit},
                               {"direction", automation::DirectionName(metric.direction)},
                               {"objective", metric.objective}});
  }
  json["points"] = Json::array();
  for (size_t i = 0; i < summary.points.size(); ++i) {
    const SummaryPoint& point = summary.points[i];
    Json entry = {{"id", point.point.id},
                  {"name", point.point.name},
                  {"technique", point.point.attribute(kTechniqueAttribute)},
                  {"model", point.point.attribute(kModelAttribute)},
                  {"on_front", point.on_front},
                  {"best", summary.best == i},
                  {"broken", Json::array()},
                  {"values", ValuesJson(summary, point)}};
    for (const Violation& violation : point.broken) entry["broken"].push_back(violation.text);
    json["points"].push_back(std::move(entry));
  }
  json["limits"] = ParseOrText(LimitsJson(summary.limits));
  json["reference"] =
      summary.reference ? ValuesJson(summary, summary.points[*summary.reference]) : Json::object();
  // A "<" could end the element that holds it.
  std::string text = Dump(json, -1);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos; ++at) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

Status WriteReports(const Summary& summary, const std::string& folder) {
  TERSOR_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/front.json", std::string_view(FrontJson(summary, ""))));
  TERSOR_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/front.csv", std::string_view(PointsCsv(summary))));
  return WriteFileAtomically(folder + "/report.html", std::string_view(ReportHtml(summary)));
}

}  // namespace tersor::guide
