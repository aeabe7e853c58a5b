#include "tersor/guide/report_page.h"

namespace tersor::guide {

const char kReportScript[] = R"JS(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const svgSpace = document.querySelector('#plot svg').namespaceURI;
const el = (name, attributes, text) => {
  const e = document.createElementNS(svgSpace, name);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  if (text !== undefined) e.textContent = text;
  return e;
};
const bytes = v => v >= 1048576 ? +(v / 1048576).toPrecision(3) + ' MB'
                 : v >= 1024 ? +(v / 1024).toPrecision(3) + ' KB' : v + ' B';
const micros = v => v >= 1000 ? +(v / 1000).toPrecision(3) + ' ms' : +v.toPrecision(3) + ' µs';
const percent = v => v === null ? '–' : (100 * v).toFixed(2) + ' %';
const grouped = v => v.toLocaleString('en-US');
const limitOf = (metric, kind) => {
  const found = data.limits.find(limit => limit.metric === metric && limit[kind] !== undefined);
  return found && found[kind];
};
const axes = {
  bytes: {key: 'file_bytes', title: 'size of the file', show: bytes, limit: limitOf('file_bytes', 'at_most'), binary: true},
  latency: {key: 'latency_us', title: 'latency at batch 1, median', show: micros, limit: limitOf('latency_us', 'at_most')},
  arena: {key: 'arena_bytes', title: 'working memory (arena)', show: bytes, limit: limitOf('arena_bytes', 'at_most'),
          binary: true},
};
const unique = list => [...new Set(list)];
const techniques = unique(data.points.map(p => p.technique));
const models = unique(data.points.map(p => p.model));
const color = p => 'var(--c' + techniques.indexOf(p.technique) % 7 + ')';
const shapes = [
  r => `M${-r},0A${r},${r},0,1,1,${r},0A${r},${r},0,1,1,${-r},0Z`,
  r => `M${-.88 * r},${-.88 * r}H${.88 * r}V${.88 * r}H${-.88 * r}Z`,
  r => `M0,${-1.2 * r}L${1.1 * r},${.8 * r}H${-1.1 * r}Z`,
  r => `M0,${-1.25 * r}L${1.25 * r},0L0,${1.25 * r}L${-1.25 * r},0Z`,
  r => `M0,${1.2 * r}L${1.1 * r},${-.8 * r}H${-1.1 * r}Z`,
];
const shape = (p, r) => shapes[models.indexOf(p.model) % shapes.length](r);

// Round numbers within [low, high]: powers of two and halves between for bytes, 1-2-5 for others.
function logTicks(low, high, binary) {
  const ticks = [], base = binary ? 2 : 10, parts = binary ? [1] : [1, 2, 5];
  for (let e = Math.floor(Math.log(low) / Math.log(base)); base ** e <= high; e++) {
    for (const part of parts) if (part * base ** e >= low && part * base ** e <= high) ticks.push(part * base ** e);
  }
  return ticks;
}
function linearTicks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= raw), ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k++) ticks.push(k * step);
  return {ticks, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9))};
}

