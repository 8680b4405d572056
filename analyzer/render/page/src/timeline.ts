// The parts of the charge over the time, and RocksDB's families.
import { type Area, type Line, type Mark, stackedChart } from './chart';
import type { Report, Series } from './data';
import { h, section } from './dom';
import { bytes, count, duration, inert, moment, shorten } from './text';

const kHues: Record<string, number> = { heap: 0, vm: 1, memtables: 2, caches: 3, readers: 4, anonymous: 5, shared: 6, file: 7, kernel: 8, rest: 9 };
const kKilled = /kill|evict|node_out/;

export function timeline(report: Report, series: Series): HTMLElement {
  const data = series.timeline;
  if (data === undefined || data.time.length < 3) return section('timeline', 'Over the time', h('p', {}, 'Nothing was recorded over the time.'));
  const times = data.time.map((offset) => series.base + offset / 1000);
  const last = times[times.length - 1] ?? 0;
  const areas: Area[] = data.parts.map((part) => ({ label: part.label, hue: kHues[part.id] ?? 10, values: part.bytes }));
  const peak = Math.max(0, ...times.map((_, index) => data.parts.reduce((sum, part) => sum + (part.bytes[index] ?? 0), 0)));
  const limit = report.limit?.bytes;
  const lines: Line[] = [];
  const near = limit !== undefined && limit < 5 * peak;
  if (limit !== undefined && near) lines.push({ label: 'limit', colour: 'limit', values: (report.limit?.origin === 'cgroup' ? data.limit : undefined) ?? times.map(() => limit), dashed: true });
  const marks: Mark[] = [];
  if (series.collections !== undefined) for (const time of series.collections.time) marks.push({ time: series.base + time / 1000, label: '', kind: 'collection' });
  const { ending } = report;
  const end = ending.time ?? ending.last_record;
  const killed = kKilled.test(ending.outcome);
  const running = ending.outcome === 'still_running' || report.metrics !== undefined;
  // A moment after the last tick stands at the right edge: the line is of that tick then.
  if (!running) marks.push({ time: Math.min(end, last), label: killed ? 'killed' : 'end', kind: 'death' });
  const collections = series.collections?.count.reduce((sum, one) => sum + one, 0) ?? 0;
  const label = `What the charge was made of, from ${moment(times[0] ?? 0)} to ${moment(last)}: at most ${bytes(peak)}${limit === undefined ? '' : ` under a limit of ${bytes(limit)}`}.`;
  return section('timeline', 'Over the time',
    h('p', {}, `${duration(last - (times[0] ?? 0))}, ${count(data.time.length)}${data.time.length < data.ticks ? ` of ${count(data.ticks)}` : ''} ticks shown. Native memory is told apart by site at single moments only; here it is in “other anonymous memory”.`,
      limit !== undefined && !near ? ` The limit, ${bytes(limit)}, is far above the picture.` : '',
      collections > 0 ? ` Strokes at the upper edge: ${count(collections)} garbage collections.` : '', ' Drag to zoom, double-click to zoom out.'),
    stackedChart(label, times, areas, lines, marks));
}

export function familiesChart(series: Series): HTMLElement | null {
  const data = series.families;
  if (data === undefined || data.time.length < 2) return null;
  const times = data.time.map((offset) => series.base + offset / 1000);
  const databases = new Set(data.series.map((one) => one.database));
  databases.delete(undefined);
  const areas: Area[] = data.series.map((one, index) => ({
    label: one.unsplit ? 'caches, not told apart by family' : one.others !== undefined ? `${one.others} smaller families` : databases.size > 1 ? `${inert(one.name ?? '')} (${shorten(inert((one.database ?? '').split(' (')[0] ?? ''), 40)})` : inert(one.name ?? ''),
    hue: one.unsplit ? 9 : index, values: one.bytes,
  }));
  return stackedChart(`RocksDB by column family, from ${moment(times[0] ?? 0)} to ${moment(times[times.length - 1] ?? 0)}`, times, areas, [], []);
}
