// speedscope itself, the built page in Chromium: speedscope.mjs FILE... ; prints for each file {file, title, rows: [[bytes, name]...]},
// the table of its sandwich view. PACKAGES has playwright-core and speedscope, CHROMIUM is the browser.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { CHROMIUM, PACKAGES } = process.env;
const require = createRequire(`${PACKAGES}/`);
const { chromium } = require('playwright-core');
const page = resolve(dirname(require.resolve('speedscope/package.json')), 'dist/release/index.html');

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--allow-file-access-from-files'] });
const found = [];
try {
  for (const file of process.argv.slice(2)) {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(30_000);
    const trouble = [];
    tab.on('pageerror', (error) => trouble.push(String(error)));
    tab.on('dialog', (dialog) => { trouble.push(dialog.message()); void dialog.dismiss(); });
    tab.on('console', (message) => { if (message.type() === 'error') trouble.push(message.text()); });
    // As its own command opens a file of this machine.
    const script = `${resolve(file)}.js`;
    writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(basename(file))}, ${JSON.stringify(readFileSync(file).toString('base64'))})`);
    await tab.goto(`${pathToFileURL(page)}#localProfilePath=${encodeURIComponent(script)}`);
    await tab.waitForFunction(() => [...document.querySelectorAll('div')].some((one) => one.textContent.endsWith('Sandwich')), undefined, { timeout: 30_000 });
    const title = await tab.title();
    await tab.getByText('Sandwich', { exact: false }).last().click();
    const table = tab.locator('table').filter({ hasText: 'Symbol Name' });
    await table.waitFor();
    // Its rows are a table of their own, made as they scroll into view; the row of the list of profiles has other cells.
    const cells = (list) => list.map((row) => [...row.children].map((cell) => cell.textContent.trim())).filter((row) => row.length === 3 && row[2] !== 'Symbol Name');
    await tab.waitForFunction(() => [...document.querySelectorAll('tr')].some((row) => row.children.length === 3 && row.children[0].textContent.endsWith('%)')));
    const rows = await tab.locator('tr').evaluateAll(cells);
    found.push({ file: basename(file), title, rows, trouble });
    await tab.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
