// The parts of the report's page: its own files, and what the script reads.
#pragma once

#include <string>
#include <string_view>

#include "tersor/guide/summary.h"

namespace tersor::guide {

/// The files of report_page/, which the build puts into the program (tersor/guide/layer.cmake). The
/// page is kReportHtml with each {{name}} replaced.
extern const std::string_view kReportHtml, kReportCss, kReportJs;

/// The figures that the script draws, as JSON that may stand within an element of the page. What it
/// holds is said at the top of report_page/report.js.
std::string PlotJson(const Summary& summary);

}  // namespace tersor::guide
