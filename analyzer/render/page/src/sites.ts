// Who asked for native memory: sites, threads, mappings.
import type { Frame, Mapping, Report, Site, ThreadGroup } from './data';
import { h, section, svg } from './dom';
import { table } from './table';
import { bytes, inert, percent } from './text';

const kindOf = (site: Site): string => (site.in_rocksdb ? 'RocksDB' : site.frames.some((frame) => frame.java) ? 'Java' : 'native');

export function frameList(frames: Frame[]): HTMLElement {
  return h('ol', { class: 'frames' }, ...frames.map((frame) => h('li', {}, h('code', {}, inert(frame.function)),
    frame.module === '' ? (frame.java ? h('small', {}, ' Java') : null) : h('small', {}, ` ${inert(frame.module)}`), frame.line === undefined ? null : h('small', {}, ` ${inert(frame.file ?? '')}:${frame.line}`))));
}

/** Of what is live, what was allocated in each eighth of the time. */
function ages(site: Site): Node | string {
  const parts = site.live_by_age;
  if (parts === undefined || parts.length === 0) return '';
  const top = Math.max(1, ...parts);
  const picture = svg('svg', { class: 'ages', viewBox: `0 0 ${parts.length * 6} 16`, width: parts.length * 6, height: 16, role: 'img' },
    ...parts.map((part, index) => { const height = part <= 0 ? 0 : Math.max(1, (15 * part) / top); return svg('rect', { x: index * 6, y: 16 - height, width: 5, height }); }));
  picture.setAttribute('aria-label', `by age, oldest first: ${parts.map((part) => percent(part, site.live) || '0 %').join(', ')}`);
  return picture;
}

export function sites(report: Report, live: number | undefined, show: ((name: string) => void) | null): HTMLElement {
  if (report.sites.length === 0) return section('sites', 'Sites', h('p', {}, 'No allocation was sampled.'));
  // Of all that is live, of which these are the largest.
  const total = Math.max(live ?? 0, report.sites.reduce((sum, site) => sum + site.live, 0));
  return section('sites', 'Sites',
    h('p', {}, `The largest ${report.sites.length} places in the program that hold native memory${report.heap_profile === undefined ? '' : ', by another tool’s profile'}. Amounts are estimates from samples; ± is their standard error.`),
    table<Site>([
      { title: 'Site', cell: (site) => h('span', { class: 'name' }, inert(site.label || '(stack not recorded)')), order: (site) => site.label, wide: true },
      { title: 'Live', cell: (site) => h('span', {}, bytes(site.live), h('small', {}, ` ± ${bytes(site.standard_error)}`)), order: (site) => site.live, number: true },
      { title: 'Share', cell: (site) => percent(site.live, total), number: true },
      { title: 'By age', cell: ages },
      { title: 'Recent', cell: (site) => bytes(site.live_recent), order: (site) => site.live_recent, number: true },
      { title: 'Allocated', cell: (site) => bytes(site.allocated), order: (site) => site.allocated, number: true },
      { title: 'Samples', cell: (site) => String(site.live_samples), order: (site) => site.live_samples, number: true },
      { title: 'Kind', cell: kindOf, order: kindOf },
    ], report.sites, {
      caption: 'Sites', sorted: 1, most: 15, noun: 'sites', detailLabel: 'Stack',
      text: (site) => site.frames.map((frame) => `${frame.function} ${frame.module}`).join('\n').toLowerCase(),
      extra: { label: 'Kind', choices: ['Java', 'RocksDB', 'native'], of: kindOf },
      detail: (site) => h('div', {}, site.truncated ? h('p', {}, 'The stack was deeper than is recorded.') : null, frameList(site.frames),
        show === null ? null : h('button', { type: 'button', click: () => show(site.label) }, 'Find in the flame graph')),
    }));
}

export function threads(report: Report): HTMLElement | null {
  const groups = report.thread_groups;
  if (groups === undefined || groups.length === 0) return null;
  return section('threads', 'Threads',
    h('p', {}, 'Whose threads asked for the native memory that is live. An operator of a Flink job is one group.'),
    table<ThreadGroup>([
      { title: 'Group', cell: (group) => inert(group.name), order: (group) => group.name, wide: true },
      { title: 'Kind', cell: (group) => group.kind.replaceAll('_', ' '), order: (group) => group.kind },
      { title: 'Live', cell: (group) => h('span', {}, bytes(group.live), h('small', {}, ` ± ${bytes(group.standard_error)}`)), order: (group) => group.live, number: true },
      { title: 'Threads', cell: (group) => String(group.threads), order: (group) => group.threads, number: true },
      { title: 'Subtasks', cell: (group) => (group.subtasks === undefined ? '' : `${group.subtasks.join(', ')}${group.parallelism === undefined ? '' : ` of ${group.parallelism}`}`) },
      { title: 'Most of it from', cell: (group) => (group.top_site === undefined ? '' : `${inert(group.top_site)} (${bytes(group.top_site_live ?? 0)})`), wide: true },
    ], groups, { caption: 'Thread groups', sorted: 2, most: 12, noun: 'groups', text: (group) => group.name.toLowerCase() }));
}

export function mappings(report: Report): HTMLElement | null {
  const list = report.mappings;
  if (list === undefined || list.length === 0) return null;
  return section('mappings', 'Mappings',
    h('p', {}, 'Address space by who mapped it: exact, and not all of it need be resident.'),
    table<Mapping>([
      { title: 'Mapped by', cell: (one) => inert(one.label), order: (one) => one.label, wide: true },
      { title: 'Kind', cell: (one) => one.kind.replaceAll('_', ' '), order: (one) => one.kind },
      { title: 'Accessible', cell: (one) => bytes(one.accessible), order: (one) => one.accessible, number: true },
      { title: 'Reserved', cell: (one) => bytes(one.reserved), order: (one) => one.reserved, number: true },
      { title: 'Resident', cell: (one) => (one.resident === undefined ? '' : bytes(one.resident)), order: (one) => one.resident ?? -1, number: true },
      { title: 'Ranges', cell: (one) => String(one.ranges), order: (one) => one.ranges, number: true },
    ], list, { caption: 'Mappings', sorted: 2, most: 8, noun: 'mappings', text: (one) => `${one.label} ${one.kind}`.toLowerCase() }));
}
