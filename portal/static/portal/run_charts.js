// The charts of a run, drawn with uPlot: one cursor over all of them, holes as gaps, the plan dashed and ahead of what was
// measured, thresholds and lost workers as lines. Colours are the style sheet's, also when the theme changes.
const HEIGHT = 210;

export class Charts {
  constructor(root) {
    this.root = root;
    this.columns = { second: [] };
    this.corners = [];
    this.plots = [];
    this.zoom = null;
    new ResizeObserver(() => this.fit()).observe(root);
    new MutationObserver(() => this.plots.forEach((plot) => plot.u.redraw(false)))
      .observe(document.documentElement, { attributes: true, attributeFilter: ['class'] });
  }

  // The first second that is not here yet.
  until() {
    const seconds = this.columns.second;
    return seconds.length ? seconds[seconds.length - 1] + 1 : 0;
  }

  show(news) {
    this.lost = news.lost;
    if (news.whole) {
      this.columns = news.points;
      this.corners = news.charts.corners;
      this.planned = news.charts.planned_seconds;
      this.isOver = news.over;
      this.build(news.charts.pictures);
    } else {
      this.join(news.points);
    }
    this.draw();
  }

  // New points replace what is here from their first second on: late numbers change seconds that were shown.
  join(points) {
    if (!points.second.length) return;
    const have = this.columns.second;
    let kept = have.length;
    while (kept && have[kept - 1] >= points.second[0]) kept -= 1;
    for (const key of Object.keys(points)) {
      this.columns[key].length = kept;
      this.columns[key].push(...points[key]);
    }
  }

  build(pictures) {
    this.plots.forEach((plot) => plot.u.destroy());
    this.root.replaceChildren();
    this.plots = pictures.map((picture) => new Plot(this, picture));
    // The first was made when it had the row for itself.
    this.fit();
  }

  draw() {
    const seconds = this.columns.second;
    const last = seconds.length ? seconds[seconds.length - 1] : -1;
    // Ahead of the newest second only the plan is known.
    const ahead = this.isOver ? [] : this.corners.map(([second]) => second).filter((second, n, all) => second > last && second !== all[n - 1]);
    const x = seconds.concat(ahead);
    this.root.dataset.seconds = seconds.length;
    const hollow = ahead.map(() => null);
    const planned = x.map((second) => level(this.corners, second));
    this.end = Math.max(last, 1, this.isOver ? 0 : Math.min(this.planned || 0, Math.max(900, 2 * last)));
    for (const plot of this.plots) {
      plot.u.setData([x, ...plot.picture.curves.map(({ key }) => (key === 'planned' ? planned : this.columns[key].concat(hollow)))]);
      plot.say();
    }
  }

  fit() {
    this.plots.forEach((plot) => plot.u.setSize({ width: plot.width(), height: HEIGHT }));
  }

  zoomTo(range) {
    this.zoom = range;
    this.draw();
  }
}

class Plot {
  constructor(charts, picture) {
    this.charts = charts;
    this.picture = picture;
    this.figure = element('figure', 'kd-panel kd-chart');
    this.moment = element('span', 'kd-muted');
    const caption = element('figcaption', '', element('h3', '', picture.title, this.moment));
    this.legend = picture.curves.map((curve) => {
      const value = element('b');
      const item = element('button', `kd-key-item kd-${curve.kind}`, element('i', 'kd-key'), curve.label, value);
      item.type = 'button';
      item.title = `Show or hide ${curve.label}`;
      item.addEventListener('click', () => this.toggle(curve, item));
      return { item, value };
    });
    caption.append(element('span', 'kd-legend', ...this.legend.map(({ item }) => item)));
    this.body = element('div', 'kd-plot');
    this.body.setAttribute('role', 'img');
    this.body.setAttribute('aria-label', `${picture.title}: ${picture.curves.map((curve) => curve.label).join(', ')}`);
    this.figure.append(caption, this.body);
    charts.root.append(this.figure);
    this.u = new window.uPlot(this.options(), [[]], this.body);
  }

  width() {
    return Math.max(200, this.body.clientWidth);
  }

