// The stacks of a view as one tree of frames, in depth-first order: a subtree is the nodes from i to end[i].
import type { Profile, Rows, View } from '../data';

export interface Base { parent: Int32Array; frame: Int32Array; }

/** The tree as the page carries it: per node its frame, and how far up from the node before it its parent is. */
export function decode(profile: Profile): Base {
  const { up, frame } = profile.tree;
  const parent = new Int32Array(up.length + 1);
  const frames = new Int32Array(up.length + 1);
  frames[0] = -1;
  parent[0] = -1;
  for (let i = 0; i < up.length; i += 1) {
    let at = i;   // the node before: parent of this one where up is 0
    for (let steps = up[i] ?? 0; steps > 0 && at > 0; steps -= 1) at = parent[at] ?? 0;
    parent[i + 1] = at;
    frames[i + 1] = frame[i] ?? 0;
  }
  return { parent, frame: frames };
}

export type Grouping = 'none' | 'operator' | 'library';
export interface Question {
  grouping: Grouping;
  after: View;
  before: View | null;
  /** Of `after`, what was allocated in these eighths of the time only; with `older`, compared with what was allocated in those. */
  ages: [number, number] | null;
  older: [number, number] | null;
}

export interface Tree {
  /** Nodes; 0 is the root. */
  size: number;
  parent: Int32Array;
  end: Int32Array;
  depth: Int32Array;
  /** Index of Profile.frames; -1 the root; -2 - k the k-th key of `keys`. */
  frame: Int32Array;
  keys: string[];
  before: Float64Array;
  after: Float64Array;
  /** What a node is as wide as: the larger of both, so that nothing that was or is there is missing. */
  width: Float64Array;
  deepest: number;
}

function amountOf(rows: Rows, row: number, ages: [number, number] | null): number {
  if (ages === null || rows.age === undefined) return rows.bytes[row] ?? 0;
  let sum = 0;
  for (let part = ages[0]; part <= ages[1]; part += 1) sum += rows.age[part]?.[row] ?? 0;
  return sum;
}

export function build(profile: Profile, base: Base, question: Question): Tree {
  // Per key the rows, as node, bytes before, bytes after.
  const keyed = new Map<number, { name: string; total: number; nodes: number[]; before: number[]; after: number[] }>();
  const names = (rows: Rows, row: number): [number, string] => {
    if (question.grouping === 'library') {
      const index = rows.library[row] ?? 0;
      return [index, profile.libraries[index] ?? ''];
    }
    if (question.grouping === 'operator') {
      const index = rows.group?.[row] ?? 0;
      return [index, profile.groups[index]?.name || '(thread not known)'];
    }
    return [0, ''];
  };
  const add = (rows: Rows, ages: [number, number] | null, late: boolean): void => {
    for (let row = 0; row < rows.node.length; row += 1) {
      const amount = amountOf(rows, row, ages);
      if (amount <= 0) continue;
      const [key, name] = names(rows, row);
      let entry = keyed.get(key);
      if (entry === undefined) keyed.set(key, (entry = { name, total: 0, nodes: [], before: [], after: [] }));
      entry.total += amount;
      entry.nodes.push(rows.node[row] ?? 0);
      entry.before.push(late ? 0 : amount);
      entry.after.push(late ? amount : 0);
    }
  };
  add(question.after.rows, question.ages, true);
  if (question.older !== null) add(question.after.rows, question.older, false);
  else if (question.before !== null) add(question.before.rows, null, false);

  const entries = [...keyed.values()].sort((a, b) => b.total - a.total);
  const grouped = question.grouping !== 'none';
  const parent = [-1], frame = [-1];
  const before = [0], after = [0];
  const place = new Int32Array(base.parent.length).fill(-1);
  const stamp = new Int32Array(base.parent.length);
  entries.forEach((entry, index) => {
    let root = 0;
    if (grouped) {
      root = parent.length;
      parent.push(0); frame.push(-2 - index); before.push(0); after.push(0);
    }
    // The nodes that this key's stacks go through. In their old order they are in depth-first order again.
    const touched: number[] = [];
    for (let node of entry.nodes) {
      while (node > 0 && stamp[node] !== index + 1) {
        stamp[node] = index + 1;
        touched.push(node);
        node = base.parent[node] ?? 0;
      }
    }
    touched.sort((a, b) => a - b);
    place[0] = root;
    for (const node of touched) {
      place[node] = parent.length;
      parent.push(place[base.parent[node] ?? 0] ?? 0);
      frame.push(base.frame[node] ?? 0); before.push(0); after.push(0);
    }
    entry.nodes.forEach((node, row) => {
      const at = place[node] ?? 0;
      before[at] = (before[at] ?? 0) + (entry.before[row] ?? 0);
      after[at] = (after[at] ?? 0) + (entry.after[row] ?? 0);
    });
  });

  const size = parent.length;
  const tree: Tree = {
    size, parent: Int32Array.from(parent), frame: Int32Array.from(frame), end: new Int32Array(size), depth: new Int32Array(size), keys: entries.map((entry) => entry.name),
    before: Float64Array.from(before), after: Float64Array.from(after), width: new Float64Array(size), deepest: 0,
  };
  // Leaves first: a parent's index is smaller than its children's.
  for (let node = size - 1; node >= 0; node -= 1) {
    const own = Math.max(before[node] ?? 0, after[node] ?? 0);
    tree.width[node]! += own;
    if (tree.end[node] === 0) tree.end[node] = node + 1;
    const above = tree.parent[node]!;
    if (above < 0) continue;
    tree.before[above]! += tree.before[node]!;
    tree.after[above]! += tree.after[node]!;
    tree.width[above]! += tree.width[node]!;
    if (tree.end[above]! < tree.end[node]!) tree.end[above] = tree.end[node]!;
  }
  for (let node = 1; node < size; node += 1) {
    tree.depth[node] = tree.depth[tree.parent[node]!]! + 1;
    tree.deepest = Math.max(tree.deepest, tree.depth[node]!);
  }
  return tree;
}

export function children(tree: Tree, node: number): number[] {
  const found: number[] = [];
  for (let child = node + 1; child < tree.end[node]!; child = tree.end[child]!) found.push(child);
  return found.sort((a, b) => tree.width[b]! - tree.width[a]!);
}

/** Bytes in frames that match, each byte once however often it matches on its way up. */
export function matched(tree: Tree, matches: (frame: number) => boolean, from = 0): { bytes: number; frames: number } {
  let bytes = 0, frames = 0;
  for (let node = from; node < tree.end[from]!;) {
    if (node !== 0 && matches(tree.frame[node]!)) {
      bytes += tree.after[node]!;
      frames += 1;
      node = tree.end[node]!;
    } else {
      node += 1;
    }
  }
  return { bytes, frames };
}
