// Dark, light, or as the system has it; and the colours that a canvas needs as values.
import { announce, h } from './dom';

const kChoices = ['auto', 'light', 'dark'] as const;
type Choice = (typeof kChoices)[number];
const listeners: (() => void)[] = [];
let choice: Choice = 'auto';
let printing = false;

function apply(): void {
  const shown = printing ? 'light' : choice;
  if (shown === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = shown;
  for (const listener of listeners) listener();
}

/** Called when every colour may be another one. */
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function themeButton(): HTMLElement {
  const button = h('button', { type: 'button', class: 'theme', click: () => {
    choice = kChoices[(kChoices.indexOf(choice) + 1) % kChoices.length] ?? 'auto';
    try { localStorage.setItem('wrackline-theme', choice); } catch { /* a page from a file may have no store */ }
    label();
    apply();
    announce(`Colours: ${choice}`);
  } });
  const label = (): void => { button.textContent = `Colours: ${choice}`; };
  try {
    const stored = localStorage.getItem('wrackline-theme');
    choice = kChoices.find((one) => one === stored) ?? 'auto';
  } catch { /* as above */ }
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  window.addEventListener('beforeprint', () => { printing = true; apply(); });
  window.addEventListener('afterprint', () => { printing = false; apply(); });
  label();
  apply();
  return button;
}
