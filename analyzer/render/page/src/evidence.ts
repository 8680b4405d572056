// What the report rests on, and what was lost.
import type { Report } from './data';
import { h, scrollable, section } from './dom';
import { count, duration, inert } from './text';

export function evidence(report: Report): HTMLElement {
  const files = report.evidence ?? [];
  const cell = (text: string | undefined): HTMLElement => h('td', { class: 'wide' }, inert(text ?? ''));
  const process = report.process;
  return section('evidence', 'Evidence and losses',
    h('p', {}, 'Source: ', h('code', {}, inert(report.source)), process?.sampling_interval === undefined ? '' : `; one sample in ${count(process.sampling_interval)} allocated bytes`, process === undefined || process.recorded_seconds === 0 ? '' : `; ${duration(process.recorded_seconds)} recorded`, process?.wrackline_version === undefined ? '.' : `; written by wrackline ${inert(process.wrackline_version)}.`),
    process?.command_line === undefined ? null : h('details', {}, h('summary', {}, 'Command line'), h('pre', { tabindex: 0, 'aria-label': 'Command line' }, inert(process.command_line))),
    h('h3', {}, 'Losses'),
    report.losses.length === 0 ? h('p', {}, 'Nothing was lost.') : scrollable('Losses', h('table', {}, h('caption', { class: 'hidden' }, 'Losses'), h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'What'), h('th', { scope: 'col', class: 'number' }, 'How often'), h('th', { scope: 'col' }, 'Meaning'))),
      h('tbody', {}, ...report.losses.map((loss) => h('tr', {}, h('td', {}, h('code', {}, inert(loss.name))), h('td', { class: 'number' }, count(loss.count)), cell(loss.meaning)))))),
    files.length === 0 ? null : h('h3', {}, 'Files'),
    files.length === 0 ? null : scrollable('Files', h('table', {}, h('caption', { class: 'hidden' }, 'Files of the folder'), h('thead', {}, h('tr', {}, ...['File', 'Used', 'What it is', 'Remark'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, ...files.map((file) => h('tr', {}, cell(file.file ?? '(the folder)'), h('td', {}, file.used ? 'yes' : 'no'), cell(file.title ?? file.kind), cell(file.remark)))))),
    (report.lacking ?? []).length === 0 ? null : h('h3', {}, 'What would have said more'),
    (report.lacking ?? []).length === 0 ? null : h('ul', {}, ...(report.lacking ?? []).map((one) => h('li', {}, h('strong', {}, inert(one.title)), `: ${inert(one.why)} `, h('em', {}, inert(one.how))))));
}
