// The settings that would have fitted, to be copied.
import { copyButton } from './copy';
import type { Change, Report } from './data';
import { bar, h, list, scrollable, section } from './dom';
import { bytes, inert } from './text';

export function proposal(report: Report): HTMLElement | null {
  const one = report.proposal;
  if (one === undefined) {
    return report.proposal_error === undefined ? null : section('proposal', 'Proposal', h('p', { class: 'warning' }, `There is none: ${inert(report.proposal_error)}`));
  }
  // What is to be removed has no value to paste; a comment says it, for the old one would stay in force.
  const removed = one.changes.filter((change) => change.new_value === '').map((change) => `# remove: ${change.key}: ${change.old_value}`);
  const settings = [...removed, ...Object.entries(one.settings).map(([key, value]) => `${key}: ${value}`)].join('\n');
  const limit = report.limit?.bytes;
  const scale = Math.max(one.predicted_peak, limit ?? 0, 1);
  const row = (change: Change): HTMLElement => h('tr', {},
    h('td', { class: 'wide' }, h('code', {}, inert(change.key))),
    h('td', {}, change.old_value === '' ? h('small', {}, 'not set') : h('del', {}, inert(change.old_value))),
    h('td', {}, change.new_value === '' ? h('em', {}, 'remove it') : h('ins', {}, inert(change.new_value))),
    h('td', { class: 'wide' }, inert(change.reason)),
    h('td', {}, change.new_value === '' ? null : copyButton('Copy', `${change.key}: ${change.new_value}`, inert(change.key))));
  return section('proposal', 'Proposal',
    h('p', { class: 'verdict' }, h('span', { class: `badge ${one.fits ? 'good' : 'bad'}` }, one.fits ? 'Fits' : 'Does not fit'), ' ', inert(one.summary)),
    h('p', { class: 'peak' }, `Predicted peak ${bytes(one.predicted_peak)}${limit === undefined ? '' : ` of ${bytes(limit)}, ${bytes(one.headroom)} of room`}. The smallest limit that would do: ${bytes(one.smallest_limit)}. `,
      bar(one.predicted_peak / scale, one.fits ? 'good' : 'bad', limit === undefined ? undefined : limit / scale)),
    one.changes.length === 0 ? null : scrollable('Changes', h('table', { class: 'changes' }, h('caption', { class: 'hidden' }, 'Changes of the configuration'),
      h('thead', {}, h('tr', {}, ...['Key', 'Now', 'Then', 'Why'].map((title) => h('th', { scope: 'col' }, title)), h('th', { scope: 'col' }, h('span', { class: 'hidden' }, 'Copy')))), h('tbody', {}, ...one.changes.map(row)))),
    settings === '' ? null : h('div', { class: 'settings' }, h('pre', { tabindex: 0, 'aria-label': 'Settings' }, inertLines(settings)), copyButton('Copy all', settings, 'all settings')),
    one.arithmetic.length === 0 ? null : h('details', {}, h('summary', {}, 'How it was computed'), list(one.arithmetic.map(inert))),
    one.advice.length === 0 ? null : h('div', {}, h('h3', {}, 'Beside it'), list(one.advice.map(inert))));
}

function inertLines(text: string): string {
  return text.split('\n').map(inert).join('\n');
}
