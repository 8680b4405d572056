// The flame graph of live native memory, with what steers it and the same as a table.
import type { Profile, Report, View } from '../data';
import { announce, bar, h, scrollable, section } from '../dom';
import { onTheme } from '../theme';
import { bytes, change, clock, inert, moment, percent, shorten } from '../text';
import { at, draw, type Drawing, type Kind, kindOf, kRow, palette } from './picture';
import { type Base, build, children, decode, type Grouping, matched, type Question, type Tree } from './tree';

const kLegend: [Kind, string][] = [['java', 'Java'], ['rocksdb', 'RocksDB'], ['native', 'native'], ['vm', 'the VM'], ['plumbing', 'allocators and run-time'], ['unknown', 'not named']];

export class Flame {
  readonly element: HTMLElement;
  private readonly base: Base;
  private readonly names: string[];
  private readonly lower: string[];
  private tree: Tree;
  private drawing: Drawing = { rows: [], drawn: 0 };
  private colours = palette();
  private zoom = 0;
  private selected = 0;
  private matches: Uint8Array | null = null;
  private comparing = false;

  private readonly canvas = h('canvas', { 'aria-hidden': 'true' });
  private readonly stage: HTMLElement;
  private readonly tip = h('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });
  private readonly status = h('p', { class: 'status', id: 'flame-status' });
  private readonly path = h('nav', { class: 'path', 'aria-label': 'Zoomed into' });
  private readonly below = h('div', { class: 'below' });
  private readonly legend = h('ul', { class: 'legend' });
  private readonly search = h('input', { type: 'search', id: 'flame-search', autocomplete: 'off', spellcheck: 'false', placeholder: 'part of a name' });
  private readonly found = h('output', { class: 'count', for: 'flame-search' });
  private readonly show: HTMLSelectElement;
  private readonly grouping: HTMLSelectElement;
  private readonly said = h('p', { class: 'explain' });
  private readonly reset: HTMLButtonElement;

  constructor(report: Report, private readonly profile: Profile) {
    this.base = decode(profile);
    this.names = profile.strings.map(inert);
    this.lower = profile.strings.map((name, index) => `${name}\n${this.names[index] ?? ''}`.toLowerCase());
    this.show = h('select', { id: 'flame-show', change: () => this.rebuild() }, ...this.choices());
    this.grouping = h('select', { id: 'flame-grouping', change: () => this.rebuild() },
      h('option', { value: 'none' }, 'none'),
      profile.views.some((view) => view.rows.group !== undefined) ? h('option', { value: 'operator' }, 'operator (thread group)') : null,
      h('option', { value: 'library' }, 'library'));
    this.reset = h('button', { type: 'button', click: () => this.zoomTo(0) }, 'Zoom out');
    this.stage = h('div', {
      class: 'stage', tabindex: 0, role: 'application', 'aria-roledescription': 'flame graph', 'aria-label': 'Flame graph of native memory', 'aria-describedby': 'flame-keys flame-status',
      keydown: (event: KeyboardEvent) => this.key(event),
    }, this.canvas);
    this.canvas.addEventListener('mousemove', (event) => this.hover(event));
    this.canvas.addEventListener('mouseleave', () => { this.tip.hidden = true; });
    this.canvas.addEventListener('click', (event) => { const node = at(this.drawing, event.offsetX, event.offsetY); if (node >= 0) { this.stage.focus({ preventScroll: true }); this.zoomTo(node); } });
    this.search.addEventListener('input', () => this.find());
    document.addEventListener('keydown', (event) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); this.search.focus(); }
    });
    this.tree = this.question();

    const left = [profile.cut_short === undefined ? '' : `${profile.cut_short} small stacks are cut short to keep the page small.`, profile.smaller === undefined ? '' : `${profile.smaller} smaller stacks are one frame.`].filter((text) => text !== '').join(' ');
    this.element = section('flame', 'Flame graph',
      h('p', {}, report.heap_profile === undefined ? 'Native memory by stack, through Java and native frames: the thread’s start above, the allocation below. Estimates from samples.' : 'Native memory by stack, by another tool’s profile.', left === '' ? '' : ` ${left}`),
      h('div', { class: 'controls' },
        h('label', { for: 'flame-show' }, 'Show ', this.show), h('label', { for: 'flame-grouping' }, 'Group by ', this.grouping), h('label', { for: 'flame-search' }, 'Search ', this.search), this.found, this.reset),
      this.said, this.path,
      h('div', { class: 'flamebox' }, this.stage, this.tip),
      this.status, this.legend,
      h('details', { class: 'keys' }, h('summary', {}, 'Keys'), h('p', { id: 'flame-keys' }, 'In the flame graph: arrow keys go to callers, callees and neighbours, Enter zooms in, Escape or Backspace zooms out, Home shows all. / goes to the search.')),
      this.below);
    onTheme(() => { this.colours = palette(); this.paint(); });
    new ResizeObserver(() => this.paint()).observe(this.stage);
    this.rebuild();
  }

  /** Searches for a name, as if it were typed. */
  findName(name: string): void {
    this.search.value = name;
    this.find();
    this.element.scrollIntoView();
    this.search.focus({ preventScroll: true });
  }

  private choices(): HTMLOptionElement[] {
    const options: HTMLOptionElement[] = [];
    const add = (value: string, text: string): void => { options.push(h('option', { value }, text)); };
    const { views } = this.profile;
    const end = views.find((view) => view.id === 'end');
    if (end !== undefined) {
      add('view:0', `live at the end, ${clock(end.time)}`);
      views.forEach((view, index) => { if (view.id === 'past') add(`view:${index}`, `live at ${clock(view.time)}`); });
      views.forEach((view, index) => { if (view.id === 'past') add(`change:${index}`, `change from ${clock(view.time)} to the end`); });
      if (end.rows.age !== undefined) {
        add('ages:halves', 'live at the end: newer half against older half');
        add('ages:0-3', 'live at the end, allocated in the older half');
        add('ages:4-7', 'live at the end, allocated in the newer half');
        add('ages:7-7', 'live at the end, allocated in the last eighth');
      }
    }
    views.forEach((view, index) => { if (view.kind === 'allocated') add(`view:${index}`, 'allocated since the start, freed or not'); });
    return options;
  }

  private question(): Tree {
    const { views } = this.profile;
    const end = views[0] as View;
    const [kind = '', rest = ''] = this.show.value.split(':');
    const asked: Question = { grouping: this.grouping.value as Grouping, after: end, before: null, ages: null, older: null };
    this.comparing = false;
    if (kind === 'view') asked.after = views[Number(rest)] ?? end;
    if (kind === 'change') { asked.before = views[Number(rest)] ?? null; this.comparing = true; }
    if (kind === 'ages' && rest === 'halves') { asked.ages = [4, 7]; asked.older = [0, 3]; this.comparing = true; }
    else if (kind === 'ages') asked.ages = rest.split('-').map(Number) as [number, number];
    return build(this.profile, this.base, asked);
  }

  private rebuild(): void {
    this.tree = this.question();
    this.zoom = this.selected = 0;
    const { before, after } = this.tree;
    const total = this.comparing ? `${bytes(before[0]!)} before, ${bytes(after[0]!)} after: ${change(after[0]! - before[0]!)}.` : `${bytes(after[0]!)} in ${this.tree.size - 1} frames.`;
    const halves = this.show.value === 'ages:halves' ? ' Of what is live at the end: “before” was allocated in the older half of the recorded time, “after” in the newer. A leak keeps as much of both; a cache that is full keeps little that is new.' : '';
    this.said.textContent = `${total}${this.comparing ? ' A frame is as wide as the larger of both; red grew, blue shrank, and the table below has the figures.' : ''}${halves}`;
    this.legend.replaceChildren(...(this.comparing ? [['grew', 'grew'], ['shrank', 'shrank'], ['same', 'about the same']] : kLegend).map(([kind, text]) => h('li', {}, h('span', { class: `swatch frame-${kind}`, 'aria-hidden': 'true' }), text ?? '')));
    this.find(false);
    this.zoomTo(0, false);
  }

  private name(frame: number): string {
    if (frame === -1) return 'all';
    if (frame < -1) return inert(this.tree.keys[-2 - frame] ?? '');
    return this.names[this.profile.frames[frame]?.[0] ?? 0] ?? '';
  }

  private describe(node: number): string {
    const { tree } = this;
    const amount = this.comparing ? `${bytes(tree.before[node]!)} before, ${bytes(tree.after[node]!)} after, ${change(tree.after[node]! - tree.before[node]!)}` : `${bytes(tree.after[node]!)}, ${percent(tree.after[node]!, tree.after[0]!)} of all`;
    const frame = tree.frame[node]!;
    const module = frame >= 0 ? this.profile.modules[this.profile.frames[frame]?.[1] ?? 0] ?? '' : '';
    const kind = frame >= 0 && (this.profile.frames[frame]?.[2] ?? 0) & 1 ? 'Java' : inert(module);
    return `${this.name(frame)}: ${amount}${kind === '' ? '' : `, ${kind}`}`;
  }

  private zoomTo(node: number, say = true): void {
    this.zoom = this.selected = node;
    this.reset.disabled = node === 0;
    this.paint();
    this.select(node, say);
    const above: number[] = [];
    for (let one = node; one >= 0; one = this.tree.parent[one]!) above.unshift(one);
    const shown = above.length > 7 ? [...above.slice(0, 1), -1, ...above.slice(-5)] : above;
    this.path.replaceChildren(...(node === 0 ? [] : shown.map((one) => one === -1 ? h('span', {}, '…') : h('button', { type: 'button', 'aria-current': one === node ? 'true' : undefined, click: () => this.zoomTo(one) }, shorten(this.name(this.tree.frame[one]!), 44)))));
    this.table();
    this.find(false);
  }

  private select(node: number, say = true): void {
    this.selected = node;
    this.status.textContent = this.describe(node);
    if (say) announce(this.describe(node));
  }

  private paint(): void {
    const width = this.stage.clientWidth;
    if (width === 0) return;
    this.drawing = draw(this.canvas, width, { tree: this.tree, profile: this.profile, zoom: this.zoom, selected: this.selected, comparing: this.comparing, matches: this.matches, name: (frame) => this.name(frame) }, this.colours);
    this.element.dataset['drawn'] = String(this.drawing.drawn);
  }

  private find(paint = true): void {
    const wanted = this.search.value.trim().toLowerCase();
    if (wanted === '') {
      this.matches = null;
      this.found.textContent = '';
    } else {
      this.matches = new Uint8Array(this.profile.frames.length);
      const strings = this.lower.map((name) => name.includes(wanted));
      this.profile.frames.forEach(([name], index) => { if (strings[name] && this.matches !== null) this.matches[index] = 1; });
      const { matches } = this;
      const { bytes: amount, frames } = matched(this.tree, (frame) => frame >= 0 && matches[frame] === 1, this.zoom);
      this.found.textContent = frames === 0 ? 'nothing found' : `${frames} found: ${bytes(amount)}, ${percent(amount, this.tree.after[this.zoom]!)}`;
    }
    if (paint) this.paint();
  }

  private hover(event: MouseEvent): void {
    const node = at(this.drawing, event.offsetX, event.offsetY);
    this.tip.hidden = node < 0;
    if (node < 0) return;
    this.tip.textContent = this.describe(node);
    const room = this.stage.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(room, event.offsetX + 12))}px`;
    this.tip.style.top = `${event.offsetY + kRow - this.stage.scrollTop + 6}px`;
  }

  private key(event: KeyboardEvent): void {
    const { tree } = this;
    const at = this.selected;
    const siblings = at === this.zoom ? [at] : this.shownChildren(tree.parent[at]!);
    const place = siblings.indexOf(at);
    let to: number | undefined;
    switch (event.key) {
      case 'ArrowDown': to = this.shownChildren(at)[0]; break;
      case 'ArrowUp': to = at === this.zoom ? undefined : tree.parent[at]!; break;
      case 'ArrowLeft': to = siblings[place - 1]; break;
      case 'ArrowRight': to = siblings[place + 1]; break;
      case 'Enter': case ' ': this.zoomTo(at); event.preventDefault(); return;
      case 'Escape': case 'Backspace': this.zoomTo(Math.max(0, tree.parent[this.zoom]!)); event.preventDefault(); return;
      case 'Home': this.zoomTo(0); event.preventDefault(); return;
      default: return;
    }
    event.preventDefault();
    if (to === undefined) return;
    this.select(to);
    this.paint();
    const y = tree.depth[to]! * kRow;
    if (y < this.stage.scrollTop) this.stage.scrollTop = y;
    if (y + kRow > this.stage.scrollTop + this.stage.clientHeight) this.stage.scrollTop = y + kRow - this.stage.clientHeight;
  }

  /** From left to right, as drawn. */
  private shownChildren(node: number): number[] {
    const row = this.drawing.rows[this.tree.depth[node]! + 1] ?? [];
    return row.filter((box) => this.tree.parent[box.node] === node).map((box) => box.node);
  }

  /** What is below the zoomed frame, for those who cannot use the picture and for exact figures. */
  private table(): void {
    const { tree, zoom } = this;
    const list = children(tree, zoom);
    if (this.comparing) list.sort((a, b) => Math.abs(tree.after[b]! - tree.before[b]!) - Math.abs(tree.after[a]! - tree.before[a]!));
    const shown = list.slice(0, 12);
    const heads = this.comparing ? ['Called from it', 'Before', 'After', 'Change'] : ['Called from it', 'Bytes', 'Share', ''];
    const top = Math.max(1, tree.width[zoom]!);
    const rows = shown.map((node) => h('tr', {}, h('td', { class: 'wide' }, h('button', { type: 'button', class: 'link', click: () => { this.zoomTo(node); this.stage.focus({ preventScroll: true }); } }, this.name(tree.frame[node]!) || '(no name)'), ' ', h('small', {}, this.kindName(node))),
      ...(this.comparing
        ? [h('td', { class: 'number' }, bytes(tree.before[node]!)), h('td', { class: 'number' }, bytes(tree.after[node]!)), h('td', { class: 'number' }, h('span', { class: tree.after[node]! > tree.before[node]! ? 'grew' : 'shrank' }, change(tree.after[node]! - tree.before[node]!)))]
        : [h('td', { class: 'number' }, bytes(tree.after[node]!)), h('td', { class: 'number' }, percent(tree.after[node]!, tree.after[0]!)), h('td', {}, bar(tree.after[node]! / top))])));
    const title = `Called from ${zoom === 0 ? 'the threads’ starts' : shorten(this.name(tree.frame[zoom]!), 80)}`;
    this.below.replaceChildren(h('h3', {}, title),
      list.length === 0 ? h('p', {}, 'Nothing: the allocation is here.') : scrollable('Callees of the zoomed frame', h('table', {}, h('caption', { class: 'hidden' }, title), h('thead', {}, h('tr', {}, ...heads.map((head, index) => (head === '' ? h('td') : h('th', { scope: 'col', class: index > 0 ? 'number' : '' }, head))))), h('tbody', {}, ...rows))),
      list.length > shown.length ? h('p', { class: 'count' }, `and ${list.length - shown.length} more, smaller ones`) : '');
  }

  private kindName(node: number): string {
    const frame = this.tree.frame[node]!;
    if (frame < 0) return '';
    const module = inert(this.profile.modules[this.profile.frames[frame]?.[1] ?? 0] ?? '');
    return kindOf(this.profile, frame) === 'java' ? 'Java' : module;
  }
}

export function flame(report: Report, profile: Profile | null): { element: HTMLElement; flame: Flame | null } {
  if (profile === null || profile.tree.up.length === 0) return { element: section('flame', 'Flame graph', h('p', {}, 'No allocation was sampled, so there are no stacks.')), flame: null };
  const made = new Flame(report, profile);
  const past = profile.views.find((view) => view.id === 'past');
  if (past === undefined) made.element.querySelector('.explain')?.insertAdjacentElement('afterend', h('p', { class: 'count' }, 'What was live at an earlier moment is not known of this recording; ages of live objects stand in for it.'));
  else made.element.dataset['past'] = moment(past.time);
  return { element: made.element, flame: made };
}
