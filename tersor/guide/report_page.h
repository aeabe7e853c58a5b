// Style and script of the report's page, without references to anything outside.
#pragma once

namespace tersor::guide {

extern const char kReportStyle[];
/// Draws the plot and sorts the table from the JSON of the element "data".
extern const char kReportScript[];

}  // namespace tersor::guide
