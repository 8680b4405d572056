// A table that sorts by its headings and filters by a text.
import { announce, h, scrollable } from './dom';

export interface Column<Row> {
  title: string;
  /** What is shown. */
  cell: (row: Row) => Node | string;
  /** What it sorts by; without one it does not. */
  order?: (row: Row) => number | string;
  number?: boolean;
  /** Wide texts that may break. */
  wide?: boolean;
}

export interface TableOptions<Row> {
  caption: string;
  sorted?: number;
  /** Rows at first; a button shows the rest. */
  most?: number;
  /** What the filter looks into, in lower case. */
  text?: (row: Row) => string;
  /** Below the row, when it is opened. */
  detail?: (row: Row) => Node;
  detailLabel?: string;
  noun?: string;
  extra?: { label: string; choices: string[]; of: (row: Row) => string };
}

export function table<Row>(columns: Column<Row>[], rows: Row[], options: TableOptions<Row>): HTMLElement {
  const noun = options.noun ?? 'rows';
  let sorted = options.sorted ?? -1;
  let descending = true;
  let wanted = '';
  let choice = '';
  let all = false;
  const most = options.most ?? 25;

  const body = h('tbody');
  const said = h('p', { class: 'count' });
  const more = h('button', { type: 'button', class: 'more', click: () => { all = true; fill(); } });
  const heads = columns.map((column, index) => {
    const button = column.order === undefined ? null : h('button', { type: 'button', click: () => sortBy(index) }, column.title, h('span', { class: 'arrow', 'aria-hidden': 'true' }));
    return h('th', { scope: 'col', class: column.number ? 'number' : '' }, button ?? column.title);
  });
  if (options.detail !== undefined) heads.push(h('th', { scope: 'col' }, h('span', { class: 'hidden' }, options.detailLabel ?? 'Details')));

  function sortBy(index: number): void {
    descending = sorted === index ? !descending : columns[index]?.number === true;
    sorted = index;
    fill();
    announce(`Sorted by ${columns[index]?.title ?? ''}, ${descending ? 'largest first' : 'smallest first'}`);
  }

  function chosen(): Row[] {
    let shown = rows;
    if (wanted !== '' && options.text !== undefined) {
      const text = options.text;
      shown = shown.filter((row) => text(row).includes(wanted));
    }
    if (choice !== '' && options.extra !== undefined) {
      const of = options.extra.of;
      shown = shown.filter((row) => of(row) === choice);
    }
    const order = columns[sorted]?.order;
    if (order === undefined) return shown;
    const sign = descending ? -1 : 1;
    return [...shown].sort((a, b) => {
      const left = order(a), right = order(b);
      return (left < right ? -1 : left > right ? 1 : 0) * sign;
    });
  }

  function fill(): void {
    const found = chosen();
    const shown = all ? found : found.slice(0, most);
    body.replaceChildren(...shown.flatMap(rowOf));
    heads.forEach((head, index) => {
      if (index === sorted) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    said.textContent = shown.length < found.length ? `${shown.length} of ${found.length} ${noun}` : `${found.length} ${noun}${found.length < rows.length ? ` of ${rows.length}` : ''}`;
    more.hidden = shown.length === found.length;
    more.textContent = `Show all ${found.length}`;
  }

  function rowOf(row: Row): HTMLElement[] {
    const line = h('tr', {}, ...columns.map((column) => h('td', { class: `${column.number ? 'number' : ''}${column.wide ? ' wide' : ''}` }, column.cell(row))));
    if (options.detail === undefined) return [line];
    const detail = options.detail;
    const below = h('tr', { class: 'detail', hidden: true });
    const button = h('button', { type: 'button', 'aria-expanded': 'false', click: () => {
      if (below.childElementCount === 0) below.append(h('td', { colspan: columns.length + 1 }, detail(row)));
      below.hidden = !below.hidden;
      button.setAttribute('aria-expanded', String(!below.hidden));
    } }, options.detailLabel ?? 'Details');
    line.append(h('td', {}, button));
    return [line, below];
  }

  const controls: HTMLElement[] = [];
  if (options.text !== undefined) {
    const field = h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false', input: () => { wanted = field.value.trim().toLowerCase(); fill(); } });
    controls.push(h('label', {}, 'Filter ', field));
  }
  if (options.extra !== undefined) {
    const select = h('select', { change: () => { choice = select.value; fill(); } }, h('option', { value: '' }, 'all'), ...options.extra.choices.map((one) => h('option', { value: one }, one)));
    controls.push(h('label', {}, `${options.extra.label} `, select));
  }
  said.setAttribute('role', 'status');
  fill();
  return h('div', { class: 'tablebox' },
    h('div', { class: 'controls' }, ...controls, said),
    scrollable(options.caption, h('table', {}, h('caption', { class: 'hidden' }, options.caption), h('thead', {}, h('tr', {}, ...heads)), body)),
    more);
}
