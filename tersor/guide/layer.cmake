# The report's page is written as HTML, CSS and JavaScript, and becomes part of the program.
tersor_embed(tersor_guide NAMESPACE tersor::guide HEADER tersor/guide/report_page.h
  FILES report_page/report.html report_page/report.css report_page/report.js)
