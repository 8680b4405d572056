// Reads the data and puts the sections on the page: the verdict at once, pictures when it is painted.
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { readData } from './data';
import { h } from './dom';
import { evidence } from './evidence';
import { flame } from './flame/flame';
import { ledger } from './ledger';
import { proposal } from './proposal';
import { rocksdb } from './rocksdb';
import { mappings, sites, threads } from './sites';
import { findings, growth, summary } from './summary';
import { inert } from './text';
import { themeButton } from './theme';
import { timeline } from './timeline';

const main = document.getElementById('content');
const top = document.getElementById('top');

function contents(): HTMLElement {
  const links = [...document.querySelectorAll('main > section')].map((one) => h('li', {}, h('a', { href: `#${one.id}` }, one.querySelector('h2')?.textContent ?? '')));
  return h('nav', { class: 'contents', 'aria-label': 'Parts of the report' }, h('ul', {}, ...links));
}

function start(): void {
  if (main === null || top === null) return;
  const data = readData();
  const { report, series, profile } = data;
  const name = report.source.split('/').pop() ?? report.source;
  document.title = `${inert(name)} - wrackline report`;
  main.replaceChildren();
  top.append(h('h1', {}, 'wrackline ', h('small', {}, inert(name))), h('div', { class: 'headtools' }, themeButton()));
  document.body.append(h('p', { id: 'live', class: 'hidden', role: 'status', 'aria-live': 'polite' }));
  // Order on the page: what happened, what to do, then why.
  main.append(summary(report));
  const parts: (() => HTMLElement | null)[] = [
    () => findings(report),
    () => proposal(report),
    () => timeline(report, series),
    () => growth(report),
    () => ledger(report),
    () => rocksdb(report, series),
  ];
  for (const part of parts) {
    const element = part();
    if (element !== null) main.append(element);
  }
  // The heaviest part comes when the rest is on the screen.
  requestAnimationFrame(() => setTimeout(() => {
    const picture = flame(report, profile);
    main.append(picture.element);
    const live = profile?.views.find((view) => view.id === 'end')?.rows.bytes.reduce((sum, one) => sum + one, 0);
    for (const element of [sites(report, live, picture.flame === null ? null : (wanted) => picture.flame?.findName(wanted)), threads(report), mappings(report), evidence(report)]) if (element !== null) main.append(element);
    top.append(contents());
    if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    document.documentElement.dataset['ready'] = 'yes';
    performance.mark('wrackline-ready');
  }, 0));
}

try {
  start();
} catch (error) {
  main?.replaceChildren(h('h1', {}, 'This page cannot be shown'), h('p', {}, `Its data could not be read (${String(error)}). Write it again with wrackline report --format html.`));
  throw error;
}