  options() {
    const { picture, charts } = this;
    const text = () => color('--kd-muted');
    const grid = { stroke: () => color('--kd-line'), width: 1 };
    const font = '11px Inter, system-ui, sans-serif';
    const common = { stroke: text, grid, font, ticks: { show: false } };
    const axes = [
      { ...common, grid: { show: false }, size: 26, gap: 6, space: 62, incrs: STEPS, values: (u, marks) => marks.map(asClock) },
      { ...common, size: 52, gap: 6, space: 36, values: (u, marks) => marks.map((mark) => short(mark, picture.unit)) },
    ];
    const scales = {
      x: { time: false, range: () => charts.zoom || [0, charts.end] },
      y: { range: (u, low, high) => [0, this.top(high)] },
    };
    if (picture.curves.some((curve) => curve.is_right)) {
      scales.right = { range: (u, low, high) => [0, roomy(high)] };
      axes.push({ ...common, grid: { show: false }, scale: 'right', side: 1, size: 44, gap: 6, space: 36 });
    }
    return {
      width: this.width(), height: HEIGHT, padding: [10, 18, 0, 0], legend: { show: false }, axes, scales,
      series: [{}, ...picture.curves.map((curve) => this.series(curve))],
      cursor: {
        y: false, sync: { key: 'kd-run' }, points: { size: 7 },
        bind: { dblclick: () => () => charts.zoomTo(null) },
      },
      hooks: {
        setCursor: [() => this.say()],
        setSelect: [(u) => u.select.width > 4 && charts.zoomTo([u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')])],
        draw: [() => this.mark()],
      },
    };
  }

  series(curve) {
    const stroke = () => color(`--kd-${curve.kind}`);
    return {
      scale: curve.is_right ? 'right' : 'y', stroke, width: ['plan', 'gray'].includes(curve.kind) ? 1.2 : 1.7, spanGaps: false,
      dash: curve.kind === 'plan' ? [5, 5] : undefined,
      fill: curve.is_area ? () => `${stroke()}26` : undefined,
      // A second between two holes has no line: it is a dot.
      points: { show: true, size: 5, fill: stroke, filter: (u, n) => alone(u.data[n]) },
    };
  }

  // A threshold far above what was measured must not press the curves flat: only its name stands there, with room of its own.
  top(high) {
    const wanted = roomy(high || 0);
    const near = this.picture.limits.map(([, bound]) => bound * 1.08).filter((bound) => bound < wanted * 2.5);
    return Math.max(wanted * (1 + 0.1 * (this.picture.limits.length - near.length)), ...near);
  }

  toggle(curve, item) {
    const n = this.picture.curves.indexOf(curve) + 1;
    this.u.setSeries(n, { show: !this.u.series[n].show });
    item.classList.toggle('kd-off', !this.u.series[n].show);
  }

  // The values under the cursor, or else the newest; of a run that is over there is no newest.
  say() {
    const under = this.u.cursor.idx ?? null;
    const at = under ?? (this.charts.isOver ? -1 : this.charts.columns.second.length - 1);
    this.moment.textContent = under === null ? '' : ` at ${asClock(this.u.data[0][under])}`;
    this.picture.curves.forEach(({ is_right: isRight }, n) => {
      const value = this.u.data[n + 1]?.[at] ?? null;
      const none = at < 0 ? '' : '–';
      this.legend[n].value.textContent = value === null ? none : full(value, isRight ? '' : this.picture.unit);
    });
  }

  // Thresholds lie across, lost workers stand upright.
  mark() {
    const { u } = this;
    const { ctx, bbox } = u;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.font = `${11 * ratio}px Inter, system-ui, sans-serif`;
    ctx.lineWidth = 1.2 * ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.strokeStyle = ctx.fillStyle = color('--kd-warning');
    ctx.textAlign = 'right';
    let above = 0;
    for (const [text, bound] of this.picture.limits) {
      const y = Math.round(u.valToPos(bound, 'y', true));
      const isAbove = y < bbox.top - 1;
      if (!isAbove) stroke(ctx, bbox.left, y, bbox.left + bbox.width, y);
      ctx.fillText(isAbove ? `${text} ↑` : text, bbox.left + bbox.width - 4 * ratio, isAbove ? bbox.top + (10 + 14 * above++) * ratio : y - 5 * ratio);
    }
    ctx.strokeStyle = ctx.fillStyle = color('--kd-red');
    ctx.textAlign = 'left';
    for (const { second, text } of this.charts.lost || []) {
      const x = Math.round(u.valToPos(second, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      stroke(ctx, x, bbox.top, x, bbox.top + bbox.height);
      ctx.fillText(text, x + 4 * ratio, bbox.top + 10 * ratio);
    }
    ctx.restore();
  }
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

function stroke(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

function element(name, kind, ...content) {
  const found = document.createElement(name);
  if (kind) found.className = kind;
  found.append(...content);
  return found;
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function alone(values) {
  return values.flatMap((value, n) => (value !== null && (values[n - 1] ?? null) === null && (values[n + 1] ?? null) === null ? [n] : []));
}

// The plan between two of its corners; 0 after the last.
function level(corners, second) {
  if (!corners.length || second > corners[corners.length - 1][0]) return corners.length ? 0 : null;
  for (let n = corners.length - 1; n > 0; n -= 1) {
    const [[from, low], [to, high]] = [corners[n - 1], corners[n]];
    if (second >= from && to > from) return low + ((high - low) * Math.min(1, (second - from) / (to - from)));
  }
  return corners[0][1];
}

function roomy(high) {
  return high > 0 ? high * 1.12 : 1;
}

function asClock(second) {
  const whole = Math.round(second);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, '0')];
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

function short(value, unit) {
  if (unit === 'ms' && value >= 1000) return `${value / 1000} s`;
  const text = value >= 10000 ? `${value / 1000}k` : String(Math.round(value * 1000) / 1000);
  return unit && value ? `${text} ${unit}` : text;
}

function full(value, unit) {
  if (unit === 'ms' && value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${text} ${unit}` : text;
}
