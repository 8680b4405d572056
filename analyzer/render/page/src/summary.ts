// The verdict, and what was found.
import type { Finding, Report } from './data';
import { h, list, scrollable, section } from './dom';
import { bytes, change, duration, inert, moment, percent } from './text';

const kOutcomes: Record<string, string> = {
  oom_killed: 'Killed: out of memory', probably_oom_killed: 'Probably killed: out of memory', killed_by_signal: 'Killed by a signal', oom_killed_container_lived: 'Killed: out of memory, the container went on', clean_exit: 'Exited cleanly', still_running: 'Still running',
  metrics_only: 'Metrics only', unknown: 'Ending not known', killed_by_yarn: 'Killed by YARN', evicted: 'Evicted', node_out_of_memory: 'Node out of memory',
  java_out_of_memory: 'Java OutOfMemoryError', stopped_at_limit: 'Stopped at the limit', ended_with_status: 'Ended with a status', not_memory: 'Not memory',
};

function fact(name: string, value: string | undefined, more = ''): HTMLElement | null {
  return value === undefined || value === '' ? null : h('div', { class: 'fact' }, h('dt', {}, name), h('dd', {}, value, more === '' ? null : h('small', {}, ` ${more}`)));
}

// Where there is a time to the limit, its 95 % interval; where there is none, why.
const kNoTime: Record<string, string> = {
  too_short: 'not known', not_growing: 'not growing', page_cache: 'not growing', levelling: 'not growing any more', steps: 'not by time', far: 'far',
};
const kWhy: Record<string, string> = {
  too_short: 'watched for too short a time', not_growing: 'no trend beyond its noise', page_cache: 'only pages of files grow, which the kernel drops first', levelling: 'it rose and is levelling off',
  steps: 'it rises by jumps and is flat between them', far: 'grows, but was watched for too short a time to say when it gets there',
};

function timeToLimit(time: Report['time_to_limit']): HTMLElement | null {
  if (time === undefined) return null;
  if (time.seconds === undefined) return fact('Time to the limit', kNoTime[time.state] ?? time.state.replaceAll('_', ' '), kWhy[time.state] ?? '');
  const between = time.seconds_low === undefined || time.seconds_high === undefined ? '' : `between ${duration(time.seconds_low)} and ${duration(time.seconds_high)}`;
  return fact('Time to the limit', duration(time.seconds), between);
}

export function summary(report: Report): HTMLElement {
  const { ending, process, limit } = report;
  const outcome = kOutcomes[ending.outcome] ?? ending.outcome.replaceAll('_', ' ');
  const kind = ['clean_exit', 'still_running'].includes(ending.outcome) ? 'good' : /kill|out_of|evict/.test(ending.outcome) ? 'bad' : 'plain';
  const peak = report.peak_charge;
  const share = (amount: number): string => (limit === undefined ? '' : `${percent(amount, limit.bytes)} of the limit`);
  return section('verdict', 'Verdict',
    h('p', { class: 'verdict' }, h('span', { class: `badge ${kind}` }, outcome), ' ', inert(report.verdict)),
    report.damage === undefined ? null : h('p', { class: 'warning' }, `The recording is damaged: ${inert(report.damage)}`),
    h('dl', { class: 'facts' },
      fact('Limit', limit && bytes(limit.bytes), limit && inert(limit.origin)),
      fact('Last charge', report.last_charge && bytes(report.last_charge.bytes), report.last_charge && share(report.last_charge.bytes)),
      fact('Peak charge', peak && bytes(peak.bytes), peak && share(peak.bytes)),
      fact('Recorded', process && process.recorded_seconds > 0 ? duration(process.recorded_seconds) : undefined),
      fact('Last record', moment(ending.last_record), ending.last_record_age_seconds === undefined ? '' : `${duration(ending.last_record_age_seconds)} before the end`),
      fact('Process', process && `${process.pid} on ${inert(process.host ?? 'an unnamed host')}`, process?.executable && inert(process.executable)),
      fact('Allocator', process?.allocator && inert(process.allocator)),
      fact('TaskManager', report.metrics && inert(report.metrics.task_manager)),
      timeToLimit(report.time_to_limit)),
    ending.evidence.length === 0 ? null : h('details', {}, h('summary', {}, 'How the ending is known'), list(ending.evidence.map(inert))));
}

function finding(one: Finding): HTMLElement {
  const part = (title: string, texts: string[]): HTMLElement | null => (texts.length === 0 ? null : h('div', {}, h('h4', {}, title), list(texts.map(inert))));
  return h('article', { class: `finding ${one.role}` },
    h('h3', {}, inert(one.summary)),
    h('p', { class: 'tags' }, h('span', { class: 'tag' }, one.role), h('span', { class: 'tag' }, `${one.confidence} confidence`), one.bytes > 0 ? h('span', { class: 'tag' }, bytes(one.bytes)) : null, h('code', {}, one.rule)),
    h('details', { open: one.role === 'cause' }, h('summary', {}, 'Evidence and advice'), part('Evidence', one.evidence), part('Against it', one.against), part('What to do', one.advice)));
}

/** Of a kill: what had grown, and since when. */
export function growth(report: Report): HTMLElement | null {
  const rows = report.at_the_kill?.growth ?? [];
  if (rows.length === 0) return null;
  const spans = ([['last_minute', 'Last minute'], ['last_10_minutes', 'Last 10 minutes'], ['last_hour', 'Last hour'], ['last_6_hours', 'Last 6 hours'], ['in_all', 'In all']] as const).filter(([key]) => rows.some((row) => row[key] !== undefined));
  return section('growth', 'What grew before the kill',
    scrollable('What grew before the kill', h('table', {}, h('caption', { class: 'hidden' }, 'Growth by holder'), h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Holder'), h('th', { scope: 'col', class: 'number' }, 'At the end'), ...spans.map(([, title]) => h('th', { scope: 'col', class: 'number' }, title)))),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, h('td', { class: 'wide' }, inert(row.name)), h('td', { class: 'number' }, bytes(row.now)), ...spans.map(([key]) => { const value = row[key]; return h('td', { class: 'number' }, value === undefined ? '' : change(value)); })))))));
}

export function findings(report: Report): HTMLElement {
  return section('findings', 'Findings', ...(report.findings.length === 0 ? [h('p', {}, 'No rule of the diagnosis found anything.')] : report.findings.map(finding)));
}
