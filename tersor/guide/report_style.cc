#include "tersor/guide/report_page.h"

namespace tersor::guide {

const char kReportStyle[] = R"CSS(
:root {
  color-scheme: light dark;
  --page: #f7f8fa; --card: #ffffff; --ink: #1b2330; --soft: #5b6675; --rule: #dfe3e9; --grid: #eceff3;
  --accent: #0b62d6; --outside: #b4232c; --outside-fill: #b4232c14; --good: #0a7a4b;
  --c0: #3d4654; --c1: #0072b2; --c2: #009e73; --c3: #d55e00; --c4: #8a4fd0; --c5: #b8860b; --c6: #c2417c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2029; --ink: #e6eaf0; --soft: #98a4b3; --rule: #2d3642; --grid: #252d38;
    --accent: #6cabff; --outside: #ff7b80; --outside-fill: #ff7b8018; --good: #4fd39a;
    --c0: #c3ccd8; --c1: #5fb4ee; --c2: #3ecfa3; --c3: #ff9c55; --c4: #bd95f5; --c5: #e3b94d; --c6: #f285b3;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 24px 56px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 10px; }
p { margin: 0; }
.lead { color: var(--soft); margin-bottom: 20px; }
.lead b, .soft b { color: var(--ink); font-weight: 600; }
.soft { color: var(--soft); font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 18px 20px;
  margin-bottom: 18px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin-bottom: 18px; }
.figure { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px;
  flex: 1 1 150px; }
.figure:first-child { flex: 2.6 1 300px; }
.figure:first-child .value { font-size: 19px; line-height: 1.8; }
.figure .label { color: var(--soft); font-size: 12.5px; }
.figure .value { font-size: 23px; font-weight: 650; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.figure .note { color: var(--soft); font-size: 12.5px; }
.none { border-color: var(--outside); }
.head { display: flex; flex-wrap: wrap; gap: 10px 20px; align-items: center; justify-content: space-between;
  margin-bottom: 6px; }
.head h2 { margin: 0; }
.switch { display: inline-flex; border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
.switch button { border: 0; background: none; color: var(--soft); font: inherit; font-size: 13.5px;
  padding: 5px 14px; cursor: pointer; }
.switch button + button { border-left: 1px solid var(--rule); }
.switch button[aria-pressed=true] { background: var(--accent); color: var(--card); }
.switch button:focus-visible, th button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
#plot { position: relative; }
#plot svg { display: block; width: 100%; height: auto; }
#plot text { fill: var(--soft); font-size: 12.5px; font-variant-numeric: tabular-nums; }
#plot text.name { fill: var(--ink); font-size: 12px; }
#plot text.axis { fill: var(--ink); font-size: 13px; }
#plot text.limit { fill: var(--outside); font-size: 12px; }
.grid { stroke: var(--grid); }
.frame { stroke: var(--rule); fill: none; }
.front { stroke: var(--accent); stroke-width: 2; fill: none; stroke-linejoin: round; }
.limit-line { stroke: var(--outside); stroke-width: 1.25; stroke-dasharray: 5 4; }
.limit-area { fill: var(--outside-fill); }
.point { cursor: pointer; stroke-width: 1.75; }
.point:focus { outline: none; stroke: var(--ink); stroke-width: 3; }
.ring { fill: none; stroke: var(--accent); stroke-width: 2; }
#tip { position: absolute; pointer-events: none; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; box-shadow: 0 6px 24px #0003; padding: 9px 12px; font-size: 13px; min-width: 210px;
  z-index: 2; visibility: hidden; }
#tip b { display: block; margin-bottom: 3px; }
#tip div { display: flex; justify-content: space-between; gap: 18px; font-variant-numeric: tabular-nums; }
#tip div span:first-child { color: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin-top: 6px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 4px; }
th { border-bottom: 1px solid var(--rule); font-weight: 600; padding: 0; }
th button { font: inherit; font-weight: 600; color: var(--soft); background: none; border: 0; cursor: pointer;
  padding: 6px 10px; width: 100%; text-align: inherit; }
th:first-child button { padding-left: 4px; }
.note { margin-top: 10px; }
td.outside, tr.beaten td.outside { color: var(--outside); }
th[aria-sort] button { color: var(--ink); }
th[aria-sort=ascending] button::after { content: " \2191"; }
th[aria-sort=descending] button::after { content: " \2193"; }
tbody tr { border-bottom: 1px solid var(--grid); }
tbody tr:hover, tbody tr.hot { background: color-mix(in srgb, var(--accent) 9%, transparent); }
tr.beaten td { color: var(--soft); }
td a { color: inherit; text-decoration-color: var(--rule); text-underline-offset: 3px; }
.badge { font-size: 11.5px; border-radius: 99px; padding: 1px 8px; margin-left: 8px; border: 1px solid var(--accent);
  color: var(--accent); }
.badge.best { background: var(--accent); color: var(--card); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: 13.5px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
label { font-size: 13.5px; color: var(--soft); display: inline-flex; gap: 6px; align-items: center; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #bbb; --grid: #e5e5e5; --accent: #0b62d6;
    --outside: #b4232c; --outside-fill: #b4232c10; --c0: #3d4654; --c1: #0072b2; --c2: #009e73; --c3: #d55e00;
    --c4: #8a4fd0; --c5: #b8860b; --c6: #c2417c; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; }
  .card, .figure { break-inside: avoid; } .switch, label, #tip { display: none; }
  .card { padding: 10px 12px; } table { font-size: 7.5pt; } th button, th, td { padding: 3px 4px; }
}
)CSS";

}  // namespace tersor::guide
