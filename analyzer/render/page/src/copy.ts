// Buttons that put a text on the clipboard.
import { announce, h } from './dom';

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Older browsers, and pages that are not trusted with it.
    const area = h('textarea', { class: 'hidden', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    return copied;
  }
}

export function copyButton(label: string, text: string, what: string): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'copy', 'aria-label': `${label}: ${what}`, click: () => {
    void toClipboard(text).then((copied) => {
      button.textContent = copied ? 'Copied' : 'Could not copy';
      announce(copied ? `Copied ${what}` : `Could not copy ${what}`);
      window.setTimeout(() => { button.textContent = label; }, 1500);
    });
  } }, label);
  return button;
}
