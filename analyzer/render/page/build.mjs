// The last step of the build: dist/index.html, in which vite has put script and style, becomes dist/page.html, the template.
// The Content-Security-Policy allows this script and this style by their hashes and nothing else: no request, no other code.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
let html = readFileSync('dist/index.html', 'utf8').replaceAll(' crossorigin', '').replaceAll('\r\n', '\n');

const only = (pattern, what) => {
  const found = [...html.matchAll(pattern)];
  if (found.length !== 1) throw new Error(`the page has ${found.length} ${what}, not one`);
  return found[0][1];
};
const script = only(/<script type="module">([\s\S]*?)<\/script>/g, 'scripts');
const style = only(/<style[^>]*>([\s\S]*?)<\/style>/g, 'styles');
if (/\b(?:src|href)="(?!#)/.test(html.replace(script, '').replace(style, ''))) throw new Error('the page refers to another file');
if (html.split('@WRACKLINE_DATA@').length !== 2) throw new Error('the page has not one place for its data');

const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
const licence = readFileSync('node_modules/uplot/LICENSE', 'utf8').trim().replaceAll('--', '- -');
html = html
  .replace('<meta http-equiv="Content-Security-Policy">', () => `<meta http-equiv="Content-Security-Policy" content="${policy}">`)
  .replace('</body>', () => `<!-- The charts are drawn by uPlot:\n${licence}\n-->\n</body>`);
if (!html.includes('script-src')) throw new Error('the page has no Content-Security-Policy');
writeFileSync('dist/page.html', html);
