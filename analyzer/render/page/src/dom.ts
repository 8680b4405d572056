// Elements are made here and nowhere from markup: a text is always a text node, whatever is in it.

type Child = Node | string | null | undefined;
type Properties = Record<string, string | number | boolean | undefined | ((event: never) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key, value as unknown as EventListener);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

export function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

let sections = 0;

/** A part of the page with a heading, for the list of contents. */
export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  sections += 1;
  return h('section', { id, 'aria-labelledby': `heading-${id}`, 'data-order': sections }, h('h2', { id: `heading-${id}` }, title), ...children);
}

/** What may be wider than the screen scrolls by itself, with the keyboard too. */
export function scrollable(label: string, ...children: Child[]): HTMLElement {
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${label}, a table` }, ...children);
}

/** A share of a whole; decoration beside the figure it draws. */
export function bar(share: number, kind = '', mark?: number): HTMLElement {
  const fill = h('span', { class: `fill ${kind}` });
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  const box = h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  if (mark !== undefined && mark >= 0 && mark <= 1) {
    const line = h('span', { class: 'mark' });
    line.style.left = `${mark * 100}%`;
    box.append(line);
  }
  return box;
}

export function list(texts: string[]): HTMLElement | null {
  return texts.length === 0 ? null : h('ul', {}, ...texts.map((text) => h('li', {}, text)));
}

/** Says to a screen reader what just happened. */
export function announce(text: string): void {
  const live = document.getElementById('live');
  if (live !== null) live.textContent = text;
}