function draw(axisName) {
  const axis = axes[axisName], W = 1000, H = 470, box = {left: 82, right: 24, top: 16, bottom: 52};
  const plot = document.getElementById('plot');
  plot.querySelectorAll('svg').forEach(s => s.remove());
  const svg = el('svg', {viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': 'validation accuracy over ' + axis.title});
  const xs = data.points.map(p => Math.max(p[axis.key], 1e-3)), ys = data.points.map(p => 100 * p.validation_top1);
  let xLow = Math.min(...xs), xHigh = Math.max(...xs), yLow = Math.min(...ys), yHigh = Math.max(...ys);
  // A limit is drawn where it is near enough to the points not to squeeze them.
  if (axis.limit && axis.limit > xLow / 4 && axis.limit < xHigh * 4) {
    xLow = Math.min(xLow, axis.limit); xHigh = Math.max(xHigh, axis.limit);
  }
  const floors = [];
  const least = limitOf('validation_top1', 'at_least'), drop = limitOf('validation_top1', 'max_drop');
  if (least !== undefined) floors.push(100 * least);
  if (drop !== undefined) floors.push(100 * (data.reference_validation_top1 - drop));
  const floor = floors.length ? Math.max(...floors) : null;
  if (floor !== null && floor > yLow - 2 * Math.max(yHigh - yLow, 1)) {
    yLow = Math.min(yLow, floor); yHigh = Math.max(yHigh, floor);
  }
  const spread = Math.max(yHigh - yLow, 0.2);
  yLow -= 0.1 * spread; yHigh += 0.1 * spread;
  const margin = (xHigh / xLow) ** 0.06 * 1.02; xLow /= margin; xHigh *= margin;
  const X = v => box.left + (W - box.left - box.right) * Math.log(Math.max(v, 1e-3) / xLow) / Math.log(xHigh / xLow);
  const Y = v => H - box.bottom - (H - box.top - box.bottom) * (v - yLow) / (yHigh - yLow);
  const left = box.left, right = W - box.right, top = box.top, bottom = H - box.bottom;

  const yTicks = linearTicks(yLow, yHigh, 6);
  for (const t of yTicks.ticks) {
    svg.append(el('line', {class: 'grid', x1: left, x2: right, y1: Y(t), y2: Y(t)}));
    svg.append(el('text', {x: left - 8, y: Y(t) + 4, 'text-anchor': 'end'}, t.toFixed(yTicks.decimals) + ' %'));
  }
  let ticks = logTicks(xLow, xHigh, axis.binary);
  if (ticks.length < 3) {
    const unit = !axis.binary ? 1 : xHigh >= 1048576 ? 1048576 : xHigh >= 1024 ? 1024 : 1;
    ticks = linearTicks(xLow / unit, xHigh / unit, 6).ticks.map(t => t * unit);
  }
  while (ticks.length > 12) ticks = ticks.filter((_, i) => i % 2 === 0);
  for (const t of ticks) {
    svg.append(el('line', {class: 'grid', x1: X(t), x2: X(t), y1: top, y2: bottom}));
    svg.append(el('text', {x: X(t), y: bottom + 19, 'text-anchor': 'middle'}, axis.show(t)));
  }
  svg.append(el('text', {class: 'axis', x: (left + right) / 2, y: H - 8, 'text-anchor': 'middle'}, axis.title));
  svg.append(el('text', {class: 'axis', transform: `translate(15 ${(top + bottom) / 2}) rotate(-90)`,
                         'text-anchor': 'middle'}, 'accuracy (top-1, validation)'));
  if (axis.limit && X(axis.limit) < right) {
    const x = Math.max(X(axis.limit), left);
    svg.append(el('rect', {class: 'limit-area', x, y: top, width: right - x, height: bottom - top}));
    if (X(axis.limit) > left) svg.append(el('line', {class: 'limit-line', x1: x, x2: x, y1: top, y2: bottom}));
    svg.append(el('text', {class: 'limit', x: x + 6, y: top + 15}, 'over ' + axis.show(axis.limit)));
  }
  if (floor !== null && Y(floor) < bottom) {
    const y = Math.max(Y(floor), top);
    svg.append(el('rect', {class: 'limit-area', x: left, y, width: right - left, height: bottom - y}));
    svg.append(el('line', {class: 'limit-line', x1: left, x2: right, y1: y, y2: y}));
    svg.append(el('text', {class: 'limit', x: right - 6, y: y + 16, 'text-anchor': 'end'},
                  'under ' + floor.toFixed(2) + ' %'));
  }
  svg.append(el('rect', {class: 'frame', x: left, y: top, width: right - left, height: bottom - top}));

  // The best accuracy that each size, latency or arena buys.
  const sorted = data.points.slice().sort((a, b) => a[axis.key] - b[axis.key] || b.validation_top1 - a.validation_top1);
  let path = '', reached = -1;
  const steps = [];
  for (const p of sorted) {
    if (p.validation_top1 <= reached) continue;
    const x = X(p[axis.key]), y = Y(100 * p.validation_top1);
    path += path ? `H${x}V${y}` : `M${x},${bottom}V${y}`;
    reached = p.validation_top1;
    steps.push(p);
  }
  svg.append(el('path', {class: 'front', d: path + `H${right}`}));

  const drawn = data.points.slice().sort((a, b) => a.on_front - b.on_front || a.best - b.best);
  const taken = drawn.map(p => {
    const x = X(p[axis.key]), y = Y(100 * p.validation_top1);
    return {x0: x - 7, x1: x + 7, y0: y - 7, y1: y + 7};
  });
  for (const p of drawn) {
    const x = X(p[axis.key]), y = Y(100 * p.validation_top1);
    if (p.best) svg.append(el('circle', {class: 'ring', cx: x, cy: y, r: 12}));
    const mark = el('path', {class: 'point', d: shape(p, p.on_front ? 6.5 : 5), transform: `translate(${x} ${y})`,
      stroke: color(p), fill: p.on_front ? color(p) : 'var(--card)', tabindex: 0,
      'aria-label': `${p.name}, ${percent(p.validation_top1)}, ${axis.show(p[axis.key])}`});
    const row = document.getElementById('point-' + p.id);
    mark.addEventListener('pointerenter', () => show(p, x / W, y / H, row));
    mark.addEventListener('focus', () => show(p, x / W, y / H, row));
    mark.addEventListener('pointerleave', () => hide(row));
    mark.addEventListener('blur', () => hide(row));
    mark.addEventListener('click', () => row.scrollIntoView({block: 'center', behavior: 'smooth'}));
    svg.append(mark);
  }
  // Names of the points that make the line, and of the best, where there is room.
  for (const p of drawn.filter(p => p.best).concat(steps.filter(p => !p.best).reverse())) {
    const x = X(p[axis.key]), y = Y(100 * p.validation_top1), text = p.best ? p.name + ' (best)' : p.name;
    const width = 6.4 * text.length;
    const places = [17, -9, 34, -26, 51, -43].flatMap(dy => [[x + 12, y + dy, 'start'], [x - 12, y + dy, 'end']]);
    for (const [tx, ty, anchor] of places) {
      const x0 = anchor === 'start' ? tx : tx - width, area = {x0, x1: x0 + width, y0: ty - 11, y1: ty + 4};
      const free = area.x0 > left && area.x1 < right && area.y0 > top && area.y1 < bottom &&
        taken.every(t => t.x1 < area.x0 || t.x0 > area.x1 || t.y1 < area.y0 || t.y0 > area.y1);
      if (!free) continue;
      taken.push(area);
      svg.append(el('text', {class: 'name', x: tx, y: ty, 'text-anchor': anchor}, text));
      break;
    }
  }
  plot.prepend(svg);
}

const tip = document.getElementById('tip');
function show(p, x, y, row) {
  const rows = [['validation', percent(p.validation_top1)], ['test', percent(p.top1)],
    ['file', grouped(p.file_bytes) + ' bytes'], ['latency', p.latency_us.toFixed(1) + ' µs'],
    ['arena', grouped(p.arena_bytes) + ' bytes'], ['multiply-accumulates', grouped(p.macs)]];
  tip.replaceChildren();
  const name = document.createElement('b');
  name.textContent = p.name;
  tip.append(name);
  for (const [label, value] of rows.concat(p.broken.map(text => ['outside', text]))) {
    const line = document.createElement('div');
    for (const part of [label, value]) line.append(Object.assign(document.createElement('span'), {textContent: part}));
    tip.append(line);
  }
  const plot = document.getElementById('plot');
  const px = x * plot.clientWidth, py = y * plot.querySelector('svg').clientHeight;
  tip.style.left = (px + 18 + tip.offsetWidth > plot.clientWidth ? px - 18 - tip.offsetWidth : px + 18) + 'px';
  tip.style.top = Math.max(0, py - tip.offsetHeight / 2) + 'px';
  tip.style.visibility = 'visible';
  row.classList.add('hot');
}
function hide(row) {
  tip.style.visibility = 'hidden';
  row.classList.remove('hot');
}

const legend = document.getElementById('legend');
function key(text, path, fill, stroke) {
  const item = document.createElement('span'), svg = el('svg', {width: 16, height: 16, viewBox: '-8 -8 16 16'});
  svg.append(el('path', {d: path, fill, stroke, 'stroke-width': 1.75}));
  item.append(svg, text);
  legend.append(item);
}
techniques.forEach((t, i) => key(t, shapes[0](5), `var(--c${i % 7})`, 'none'));
if (models.length > 1) models.forEach((m, i) => key(m, shapes[i % shapes.length](5), 'var(--soft)', 'none'));
key('beaten by another', shapes[0](4.5), 'none', 'var(--soft)');
if (data.points.some(p => p.best)) key('best inside the limits', shapes[0](6.5), 'none', 'var(--accent)');
key('best accuracy for what it costs', 'M-8,0H8', 'none', 'var(--accent)');

const buttons = [...document.querySelectorAll('.switch button')];
for (const button of buttons) {
  button.addEventListener('click', () => {
    for (const other of buttons) other.setAttribute('aria-pressed', other === button);
    draw(button.dataset.axis);
  });
}

const body = document.querySelector('#points tbody'), heads = [...document.querySelectorAll('#points th')];
heads.forEach((head, column) => head.firstElementChild.addEventListener('click', () => {
  const up = head.getAttribute('aria-sort') !== 'ascending';
  heads.forEach(other => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const value = row => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : cell.dataset.value === '' ? -1 : +cell.dataset.value;
  };
  [...body.rows].map((row, i) => ({row, i, v: value(row)}))
    .sort((a, b) => (a.v < b.v ? -1 : a.v > b.v ? 1 : 0) * (up ? 1 : -1) || a.i - b.i)
    .forEach(entry => body.append(entry.row));
}));
document.getElementById('front-only').addEventListener('change', event => {
  for (const row of body.rows) row.hidden = event.target.checked && row.classList.contains('beaten');
});
draw('bytes');
)JS";

}  // namespace tersor::guide
