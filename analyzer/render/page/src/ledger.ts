// Every byte in one line: the groups as bars against the limit, their lines below.
import type { LedgerGroup, LedgerLine, Report } from './data';
import { bar, h, list, scrollable, section } from './dom';
import { bytes, change, inert, moment, percent } from './text';

const kBasis: Record<string, string> = { charge: 'the cgroup’s charge, which the kernel compares with the limit', resident: 'the resident set of the process', metrics: 'what the metrics name' };

export function ledger(report: Report): HTMLElement {
  const book = report.ledger;
  if (book === undefined) return section('ledger', 'Ledger', h('p', {}, 'Neither a charge nor a resident set is known, so there is nothing to divide.'));
  const whole = Math.max(book.total, report.limit?.bytes ?? 0, 1);
  // A limit far away would make every bar a dot.
  const scale = whole > 4 * book.total ? Math.max(book.total, 1) : whole;
  const mark = report.limit === undefined || report.limit.bytes > scale ? undefined : report.limit.bytes / scale;
  const error = (amount: number | undefined): Node | string => (amount === undefined ? '' : h('small', {}, ` ± ${bytes(amount)}`));
  const budget = (one: LedgerGroup | LedgerLine): Node | string =>
    one.budget === undefined ? '' : h('span', {}, bytes(one.budget), one.overshoot === undefined ? null : h('strong', { class: 'over' }, ` ${change(one.overshoot)} over`));

  const body = h('tbody');
  const budgets = [...book.groups, ...book.lines].some((one) => one.budget !== undefined);
  for (const group of book.groups) {
    const lines = group.lines.map((index) => book.lines[index]).filter((line): line is LedgerLine => line !== undefined);
    const rows = lines.map((line) => h('tr', { class: 'line', hidden: true },
      h('td', { class: 'wide' }, inert(line.label), line.parts === undefined ? null : h('small', {}, ` (${line.parts.map((part) => `${inert(part.label)} ${bytes(part.bytes)}`).join(', ')})`)),
      h('td', { class: 'number' }, bytes(line.bytes), error(line.standard_error)),
      h('td', { class: 'number' }, percent(line.bytes, book.total)),
      h('td', {}, bar(line.bytes / scale, group.category)),
      budgets ? h('td', { class: 'number' }, budget(line)) : null,
      h('td', { class: 'wide' }, h('small', {}, `${line.confidence}, ${inert(line.source)}`))));
    const button = h('button', { type: 'button', class: 'tree', 'aria-expanded': 'false', click: () => {
      const open = button.getAttribute('aria-expanded') !== 'true';
      button.setAttribute('aria-expanded', String(open));
      for (const row of rows) row.hidden = !open;
    } }, h('span', { class: 'twisty', 'aria-hidden': 'true' }), inert(group.label), h('small', {}, ` ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`));
    body.append(h('tr', { class: 'group' },
      h('th', { scope: 'row' }, button),
      h('td', { class: 'number' }, bytes(group.bytes), error(group.standard_error)),
      h('td', { class: 'number' }, percent(group.bytes, book.total)),
      h('td', {}, bar(group.bytes / scale, group.category, mark)),
      budgets ? h('td', { class: 'number' }, budget(group)) : null,
      h('td', { class: 'wide' }, h('small', {}, group.budget_source === undefined ? '' : inert(group.budget_source)))), ...rows);
  }
  if (book.unexplained !== undefined) {
    body.append(h('tr', { class: 'group' }, h('th', { scope: 'row' }, 'unexplained'), h('td', { class: 'number' }, bytes(book.unexplained)), h('td', { class: 'number' }, percent(book.unexplained, book.total)), h('td', {}, bar(Math.abs(book.unexplained) / scale, 'unexplained')), budgets ? h('td') : null, h('td', { class: 'wide' }, h('small', {}, 'what the lines do not add up to'))));
  }
  const foot = h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'total'), h('td', { class: 'number' }, bytes(book.total)), h('td', { class: 'number' }, '100 %'), h('td', {}, bar(book.total / scale, 'total', mark)), budgets ? h('td') : null, h('td', {}, report.limit === undefined ? '' : `limit ${bytes(report.limit.bytes)}`)));
  return section('ledger', 'Ledger',
    h('p', {}, `Each byte in one line. The sum is ${kBasis[book.basis] ?? book.basis}, at ${moment(book.time)}${book.moment === 'peak' ? ', its peak' : ''}.`),
    scrollable('Ledger', h('table', { class: 'ledger' }, h('caption', { class: 'hidden' }, 'Ledger: groups and their lines'), h('thead', {}, h('tr', {}, ...['Holder', 'Bytes', 'Share'].map((title, index) => h('th', { scope: 'col', class: index > 0 ? 'number' : '' }, title)), h('th', { scope: 'col' }, mark === undefined ? 'Of the total' : 'Against the limit'), budgets ? h('th', { scope: 'col', class: 'number' }, 'Budget') : null, h('th', { scope: 'col' }, 'Source'))), body, foot)),
    book.notes.length === 0 ? null : h('div', { class: 'notes' }, list(book.notes.map(inert))));
}
