// The report of a study: front.json, front.csv and one self-contained report.html.
#pragma once

#include <string>

#include "tersor/base/status.h"
#include "tersor/guide/summary.h"

namespace tersor::guide {

/// {"front": [{"file", "name", "top1", "validation_top1", "file_bytes", "latency_us",
/// "arena_bytes", "macs", "parameters", "recipe"}], "best", "reference_validation_top1", "limits",
/// "message"}. top1 is that of the test split, null where it was not measured. `best` is an entry
/// or null, then "message" says what missed by how little. Files begin with `folder` and a slash
/// ("" : nothing).
std::string FrontJson(const Summary& summary, const std::string& folder);

/// A header line and a line for each complete point, front or not: RFC 4180.
std::string PointsCsv(const Summary& summary);

/// One page without references to anything outside of it but the models' files, which it finds in
/// `models` (seen from the page): the plot (accuracy over bytes, latency or arena, with the front
/// and the limits), the table of points, and what made it.
std::string ReportHtml(const Summary& summary, const std::string& models = "models");

/// Writes front.json, front.csv and report.html into the study's folder, each by
/// write-then-rename.
Status WriteReports(const Summary& summary, const std::string& folder);

}  // namespace tersor::guide
