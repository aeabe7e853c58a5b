#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/guide/report.h"
#include "tersor/guide/report_page.h"

namespace tersor::guide {
namespace {

using automation::Metric;

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

std::string Time(int64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  struct tm parts {};
  char text[64] = "";
  if (::gmtime_r(&time, &parts) != nullptr) {
    std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  }
  return text;
}

std::string FactOf(const Summary& summary, const char* key) {
  const auto found = summary.facts.find(key);
  return found == summary.facts.end() ? std::string() : found->second;
}

// Units as the page writes them, which has little room.
std::string ShortUnit(const Metric& metric) {
  if (metric.unit == "count") return "";
  if (metric.unit == "bytes") return "B";
  if (metric.unit == "us") return "µs";
  return metric.unit == "share" ? "%" : metric.unit;
}

std::string TextOf(const Metric& metric, const std::optional<double>& value) {
  if (!value) return "–";
  const std::string unit = ShortUnit(metric);
  return NumberText(metric, *value) + (unit.empty() ? "" : "\u00a0" + unit);
}

std::string Figure(std::string_view label, const std::string& value, const std::string& note) {
  return StrCat("<div class=\"figure\"><div class=\"label\">", Escape(label),
                "</div><div class=\"value\">", Escape(value), "</div><div class=\"note\">",
                Escape(note), "</div></div>\n");
}

// How a value of the best model stands to that of the reference: "0.26 of the reference".
std::string Against(const Metric& metric, double value, double reference) {
  if (metric.unit != "share") {
    return reference > 0 ? StrCat(Decimals(value / reference, 2), " of the reference") : "";
  }
  const double points = 100 * (value - reference);
  constexpr double kVisible = 0.005;
  if (std::fabs(points) < kVisible) return "as the reference";
  return StrCat(Decimals(std::fabs(points), 2),
                points < 0 ? " below the reference" : " above the reference");
}

std::string Figures(const Summary& summary) {
  if (!summary.best) {
    return StrCat("<div class=\"card none\"><h2>Nothing is inside the limits</h2><p>",
                  Escape(NearestMissText(summary)), "</p></div>\n");
  }
  const automation::Point& best = summary.points[*summary.best].point;
  const automation::Point& reference =
      summary.reference ? summary.points[*summary.reference].point : best;
  const Metric* test = FindMetric(summary.metrics, kTestTop1);
  std::string out = "<div class=\"figures\">\n";
  std::string note = StrCat("reference: ", reference.name);
  if (test != nullptr) note += StrCat(", test ", TextOf(*test, reference.metric(kTestTop1)));
  out += Figure("best inside the limits", best.name, note);
  for (const Metric& metric : summary.metrics) {
    const auto value = best.metric(metric.name), other = reference.metric(metric.name);
    if (!metric.objective || !value) continue;
    const std::string against = other ? Against(metric, *value, *other) : "";
    if (metric.name == kValidationTop1 && test != nullptr) {
      // The accuracy that was chosen by is the better one of the two by luck, so it comes second.
      out += Figure(test->title, TextOf(*test, best.metric(kTestTop1)),
                    StrCat("validation ", TextOf(metric, *value), ", ", against));
    } else {
      out += Figure(metric.title, TextOf(metric, *value), against);
    }
  }
  return out + "</div>";
}

// A cell that sorts by its value, and is marked where a limit of its metric is broken.
std::string Cell(const SummaryPoint& point, const Metric& metric) {
  std::string why;
  for (const Violation& violation : point.broken) {
    if (violation.metric != metric.name) continue;
    why += (why.empty() ? "" : "; ") + violation.text;
  }
  const std::string mark =
      why.empty() ? std::string() : StrCat(" class=\"outside\" title=\"", Escape(why), "\"");
  const auto value = point.point.metric(metric.name);
  return StrCat("<td", mark, " data-value=\"", value ? Decimals(*value, 6) : std::string(), "\">",
                value ? NumberText(metric, *value) : std::string("–"), "</td>");
}

std::string Row(const Summary& summary, size_t index, const std::string& models) {
  const SummaryPoint& point = summary.points[index];
  std::string badge;
  if (summary.best == index) {
    badge = "<span class=\"badge best\">best</span>";
  } else if (point.on_front) {
    badge = "<span class=\"badge\">front</span>";
  }
  std::string out =
      StrCat("<tr id=\"point-", point.point.id, "\"", point.on_front ? "" : " class=\"beaten\"",
             "><th scope=\"row\"><a href=\"", Escape(models), "/", Escape(point.point.file), "\">",
             Escape(point.point.name), "</a>", badge, "</th>");
  for (const Metric& metric : summary.metrics) out += Cell(point, metric);
  return out + "</tr>\n";
}

std::string Heads(const Summary& summary) {
  auto head = [](const std::string& text) {
    return StrCat("<th scope=\"col\"><button type=\"button\">", Escape(text), "</button></th>");
  };
  std::string out = head("model");
  for (const Metric& metric : summary.metrics) {
    const std::string unit = ShortUnit(metric);
    out += head(unit.empty() ? metric.title : StrCat(metric.title, ", ", unit));
  }
  return out;
}

std::string Rows(const Summary& summary, const std::string& models) {
  std::vector<size_t> beaten;
  for (size_t i = 0; i < summary.points.size(); ++i) {
    if (!summary.points[i].on_front) beaten.push_back(i);
  }
  std::stable_sort(beaten.begin(), beaten.end(), [&](size_t a, size_t b) {
    return IsBetter(summary.points[a].point.metrics, summary.points[b].point.metrics,
                    summary.metrics);
  });
  std::string out;
  for (size_t index : summary.front) out += Row(summary, index, models);
  for (size_t index : beaten) out += Row(summary, index, models);
  return out;
}

std::string Term(std::string_view name, const std::string& value) {
  if (value.empty()) return "";
  return StrCat("<dt>", Escape(name), "</dt><dd>", value, "</dd>\n");
}

std::string Unmeasured(const Summary& summary) {
  if (summary.failed.empty() && summary.unfinished.empty()) return "";
  std::string out = "<section class=\"card\"><h2>Not measured</h2><dl>\n";
  for (const auto& point : summary.failed) out += Term(point.name, Escape(point.reason));
  for (const auto& point : summary.unfinished) {
    const bool being_made = automation::Study::IsBeingMade(point);
    out += Term(point.name, being_made ? "being made now" : "begun, and not finished");
  }
  return out + "</dl></section>";
}

std::string Provenance(const Summary& summary) {
  int64_t first = 0, last = 0;
  for (const SummaryPoint& point : summary.points) {
    const int64_t time = point.point.created_unix_s;
    first = first == 0 ? time : std::min(first, time);
    last = std::max(last, time);
  }
  auto fact = [&](const char* key) { return Escape(FactOf(summary, key)); };
  const std::string command = fact("command"), limit = fact("examples limit");
  const bool all_examples = limit.empty() || limit == "0";
  return Term("command", command.empty() ? "" : StrCat("<code>", command, "</code>")) +
         Term("data",
              fact("data") + (all_examples ? "" : ", " + limit + " examples of each split")) +
         Term("machine", fact("machine")) + Term("threads of one model", fact("latency threads")) +
         Term("measured", first == 0 ? "" : Time(first) + " to " + Time(last)) +
         Term("version", "tersor " + fact("version")) + Term("seed", fact("seed"));
}

std::string Explanation(const Summary& summary) {
  std::string names, tolerances;
  for (const Metric& metric : summary.metrics) {
    if (!metric.objective) continue;
    names += (names.empty() ? "" : ", ") + metric.title;
    if (metric.tolerance <= 0) continue;
    tolerances += StrCat(" Values of ", metric.title, " within ",
                         Decimals(100 * metric.tolerance, 0), " % of each other count as equal.");
  }
  return Escape(
      StrCat("Every figure is measured on the finished file, read back. Models are chosen on the "
             "validation split; the test split is evaluated once the choice is made, for the front "
             "and the originals. A model is on the front when no other one is at least as good in "
             "all of these and better in one: ",
             names, ".", tolerances));
}

// The template with each {{name}} replaced by the value of that name. What a value holds stays as
// it is.
std::string Fill(std::string_view page, const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (;;) {
    const size_t begin = page.find("{{"), end = page.find("}}", begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) return out.append(page);
    const auto value = values.find(page.substr(begin + 2, end - begin - 2));
    TERSOR_CHECK(value != values.end());
    out.append(page.substr(0, begin)).append(value->second);
    page.remove_prefix(end + 2);
  }
}

}  // namespace

std::string ReportHtml(const Summary& summary, const std::string& models) {
  const size_t count = summary.points.size();
  return Fill(
      kReportHtml,
      {{"data", PlotJson(summary)},
       {"data_name", Escape(FactOf(summary, "data"))},
       {"explanation", Explanation(summary)},
       {"figures", Figures(summary)},
       {"headline", StrCat(count, count == 1 ? " model" : " models", " measured, ",
                           summary.front.size(), " on the front")},
       {"provenance", Provenance(summary)},
       {"script", std::string(kReportJs)},
       {"style", std::string(kReportCss)},
       {"table_heads", Heads(summary)},
       {"table_note", summary.limits.empty() ? std::string()
                                             : "<p class=\"soft note\">Figures in red, with a "
                                               "dotted line, are outside a limit.</p>"},
       {"table_rows", Rows(summary, models)},
       {"unmeasured", Unmeasured(summary)}});
}

}  // namespace tersor::guide
