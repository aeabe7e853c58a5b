#include "tersor/guide/report.h"

#include <filesystem>

#include "tersor/base/file.h"
#include "tersor/cli/command.h"
#include "tersor/guide/summary.h"

namespace tersor::cli {
namespace {

struct ReportFlags {
  std::string folder, html, csv;
};

// The folder of the models as a link on the page `html` says it.
std::string ModelsSeenFrom(const std::string& html, const std::string& folder) {
  std::error_code error;
  const auto page = std::filesystem::absolute(html, error).parent_path();
  const auto models = std::filesystem::absolute(folder + "/models", error);
  return models.lexically_normal().lexically_relative(page.lexically_normal()).string();
}

Status Report(const ReportFlags& own, const CommonFlags& flags) {
  TERSOR_ASSIGN_OR_RETURN(const auto study,
                          automation::Study::Open(own.folder, automation::Study::Access::kRead));
  TERSOR_ASSIGN_OR_RETURN(const guide::Summary summary, guide::Summarize(study));
  std::string html = own.html;
  if (html.empty() && own.csv.empty()) html = own.folder + "/report.html";
  if (!html.empty()) {
    const std::string page = guide::ReportHtml(summary, ModelsSeenFrom(html, own.folder));
    TERSOR_RETURN_IF_ERROR(WriteFileAtomically(html, std::string_view(page)));
    Say(flags, StrCat(html, ": ", summary.points.size(), " models, ", summary.front.size(),
                      " on the front"));
  }
  if (!own.csv.empty()) {
    TERSOR_RETURN_IF_ERROR(
        WriteFileAtomically(own.csv, std::string_view(guide::PointsCsv(summary))));
    Say(flags, StrCat(own.csv, ": ", summary.points.size(), " models"));
  }
  if (flags.json) std::fputs(guide::FrontJson(summary, own.folder).c_str(), stdout);
  return OkStatus();
}

}  // namespace

Action RegisterReport(CLI::App& app, CommonFlags& flags) {
  auto own = std::make_shared<ReportFlags>();
  app.add_option("DIR", own->folder,
                 "folder of a study (shrink --out), which may be written to meanwhile")
      ->required();
  app.add_option("--html", own->html, "page to write (default: DIR/report.html)");
  app.add_option("--csv", own->csv, "table of all points to write");
  app.footer("example: tersor report study --csv points.csv");
  return [own, &flags] { return Report(*own, flags); };
}

}  // namespace tersor::cli
