// Draws the plot of the report, and filters and sorts its table. The JSON of the element "data" is all that it reads:
//   metrics    [{name, title, unit, direction, objective}]: the axes
//   points     [{id, name, technique, model, on_front, best, broken: [text], values: {metric: number}}]
//   limits     [{metric, at_most | at_least | max_drop}]
//   reference  {metric: number}, of the model that a max_drop is held against
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);
const unique = list => [...new Set(list)];

const svgSpace = document.querySelector('#plot svg').namespaceURI;
function element(name, attributes, text) {
  const made = document.createElementNS(svgSpace, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Numbers for people: short ones for the axes, exact ones for the tooltip.
const short = (value, digits = 3) => String(+value.toPrecision(digits));
const units = {
  share: {
    brief: value => short(100 * value, 4) + ' %',
    exact: value => (100 * value).toFixed(2) + ' %',
  },
  bytes: {
    logarithmic: true,
    base: 2,
    brief: value => value >= 1048576 ? short(value / 1048576) + ' MB'
      : value >= 1024 ? short(value / 1024) + ' KB' : short(value) + ' B',
    exact: value => value.toLocaleString('en-US') + ' bytes',
  },
  us: {
    logarithmic: true,
    brief: value => value >= 1000 ? short(value / 1000) + ' ms' : short(value) + ' µs',
    exact: value => value.toFixed(1) + ' µs',
  },
  count: {
    logarithmic: true,
    brief: value => value >= 1e6 ? short(value / 1e6) + ' M' : value >= 1e3 ? short(value / 1e3) + ' k' : short(value),
    exact: value => value.toLocaleString('en-US'),
  },
};
const unitOf = metric => units[metric.unit] || {
  brief: value => short(value) + (metric.unit ? ' ' + metric.unit : ''),
  exact: value => short(value, 6) + (metric.unit ? ' ' + metric.unit : ''),
};

const metricNamed = name => data.metrics.find(metric => metric.name === name);
const valueOf = (point, metric) => point.values[metric.name];
const better = (metric, a, b) => metric.direction === 'maximize' ? a > b : a < b;

// The bound of a metric, and on which side of it a model is outside; null where it has none.
function boundOf(metric) {
  const bounds = [];
  for (const limit of data.limits.filter(one => one.metric === metric.name)) {
    if (limit.at_most !== undefined) bounds.push({value: limit.at_most, outside: 'above'});
    if (limit.at_least !== undefined) bounds.push({value: limit.at_least, outside: 'below'});
    const reference = data.reference[metric.name];
    if (limit.max_drop !== undefined && reference !== undefined) {
      bounds.push(metric.direction === 'maximize' ? {value: reference - limit.max_drop, outside: 'below'}
        : {value: reference + limit.max_drop, outside: 'above'});
    }
  }
  // Of several the strictest is shown.
  bounds.sort((a, b) => (a.outside === 'above' ? a.value - b.value : b.value - a.value));
  return bounds[0] || null;
}

// Round numbers within [low, high].
function linearTicks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= raw * (1 - 1e-9)) || raw;
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}
function logarithmicTicks(low, high, base) {
  const ticks = [], parts = base === 2 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log(low) / Math.log(base)); base ** power <= high; power++) {
    for (const part of parts) {
      const tick = part * base ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

// Where the values of a metric stand along one side of the plot: `at` maps them to [from, to].
function makeAxis(metric, points, from, to, count) {
  const unit = unitOf(metric), values = points.map(point => valueOf(point, metric));
  const logarithmic = Boolean(unit.logarithmic) && Math.min(...values) > 0;
  let low = Math.min(...values), high = Math.max(...values);
  const bound = boundOf(metric);
  // A limit is drawn where it is near enough not to squeeze the points.
  const near = bound !== null && (logarithmic ? bound.value > low / 4 && bound.value < high * 4
    : Math.abs(bound.value - (low + high) / 2) < 2 * Math.max(high - low, 0.01 * Math.abs(high)));
  if (near) {
    low = Math.min(low, bound.value);
    high = Math.max(high, bound.value);
  }
  let ticks;
  if (logarithmic) {
    const margin = (high / low) ** 0.06 * 1.02;
    low /= margin;
    high *= margin;
    ticks = logarithmicTicks(low, high, unit.base || 10);
    if (ticks.length < 3) {
      const scale = unit.base !== 2 ? 1 : high >= 1048576 ? 1048576 : high >= 1024 ? 1024 : 1;
      ticks = linearTicks(low / scale, high / scale, count).map(tick => tick * scale);
    }
    while (ticks.length > 2 * count) ticks = ticks.filter((_, i) => i % 2 === 0);
  } else {
    const spread = Math.max(high - low, 2e-3 * Math.abs(high), 1e-9);
    low -= 0.1 * spread;
    high += 0.1 * spread;
    ticks = linearTicks(low, high, count);
  }
  const scale = logarithmic ? Math.log : value => value;
  const at = value => from + (to - from) * (scale(value) - scale(low)) / (scale(high) - scale(low));
  return {metric, unit, ticks, at, bound, title: metric.title};
}

const techniques = unique(data.points.map(point => point.technique));
const models = unique(data.points.map(point => point.model));
const hidden = {technique: new Set(), model: new Set()};
const isShown = point => !hidden.technique.has(point.technique) && !hidden.model.has(point.model) &&
  (point.on_front || !byId('front-only').checked);

const colorOf = point => `var(--c${techniques.indexOf(point.technique) % 7})`;
const shapes = [
  r => `M${-r},0A${r},${r},0,1,1,${r},0A${r},${r},0,1,1,${-r},0Z`,
  r => `M${-0.88 * r},${-0.88 * r}H${0.88 * r}V${0.88 * r}H${-0.88 * r}Z`,
  r => `M0,${-1.2 * r}L${1.1 * r},${0.8 * r}H${-1.1 * r}Z`,
  r => `M0,${-1.25 * r}L${1.25 * r},0L0,${1.25 * r}L${-1.25 * r},0Z`,
  r => `M0,${1.2 * r}L${1.1 * r},${-0.8 * r}H${-1.1 * r}Z`,
];
const shapeOf = model => shapes[models.indexOf(model) % shapes.length];

// On a narrow screen the plot is drawn smaller, not its texts.
const width = Math.min(Math.max(byId('plot').clientWidth, 480), 1000), height = 470;
const box = {left: 92, right: width - 24, top: 16, bottom: height - 52};

function drawAxes(svg, x, y) {
  for (const tick of y.ticks) {
    svg.append(element('line', {class: 'grid', x1: box.left, x2: box.right, y1: y.at(tick), y2: y.at(tick)}));
    svg.append(element('text', {x: box.left - 8, y: y.at(tick) + 4, 'text-anchor': 'end'}, y.unit.brief(tick)));
  }
  for (const tick of x.ticks) {
    svg.append(element('line', {class: 'grid', x1: x.at(tick), x2: x.at(tick), y1: box.top, y2: box.bottom}));
    svg.append(element('text', {x: x.at(tick), y: box.bottom + 19, 'text-anchor': 'middle'}, x.unit.brief(tick)));
  }
  const middle = {x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2};
  svg.append(element('text', {class: 'axis', x: middle.x, y: height - 8, 'text-anchor': 'middle'}, x.title));
  svg.append(element('text', {class: 'axis', transform: `translate(15 ${middle.y}) rotate(-90)`,
    'text-anchor': 'middle'}, y.title));
  svg.append(element('rect', {class: 'frame', x: box.left, y: box.top, width: box.right - box.left,
    height: box.bottom - box.top}));
}

// The part of the plot that is outside a limit: a line at the bound, and a tint beyond it.
function drawLimit(svg, axis, isX) {
  if (axis.bound === null) return;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const [least, most] = isX ? [box.left, box.right] : [box.top, box.bottom];
  const at = clamp(axis.at(axis.bound.value), least, most);
  // Values grow to the right and upwards.
  const beyond = (axis.bound.outside === 'above') === isX ? [at, most] : [least, at];
  if (beyond[1] - beyond[0] < 1) return;
  const across = isX ? {x: beyond[0], width: beyond[1] - beyond[0], y: box.top, height: box.bottom - box.top}
    : {x: box.left, width: box.right - box.left, y: beyond[0], height: beyond[1] - beyond[0]};
  svg.append(element('rect', {class: 'limit-area', ...across}));
  if (at > least && at < most) {
    svg.append(element('line', isX ? {class: 'limit-line', x1: at, x2: at, y1: box.top, y2: box.bottom}
      : {class: 'limit-line', x1: box.left, x2: box.right, y1: at, y2: at}));
  }
  const text = (axis.bound.outside === 'above' ? 'over ' : 'under ') + axis.unit.brief(axis.bound.value);
  const right = isX && beyond[0] > box.right - 100 || !isX;
  svg.append(element('text', {class: 'limit', x: isX ? (right ? beyond[0] - 6 : beyond[0] + 6) : box.right - 6,
    y: isX ? box.top + 15 : clamp(at + (axis.bound.outside === 'above' ? -8 : 16), box.top + 12, box.bottom - 6),
    'text-anchor': right ? 'end' : 'start'}, text));
}

// The best y that each x buys, as stairs. Returns the points that make the steps.
function drawStairs(svg, x, y, points) {
  const sorted = points.slice().sort((a, b) => {
    const [p, q] = [valueOf(a, x.metric), valueOf(b, x.metric)];
    if (p !== q) return better(x.metric, p, q) ? -1 : 1;
    return better(y.metric, valueOf(a, y.metric), valueOf(b, y.metric)) ? -1 : 1;
  });
  const steps = [];
  for (const point of sorted) {
    const last = steps[steps.length - 1];
    if (!last || better(y.metric, valueOf(point, y.metric), valueOf(last, y.metric))) steps.push(point);
  }
  if (steps.length === 0) return steps;
  const start = y.metric.direction === 'maximize' ? box.bottom : box.top;
  const end = x.metric.direction === 'maximize' ? box.left : box.right;
  const path = steps.map((point, i) => {
    const [px, py] = [x.at(valueOf(point, x.metric)), y.at(valueOf(point, y.metric))];
    return i === 0 ? `M${px},${start}V${py}` : `H${px}V${py}`;
  });
  svg.append(element('path', {class: 'front', d: path.join('') + `H${end}`}));
  return steps;
}

function drawPoint(svg, x, y, point) {
  const [px, py] = [x.at(valueOf(point, x.metric)), y.at(valueOf(point, y.metric))];
  if (point.best) svg.append(element('circle', {class: 'ring', cx: px, cy: py, r: 12}));
  const row = byId('point-' + point.id);
  const said = [x, y].map(axis => `${axis.title} ${axis.unit.exact(valueOf(point, axis.metric))}`);
  const mark = element('path', {class: 'point', 'data-point': point.id, d: shapeOf(point.model)(point.on_front ? 6.5 : 5),
    transform: `translate(${px} ${py})`, stroke: colorOf(point), fill: point.on_front ? colorOf(point) : 'var(--card)',
    tabindex: 0, role: 'button', 'aria-label': `${point.name}: ${said.join(', ')}. Goes to its row of the table`});
  const enter = () => showTip(point, px / width, py / height, row);
  const go = () => row.scrollIntoView({block: 'center', behavior: 'smooth'});
  mark.addEventListener('pointerenter', enter);
  mark.addEventListener('focus', enter);
  mark.addEventListener('pointerleave', hideTip);
  mark.addEventListener('blur', hideTip);
  mark.addEventListener('click', go);
  mark.addEventListener('keydown', event => {
    if (event.key === 'Enter') go();
    if (event.key === 'Escape') hideTip();
  });
  svg.append(mark);
}

// Names where there is room: of the best point, then of those that make the stairs.
function drawNames(svg, x, y, points, named) {
  const place = point => [x.at(valueOf(point, x.metric)), y.at(valueOf(point, y.metric))];
  const taken = points.map(point => {
    const [px, py] = place(point);
    return {x0: px - 7, x1: px + 7, y0: py - 7, y1: py + 7};
  });
  for (const point of named) {
    const [px, py] = place(point), text = point.best ? point.name + ' (best)' : point.name;
    const length = 6.4 * text.length;
    const places = [17, -9, 34, -26, 51, -43].flatMap(dy => [[px + 12, py + dy, 'start'], [px - 12, py + dy, 'end']]);
    for (const [tx, ty, anchor] of places) {
      const x0 = anchor === 'start' ? tx : tx - length, area = {x0, x1: x0 + length, y0: ty - 11, y1: ty + 4};
      const free = area.x0 > box.left && area.x1 < box.right && area.y0 > box.top && area.y1 < box.bottom &&
        taken.every(other => other.x1 < area.x0 || other.x0 > area.x1 || other.y1 < area.y0 || other.y0 > area.y1);
      if (!free) continue;
      taken.push(area);
      svg.append(element('text', {class: 'name', x: tx, y: ty, 'text-anchor': anchor}, text));
      break;
    }
  }
}

function draw() {
  hideTip();
  const xMetric = metricNamed(byId('x-axis').value), yMetric = metricNamed(byId('y-axis').value);
  const measured = data.points.filter(point =>
    valueOf(point, xMetric) !== undefined && valueOf(point, yMetric) !== undefined);
  const svg = element('svg', {viewBox: `0 0 ${width} ${height}`, role: 'group',
    'aria-label': `${yMetric.title} over ${xMetric.title}`});
  byId('plot').querySelector('svg').replaceWith(svg);
  if (measured.length === 0) {
    svg.append(element('text', {x: width / 2, y: height / 2, 'text-anchor': 'middle'}, 'no model has both figures'));
    return;
  }
  // The axes stay where they are when points are hidden.
  const x = makeAxis(xMetric, measured, box.left, box.right, 6), y = makeAxis(yMetric, measured, box.bottom, box.top, 6);
  drawAxes(svg, x, y);
  drawLimit(svg, x, true);
  drawLimit(svg, y, false);
  const shown = measured.filter(isShown).sort((a, b) => a.on_front - b.on_front || a.best - b.best);
  const steps = drawStairs(svg, x, y, shown);
  for (const point of shown) drawPoint(svg, x, y, point);
  drawNames(svg, x, y, shown, shown.filter(point => point.best).concat(steps.filter(point => !point.best).reverse()));
}

const tip = byId('tip');
let hot = null;
function showTip(point, x, y, row) {
  hideTip();
  const name = document.createElement('b');
  name.textContent = point.name;
  tip.replaceChildren(name);
  const figures = data.metrics.map(metric => [metric.title,
    valueOf(point, metric) === undefined ? '–' : unitOf(metric).exact(valueOf(point, metric))]);
  for (const [label, value] of figures.concat(point.broken.map(text => ['outside', text]))) {
    const line = document.createElement('div');
    for (const part of [label, value]) line.append(Object.assign(document.createElement('span'), {textContent: part}));
    tip.append(line);
  }
  const plot = byId('plot'), px = x * plot.clientWidth, py = y * plot.querySelector('svg').clientHeight;
  const left = px + 18 + tip.offsetWidth > plot.clientWidth ? px - 18 - tip.offsetWidth : px + 18;
  tip.style.left = Math.max(0, left) + 'px';
  tip.style.top = Math.max(0, py - tip.offsetHeight / 2) + 'px';
  tip.style.visibility = 'visible';
  hot = row;
  row.classList.add('hot');
}
function hideTip() {
  tip.style.visibility = 'hidden';
  if (hot) hot.classList.remove('hot');
  hot = null;
}

const body = document.querySelector('#points tbody'), heads = [...document.querySelectorAll('#points thead th')];
function refresh() {
  for (const point of data.points) byId('point-' + point.id).hidden = !isShown(point);
  draw();
}

function legendSymbol(path, fill, stroke) {
  const svg = element('svg', {width: 16, height: 16, viewBox: '-8 -8 16 16', 'aria-hidden': 'true'});
  svg.append(element('path', {d: path, fill, stroke, 'stroke-width': 1.75}));
  return svg;
}
function legendFilter(kind, value, symbol) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset[kind] = value;
  button.title = 'shows or hides these models';
  button.setAttribute('aria-pressed', 'true');
  button.append(symbol, value || 'unnamed');
  button.addEventListener('click', () => {
    const set = hidden[kind];
    if (!set.delete(value)) set.add(value);
    button.setAttribute('aria-pressed', String(!set.has(value)));
    refresh();
  });
  byId('legend').append(button);
}
function legendNote(text, symbol) {
  const item = document.createElement('span');
  item.append(symbol, text);
  byId('legend').append(item);
}
techniques.forEach((name, i) => legendFilter('technique', name, legendSymbol(shapes[0](5), `var(--c${i % 7})`, 'none')));
if (models.length > 1) {
  models.forEach(name => legendFilter('model', name, legendSymbol(shapeOf(name)(5), 'var(--soft)', 'none')));
}
legendNote('beaten by another', legendSymbol(shapes[0](4.5), 'none', 'var(--soft)'));
if (data.points.some(point => point.best)) {
  legendNote('best inside the limits', legendSymbol(shapes[0](6.5), 'none', 'var(--accent)'));
}
legendNote('the best for what it costs', legendSymbol('M-8,0H8', 'none', 'var(--accent)'));

heads.forEach((head, column) => head.querySelector('button').addEventListener('click', () => {
  const up = head.getAttribute('aria-sort') !== 'ascending';
  heads.forEach(other => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const keyOf = row => {
    const cell = row.cells[column], value = cell.dataset.value;
    return value === undefined ? cell.textContent : value === '' ? null : Number(value);
  };
  // What was not measured comes last in both directions.
  [...body.rows].map((row, i) => ({row, i, key: keyOf(row)}))
    .sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.i - b.i;
      return (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (up ? 1 : -1) || a.i - b.i;
    })
    .forEach(entry => body.append(entry.row));
}));

for (const [id, objectiveIndex] of [['x-axis', 1], ['y-axis', 0]]) {
  const select = byId(id), objectives = data.metrics.filter(metric => metric.objective);
  for (const metric of data.metrics) select.append(new Option(metric.title, metric.name));
  const first = objectives[objectiveIndex] || objectives[0] || data.metrics[0];
  if (first) select.value = first.name;
  select.addEventListener('change', draw);
}
byId('front-only').addEventListener('change', refresh);
if (data.metrics.length > 0) refresh();
