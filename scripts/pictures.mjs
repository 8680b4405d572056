// Screenshots of the reports of scripts/pictures.sh: CHROMIUM, PACKAGES (with playwright-core), FOLDER (the pages), TO.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { CHROMIUM, FOLDER, PACKAGES, TO } = process.env;
const { chromium } = createRequire(`${PACKAGES}/`)('playwright-core');

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
for (const name of ['unmanaged', 'managed', 'inflater']) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 2300 }, colorScheme: 'light' });
  await page.goto(pathToFileURL(`${FOLDER}/${name}.html`).href);
  await page.waitForFunction(() => document.documentElement.dataset.ready === 'yes');
  await page.screenshot({ path: `${TO}/${name}.png` });
  if (name === 'inflater') await page.locator('main > section', { has: page.locator('h2', { hasText: 'Flame graph' }) }).screenshot({ path: `${TO}/${name}-flame.png` });
  await page.close();
}
await browser.close();
