#include "tersor/guide/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "tersor/base/file.h"
#include "tersor/guide/report_page.h"

namespace tersor::guide {
namespace {

using automation::Metric;
using Json = nlohmann::ordered_json;

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string Percent(const std::optional<double>& share) {
  return share ? Decimals(100 * *share, 2) + "\u00a0%" : "–";
}

std::string Time(int64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  struct tm parts {};
  char text[64] = "";
  if (::gmtime_r(&time, &parts) != nullptr) {
    std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  }
  return text;
}

Json ParseOrText(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(text) : json;
}

std::optional<double> Find(const SummaryPoint& point, std::string_view metric) {
  return point.point.metric(metric);
}
double Value(const SummaryPoint& point, std::string_view metric) {
  return Find(point, metric).value_or(0);
}

// Whole numbers stay whole: a size of 5 bytes is 5, not 5.0.
Json MetricJson(const Metric& metric, const std::optional<double>& value) {
  if (!value) return {};
  if (metric.unit == "bytes" || metric.unit == "count") return Json(std::llround(*value));
  return Json(*value);
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

std::string Escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// What the script draws. A "<" could end the element that holds it.
std::string PlotJson(const Summary& summary) {
  Json json;
  json["points"] = Json::array();
  for (size_t i = 0; i < summary.points.size(); ++i) {
    const SummaryPoint& point = summary.points[i];
    Json entry = PointJson(summary, point, "");
    entry.erase("recipe");
    entry["id"] = point.point.id;
    entry["technique"] = point.point.attribute(kTechniqueAttribute);
    entry["model"] = point.point.attribute(kModelAttribute);
    entry["on_front"] = point.on_front;
    entry["best"] = summary.best == i;
    entry["broken"] = Json::array();
    for (const Violation& violation : point.broken) entry["broken"].push_back(violation.text);
    json["points"].push_back(std::move(entry));
  }
  json["limits"] = ParseOrText(LimitsJson(summary.limits));
  json["reference_validation_top1"] = ReferenceJson(summary);
  std::string text = Dump(json, -1);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos; ++at) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

std::string Figure(std::string_view label, const std::string& value, const std::string& note) {
  return StrCat("<div class=figure><div class=label>", label, "</div><div class=value>",
                Escape(value), "</div><div class=note>", Escape(note), "</div></div>\n");
}

std::string Ratio(double of, double to) {
  return to > 0 ? StrCat(Decimals(of / to, 2), " of the reference") : "";
}

std::string Figures(const Summary& summary) {
  if (!summary.best) {
    return StrCat("<div class='card none'><h2>Nothing is inside the limits</h2><p>",
                  Escape(NearestMissText(summary)), "</p></div>\n");
  }
  const SummaryPoint& best = summary.points[*summary.best];
  const SummaryPoint& to = summary.reference ? summary.points[*summary.reference] : best;
  std::string out = "<div class=figures>\n";
  const double drop = 100 * (Value(to, kValidationTop1) - Value(best, kValidationTop1));
  constexpr double kVisible = 0.005;
  const std::string against =
      std::fabs(drop) < kVisible
          ? std::string("as the reference")
          : StrCat(Decimals(std::fabs(drop), 2),
                   drop > 0 ? " below the reference" : " above the reference");
  out += Figure("best inside the limits", best.point.name,
                StrCat("reference: ", to.point.name, ", test ", Percent(Find(to, kTestTop1))));
  out += Figure("accuracy, test", Percent(Find(best, kTestTop1)),
                StrCat("validation ", Percent(Find(best, kValidationTop1)), ", ", against));
  for (const char* name : {kFileBytes, kLatencyUs, kArenaBytes}) {
    const Metric* metric = FindMetric(summary.metrics, name);
    if (metric == nullptr) continue;
    out += Figure(metric->title, ValueText(*metric, Value(best, name)),
                  Ratio(Value(best, name), Value(to, name)));
  }
  return out + "</div>\n";
}

// A cell that sorts by its value, and is marked where a limit of its metric is broken.
std::string Cell(const SummaryPoint& point, const Metric& metric) {
  std::string why;
  for (const Violation& violation : point.broken) {
    if (violation.metric != metric.name) continue;
    why += (why.empty() ? "" : "; ") + violation.text;
  }
  const std::string mark =
      why.empty() ? std::string() : StrCat(" class=outside title=\"", Escape(why), "\"");
  const auto value = Find(point, metric.name);
  return StrCat("<td", mark, " data-value=\"", value ? Decimals(*value, 6) : std::string(), "\">",
                value ? NumberText(metric, *value) : std::string("–"), "</td>");
}

std::string Row(const Summary& summary, size_t index, const std::string& models) {
  const SummaryPoint& point = summary.points[index];
  std::string badge;
  if (summary.best == index) {
    badge = "<span class='badge best'>best</span>";
  } else if (point.on_front) {
    badge = "<span class=badge>front</span>";
  }
  std::string out = StrCat("<tr id=point-", point.point.id, point.on_front ? "" : " class=beaten",
                           "><td><a href=\"", Escape(models), "/", Escape(point.point.file), "\">",
                           Escape(point.point.name), "</a>", badge, "</td>");
  for (const Metric& metric : summary.metrics) out += Cell(point, metric);
  return out + "</tr>\n";
}

std::string Table(const Summary& summary, const std::string& models) {
  std::vector<std::string> heads = {"model"};
  for (const Metric& metric : summary.metrics) {
    const std::string unit = metric.unit == "share" ? "%" : metric.unit;
    heads.push_back(unit == "count" ? metric.title : StrCat(metric.title, ", ", unit));
  }
  std::string out = "<div class=scroll><table id=points><thead><tr>";
  for (const std::string& head : heads) {
    out += StrCat("<th scope=col><button type=button>", Escape(head), "</button></th>");
  }
  out += "</tr></thead><tbody>\n";
  for (size_t index : summary.front) out += Row(summary, index, models);
  std::vector<size_t> beaten;
  for (size_t i = 0; i < summary.points.size(); ++i) {
    if (!summary.points[i].on_front) beaten.push_back(i);
  }
  std::stable_sort(beaten.begin(), beaten.end(), [&](size_t a, size_t b) {
    return IsBetter(summary.points[a].point.metrics, summary.points[b].point.metrics,
                    summary.metrics);
  });
  for (size_t index : beaten) out += Row(summary, index, models);
  out += "</tbody></table></div>\n";
  if (!summary.limits.empty()) out += "<p class='soft note'>Red: outside a limit.</p>\n";
  return out;
}

std::string Unmeasured(const Summary& summary) {
  if (summary.failed.empty() && summary.unfinished.empty()) return "";
  std::string out = "<section class=card><h2>Not measured</h2><dl>\n";
  for (const auto& point : summary.failed) {
    out += StrCat("<dt>", Escape(point.name), "</dt><dd>", Escape(point.reason), "</dd>\n");
  }
  for (const auto& point : summary.unfinished) {
    out += StrCat("<dt>", Escape(point.name), "</dt><dd>",
                  automation::Study::IsBeingMade(point) ? "being made now" : "begun, not finished",
                  "</dd>\n");
  }
  return out + "</dl></section>\n";
}

std::string Provenance(const Summary& summary) {
  int64_t first = 0, last = 0;
  for (const SummaryPoint& point : summary.points) {
    const int64_t time = point.point.created_unix_s;
    first = first == 0 ? time : std::min(first, time);
    last = std::max(last, time);
  }
  std::string out = "<section class=card><h2>What made this</h2><dl>\n";
  auto line = [&](std::string_view name, const std::string& value, bool code = false) {
    if (value.empty()) return;
    out += StrCat("<dt>", Escape(name), "</dt><dd>", code ? "<code>" : "", Escape(value),
                  code ? "</code>" : "", "</dd>\n");
  };
  auto fact = [&](const char* key) {
    const auto found = summary.facts.find(key);
    return found == summary.facts.end() ? std::string() : found->second;
  };
  line("command", fact("command"), true);
  line("data", fact("data") + (fact("examples limit") == "0" || fact("examples limit").empty()
                                   ? ""
                                   : ", " + fact("examples limit") + " examples of each split"));
  line("machine", fact("machine"));
  line("threads of one model", fact("latency threads"));
  line("measured", first == 0 ? "" : Time(first) + " to " + Time(last));
  line("version", "tersor " + fact("version"));
  line("seed", fact("seed"));
  out +=
      "</dl>\n<p class='soft note'>Every figure is measured on the finished "
      "file, "
      "read back. Models are chosen on the validation split; the test split is evaluated once the "
      "choice is made, for the front and the originals. A model is on the front when no other is "
      "at "
      "least as good in all of ";
  std::string names, tolerances;
  for (const Metric& metric : summary.metrics) {
    if (!metric.objective) continue;
    names += (names.empty() ? "" : ", ") + metric.title;
    if (metric.tolerance <= 0) continue;
    tolerances += StrCat("; values of ", metric.title, " within ",
                         Decimals(100 * metric.tolerance, 0), " % count as equal");
  }
  return StrCat(out, Escape(names), " and better in one", Escape(tolerances), ".</p></section>\n");
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

std::string ReportHtml(const Summary& summary, const std::string& models) {
  const auto fact = summary.facts.find("data");
  const std::string data = fact == summary.facts.end() ? "" : fact->second;
  std::string out =
      "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>Tersor: ";
  out += StrCat(Escape(data), "</title>\n<style>", kReportStyle,
                "</style>\n</head>\n<body>\n<main>\n");
  out += StrCat("<h1>", summary.points.size(), summary.points.size() == 1 ? " model" : " models",
                " measured, ", summary.front.size(), " on the front</h1>\n<p class=lead>",
                "Accuracy on <b>", Escape(data),
                "</b> against size, latency and memory, each measured on the finished file</p>\n");
  out += Figures(summary);
  out +=
      "<section class=card>\n<div class=head><h2>The front</h2>\n"
      "<div class=switch role=group aria-label=\"horizontal axis\">"
      "<button type=button data-axis=bytes aria-pressed=true>bytes</button>"
      "<button type=button data-axis=latency aria-pressed=false>latency</button>"
      "<button type=button data-axis=arena aria-pressed=false>memory</button></div></div>\n"
      "<div id=plot><svg></svg><div id=tip role=status></div></div>\n<div id=legend class=legend>"
      "</div>\n</section>\n"
      "<section class=card>\n<div class=head><h2>Models</h2>\n"
      "<label><input type=checkbox id=front-only>front only</label></div>\n";
  out += Table(summary, models);
  out += "</section>\n";
  out += Unmeasured(summary);
  out += Provenance(summary);
  out += StrCat("</main>\n<script type=\"application/json\" id=data>", PlotJson(summary),
                "</script>\n<script>", kReportScript, "</script>\n</body>\n</html>\n");
  return out;
}

Status WriteReports(const Summary& summary, const std::string& folder) {
  TERSOR_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/front.json", std::string_view(FrontJson(summary, ""))));
  TERSOR_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/front.csv", std::string_view(PointsCsv(summary))));
  return WriteFileAtomically(folder + "/report.html", std::string_view(ReportHtml(summary)));
}

}  // namespace tersor::guide
