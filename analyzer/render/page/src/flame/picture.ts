// The tree on a canvas: the root above, callees below. Draws only what is wide enough to be seen.
import type { Profile } from '../data';
import { colour } from '../theme';
import type { Tree } from './tree';

export const kRow = 19;
const kLeast = 0.6;   // of a pixel

export type Palette = Record<'java' | 'rocksdb' | 'native' | 'vm' | 'plumbing' | 'unknown' | 'group' | 'match' | 'ink' | 'paper' | 'grew' | 'shrank' | 'same' | 'text', string>;

export function palette(): Palette {
  const names = ['java', 'rocksdb', 'native', 'vm', 'plumbing', 'unknown', 'group', 'match', 'ink', 'grew', 'shrank', 'same'] as const;
  const found = Object.fromEntries(names.map((name) => [name, colour(`frame-${name}`)]));
  return { ...found, paper: colour('paper'), text: colour('text') } as Palette;
}

export type Kind = 'java' | 'rocksdb' | 'native' | 'vm' | 'plumbing' | 'unknown' | 'group';

export function kindOf(profile: Profile, frame: number): Kind {
  if (frame < 0) return 'group';
  const [, module, flags] = profile.frames[frame]!;
  if (flags & 16) return 'unknown';
  if (flags & 4) return 'plumbing';
  if (flags & 1) return 'java';
  if (flags & 2) return 'rocksdb';
  if (profile.modules[module]?.startsWith('libjvm')) return 'vm';
  return flags & 8 ? 'native' : 'unknown';
}

/** From `same` to `grew` or `shrank`, by how much of the node's own size it changed. */
function mixed(from: string, to: string, part: number): string {
  const channel = (text: string, at: number): number => parseInt(text.slice(1 + 2 * at, 3 + 2 * at), 16);
  const mix = [0, 1, 2].map((at) => Math.round(channel(from, at) + (channel(to, at) - channel(from, at)) * part));
  return `rgb(${mix.join(' ')})`;
}

export interface Shown { node: number; x: number; width: number }
export interface Drawing {
  /** Per row, from left to right. */
  rows: Shown[][];
  drawn: number;
}

export interface Look {
  tree: Tree;
  profile: Profile;
  zoom: number;
  selected: number;
  comparing: boolean;
  matches: Uint8Array | null;
  name: (frame: number) => string;
}

export function draw(canvas: HTMLCanvasElement, width: number, look: Look, colours: Palette): Drawing {
  const { tree, profile, zoom } = look;
  const rows: Shown[][] = [];
  let drawn = 0;
  const put = (node: number, x: number, boxWidth: number): void => {
    (rows[tree.depth[node]!] ??= []).push({ node, x, width: boxWidth });
    drawn += 1;
  };
  for (let above = tree.parent[zoom]!; above >= 0; above = tree.parent[above]!) put(above, 0, width);
  const scale = tree.width[zoom]! > 0 ? width / tree.width[zoom]! : 0;
  // Where the next child of each node begins.
  const next = new Float64Array(tree.deepest + 2);
  const end = tree.end[zoom]!;
  next[tree.depth[zoom]!] = 0;
  for (let node = zoom; node < end;) {
    const depth = tree.depth[node]!;
    const x = next[depth]!;
    const boxWidth = tree.width[node]! * scale;
    next[depth] = x + boxWidth;
    if (boxWidth < kLeast) { node = tree.end[node]!; continue; }
    next[depth + 1] = x;
    put(node, x, boxWidth);
    node += 1;
  }

  const height = Math.max(3, rows.length) * kRow;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return { rows, drawn };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  context.clearRect(0, 0, width, height);
  const top = tree.width[0]! || 1;
  const letter = 6;
  rows.forEach((boxes, depth) => {
    const y = depth * kRow;
    for (const { node, x, width: boxWidth } of boxes) {
      const frame = tree.frame[node]!;
      let fill: string;
      if (look.comparing) {
        const change = tree.after[node]! - tree.before[node]!;
        // Half of the colour for the node's own change, half for its weight in the whole: a doubled byte is not an alarm.
        const own = Math.abs(change) / Math.max(1, tree.width[node]!);
        const weight = Math.min(1, (12 * Math.abs(change)) / top);
        fill = mixed(colours.same, change >= 0 ? colours.grew : colours.shrank, Math.min(1, own) * (0.25 + 0.75 * weight));
      } else {
        fill = colours[kindOf(profile, frame)];
      }
      const found = look.matches !== null && frame >= 0 && look.matches[frame] === 1;
      if (found) fill = colours.match;
      context.globalAlpha = node !== zoom && node < zoom && boxWidth === width && depth < tree.depth[zoom]! ? 0.55 : look.matches !== null && !found ? 0.6 : 1;
      context.fillStyle = fill;
      context.fillRect(x, y, Math.max(0.6, boxWidth - (boxWidth > 3 ? 1 : 0)), kRow - 1);
      context.globalAlpha = 1;
      if (boxWidth > 26) {
        let text = look.name(frame);
        const room = Math.floor((boxWidth - 8) / letter);
        if (text.length > room) text = room < 3 ? '' : `${text.slice(0, room - 1)}…`;
        if (text !== '') {
          context.save();
          context.beginPath();
          context.rect(x, y, boxWidth - 3, kRow);
          context.clip();
          context.fillStyle = colours.ink;
          context.fillText(text, x + 4, y + kRow / 2);
          context.restore();
        }
      }
      if (node === look.selected) {
        context.strokeStyle = colours.text;
        context.lineWidth = 2;
        context.strokeRect(x + 1, y + 1, Math.max(1, boxWidth - 3), kRow - 3);
      }
    }
  });
  return { rows, drawn };
}

export function at(drawing: Drawing, x: number, y: number): number {
  const row = drawing.rows[Math.floor(y / kRow)];
  if (row === undefined) return -1;
  let low = 0, high = row.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row[middle]!.x + row[middle]!.width <= x) low = middle + 1;
    else high = middle;
  }
  const found = row[low];
  return found !== undefined && found.x <= x ? found.node : -1;
}
