// Stacked areas over the time, drawn by uPlot, with the figures as a table beside them.
import uPlot from 'uplot';
import { h, scrollable } from './dom';
import { colour, onTheme } from './theme';
import { bytes, clock, moment } from './text';

export interface Area { label: string; hue: number; values: (number | null)[] }
export interface Line { label: string; colour: string; values: (number | null)[]; dashed?: boolean }
export interface Mark { time: number; label: string; kind: 'death' | 'collection' }

/** A colour of the page's palette; after twelve they come again, paler. */
export function hue(index: number): string {
  return colour(`hue${(index % 12) + 1}`) + (index >= 12 ? 'a0' : '');
}

function hueName(index: number): string {
  return `var(--hue${(index % 12) + 1})`;
}

const kSteps = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Ticks of a byte axis: powers of two of a unit. */
function splits(low: number, high: number): number[] {
  const wanted = (high - low) / 5;
  let step = 1;
  for (let unit = 1; unit < 2 ** 62; unit *= 1024) {
    const found = kSteps.find((one) => one * unit >= wanted);
    if (found !== undefined) { step = found * unit; break; }
  }
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) ticks.push(at);
  return ticks;
}

const axisBytes = (amount: number): string => bytes(amount).replace(/\.0+ /, ' ');

export function stackedChart(label: string, times: number[], areas: Area[], lines: Line[], marks: Mark[]): HTMLElement {
  const box = h('div', { class: 'chart' });
  const picture = h('div', { class: 'picture', role: 'img', 'aria-label': label });
  const at = h('span', { class: 'at' });
  const shownValues: { element: HTMLElement; values: (number | null)[] }[] = [];
  const entry = (text: string, style: string, kind: string, values: (number | null)[]): HTMLElement => {
    const value = h('span', { class: 'value' });
    const swatch = h('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' });
    swatch.style.setProperty('--swatch', style);
    shownValues.push({ element: value, values });
    return h('li', {}, swatch, h('span', {}, text), value);
  };
  // From above to below, as they lie on each other.
  const legend = h('ul', { class: 'legend values' }, ...lines.map((line) => entry(line.label, `var(--${line.colour})`, 'dashed', line.values)),
    ...[...areas].reverse().map((area) => entry(area.label, hueName(area.hue), area.hue >= 12 ? 'pale' : '', area.values)));
  box.append(picture, h('p', { class: 'count' }, at), legend);
  function values(index: number): void {
    at.textContent = `At ${moment(times[index] ?? 0)}:`;
    for (const { element, values: column } of shownValues) {
      const value = column[index];
      element.textContent = value === null || value === undefined ? '' : bytes(value);
    }
  }
  values(times.length - 1);

  // Lowest first; uPlot draws each sum and fills down to the one below it.
  const sums: (number | null)[][] = [];
  areas.forEach((area, index) => {
    const below = sums[index - 1];
    sums.push(area.values.map((value, i) => (value ?? 0) + (below?.[i] ?? 0)));
  });
  const top = Math.max(1, ...(sums[sums.length - 1] ?? []).map((value) => value ?? 0), ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));

  let plot: uPlot | undefined;
  function draw(): void {
    plot?.destroy();
    const grid = { stroke: colour('grid'), width: 1 };
    const axis = { stroke: colour('soft'), grid, ticks: grid, font: '12px system-ui, sans-serif' };
    const order = areas.map((_, index) => areas.length - 1 - index);   // the uppermost is drawn first
    const series: uPlot.Series[] = [{}];
    for (const index of order) {
      const area = areas[index];
      if (area === undefined) continue;
      series.push({ label: area.label, stroke: hue(area.hue), fill: hue(area.hue), width: 0, points: { show: false } });
    }
    for (const line of lines) {
      const one: uPlot.Series = { label: line.label, stroke: colour(line.colour), width: 2, points: { show: false } };
      if (line.dashed) one.dash = [8, 5];
      series.push(one);
    }
    const width = Math.max(260, picture.clientWidth || 900);
    plot = new uPlot({
      width, height: width < 500 ? 240 : 320, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: { x: { time: true }, y: { range: [0, top * 1.04] } },
      axes: [{ ...axis, space: 70, values: (_, ticks) => ticks.map((tick) => clock(tick).replace(/:00$/, '')) }, { ...axis, size: 74, splits: (_u, _i, low, high) => splits(low, high), values: (_, ticks) => ticks.map(axisBytes) }],
      cursor: { drag: { x: true, y: false }, points: { show: false } },
      legend: { show: false },
      series,
      hooks: { draw: [(u) => drawMarks(u)], setCursor: [(u) => values(u.cursor.idx ?? times.length - 1)] },
    }, [times, ...order.map((index) => sums[index] ?? []), ...lines.map((line) => line.values)] as uPlot.AlignedData, picture);
  }

  function drawMarks(u: uPlot): void {
    const context = u.ctx;
    context.save();
    context.setLineDash([]);
    const { top: y, height, left, width } = u.bbox;
    const ratio = devicePixelRatio;
    for (const mark of marks) {
      const x = Math.round(u.valToPos(mark.time, 'x', true));
      if (x < left - 1 || x > left + width + 1) continue;
      if (mark.kind === 'collection') {
        context.fillStyle = colour('soft');
        context.fillRect(x, y, Math.max(1, ratio), 6 * ratio);
        continue;
      }
      context.strokeStyle = context.fillStyle = colour('text');
      context.lineWidth = 1.5 * ratio;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x, y + height);
      context.stroke();
      context.font = `${12 * ratio}px system-ui, sans-serif`;
      const right = x + context.measureText(mark.label).width + 8 * ratio > left + width;
      context.textAlign = right ? 'right' : 'left';
      const beside = x + (right ? -5 : 5) * ratio;
      context.lineWidth = 4 * ratio;
      context.strokeStyle = colour('paper');
      context.lineJoin = 'round';
      context.strokeText(mark.label, beside, y + 22 * ratio);
      context.fillText(mark.label, beside, y + 22 * ratio);
    }
    context.restore();
  }

  onTheme(() => { if (plot !== undefined) draw(); });
  new ResizeObserver(() => {
    const width = picture.clientWidth;
    if (width === 0) return;
    if (plot === undefined) draw();
    else if (Math.abs(width - plot.width) > 1) plot.setSize({ width: Math.max(260, width), height: width < 500 ? 240 : 320 });
  }).observe(picture);

  box.append(figures(label, times, areas, lines));
  return box;
}

/** At most forty moments, made when somebody opens it. */
function figures(label: string, times: number[], areas: Area[], lines: Line[]): HTMLElement {
  const details = h('details', { class: 'figures', toggle: () => {
    if (!details.open || details.childElementCount > 1) return;
    const step = Math.ceil(times.length / 40);
    const shown = times.map((_, index) => index).filter((index) => (times.length - 1 - index) % step === 0);
    const columns = [...areas, ...lines];
    details.append(scrollable(`${label}: the figures`, h('table', {}, h('caption', { class: 'hidden' }, label), h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Time'), ...columns.map((column) => h('th', { scope: 'col', class: 'number' }, column.label)))),
      h('tbody', {}, ...shown.map((index) => h('tr', {}, h('th', { scope: 'row' }, moment(times[index] ?? 0)), ...columns.map((column) => { const value = column.values[index]; return h('td', { class: 'number' }, value === null || value === undefined ? '' : bytes(value)); })))))));
  } }, h('summary', {}, 'The figures as a table'));
  return details;
}
