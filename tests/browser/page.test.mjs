// What a reader does with the page, in a real Chromium: PACKAGES has playwright-core and axe-core, FOLDER the pages (run.sh).
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { CHROMIUM, FOLDER, PACKAGES } = process.env;
const require = createRequire(`${PACKAGES}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const kMi = 1024 * 1024;
let browser;
before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] }); });
after(async () => { await browser?.close(); });

/** Opens a page of FOLDER; `check` gets it, and nothing may have been said on the console or asked of a network meanwhile. */
async function onPage(name, check, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const trouble = [];
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') trouble.push(message.text()); });
  page.on('pageerror', (error) => trouble.push(String(error)));
  const url = pathToFileURL(`${FOLDER}/${name}.html`).href;
  page.on('request', (request) => { if (request.url() !== url) trouble.push(`asked for ${request.url()}`); });
  page.on('dialog', (dialog) => { trouble.push('a dialog'); void dialog.dismiss(); });
  await page.goto(url);
  await page.waitForFunction(() => document.documentElement.dataset.ready === 'yes');
  await check(page);
  assert.deepEqual(trouble, []);
  await context.close();
}

const shot = (page, name, selector) => (selector === undefined ? page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage: true }) : page.locator(selector).screenshot({ path: `${FOLDER}/${name}.png` }));
const text = (page, selector) => page.locator(selector).innerText();
/** The rows of a table as texts of their cells. */
const rows = (page, selector) => page.locator(`${selector} tbody tr:not(.detail)`).evaluateAll((list) => list.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
/** "80.0 MiB" in bytes. */
function amount(figure) {
  const [, sign, number, unit] = /([+-]?)([\d.]+) (B|KiB|MiB|GiB)/.exec(figure) ?? assert.fail(`no amount in "${figure}"`);
  return (sign === '-' ? -1 : 1) * Number(number) * 1024 ** ['B', 'KiB', 'MiB', 'GiB'].indexOf(unit);
}

async function violations(page) {
  // Through the debugger's protocol: the page's own policy allows no other script, and stays on.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const found = await window.axe.run(document, { resultTypes: ['violations'] });
    return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join(' | ')}`);
  });
}

for (const name of ['taskmanager_glibc_killed', 'four_states_killed', 'known', 'hostile']) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${name} is accessible in ${colorScheme}`, async () => {
      await onPage(name, async (page) => {
        // What is folded away is looked at too.
        await page.locator('details').evaluateAll((list) => { for (const one of list) one.open = true; });
        await page.locator('button[aria-expanded="false"]').evaluateAll((list) => { for (const one of list.slice(0, 12)) one.click(); });
        assert.deepEqual(await violations(page), []);
        await shot(page, `${name}-${colorScheme}`);
      }, { colorScheme });
    });
  }
}

test('the page draws what the recording has', async () => {
  await onPage('taskmanager_glibc_killed', async (page) => {
    const headings = await page.locator('main > section > h2').allInnerTexts();
    assert.deepEqual(headings, ['Verdict', 'Findings', 'Over the time', 'Ledger', 'RocksDB', 'Flame graph', 'Sites', 'Threads', 'Mappings', 'Evidence and losses']);
    for (const chart of ['#timeline', '#rocksdb']) {
      const colours = await page.locator(`${chart} canvas`).evaluate((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4 * 53) if (data[i + 3] === 255) seen.add(`${data[i]} ${data[i + 1]} ${data[i + 2]}`);
        return seen.size;
      });
      assert.ok(colours >= 4, `${chart} has ${colours} colours`);
    }
    assert.ok(Number(await page.locator('#flame').getAttribute('data-drawn')) > 100);
    // The ledger's groups and what is unexplained are its total.
    const lines = await rows(page, '#ledger table');
    const groups = lines.filter((_, index) => true).filter((cells) => cells[0].match(/\d+ lines?$/) || cells[0] === 'unexplained');
    const sum = groups.reduce((total, cells) => total + amount(cells[1]), 0);
    const total = amount(await page.locator('#ledger tfoot td').first().innerText());
    assert.ok(Math.abs(sum - total) < 1.5 * kMi, `${sum} against ${total}`);
    assert.equal(await page.locator('noscript').count(), 0);
  });
});

test('search finds, counts each byte once and says when there is nothing', async () => {
  await onPage('known', async (page) => {
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'flame-search');
    await page.keyboard.type('LEAK');
    assert.equal(await text(page, '#flame output'), '1 found: 80.0 MiB, 50 %');
    await page.fill('#flame-search', 'ma');
    // The inflater's malloc is another one; malloc below main is in main already.
    assert.equal(await text(page, '#flame output'), '2 found: 112.0 MiB, 70 %');
    await page.fill('#flame-search', 'main');
    assert.equal(await text(page, '#flame output'), '1 found: 88.0 MiB, 55 %');
    await shot(page, 'known-search', '#flame');
    await page.fill('#flame-search', 'no such name');
    assert.equal(await text(page, '#flame output'), 'nothing found');
  });
});

test('zoom works with the pointer, the table and the keyboard', async () => {
  await onPage('known', async (page) => {
    const heading = () => text(page, '#flame .below h3');
    assert.equal(await heading(), 'Called from the threads’ starts');
    // The root is the first row; in the second the widest, main, is the left one.
    await page.locator('.stage canvas').click({ position: { x: 60, y: 28 } });
    assert.equal(await heading(), 'Called from main');
    assert.deepEqual((await rows(page, '#flame .below')).map((cells) => [cells[0].split(' ')[0], cells[1]]), [['leak', '80.0 MiB'], ['buffer', '8.0 MiB']]);
    assert.match(await text(page, '#flame-status'), /^main: 88\.0 MiB, 55 % of all, app$/);
    await page.locator('#flame .below button', { hasText: 'leak' }).click();
    assert.equal(await heading(), 'Called from leak');
    assert.deepEqual(await page.locator('.path button').allInnerTexts(), ['all', 'main', 'leak']);
    await page.locator('.stage').focus();
    await page.keyboard.press('Escape');
    assert.equal(await heading(), 'Called from main');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    assert.match(await text(page, '#flame-status'), /^start_thread: 72\.0 MiB/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.equal(await heading(), 'Called from org.apache.flink.Window.process');
    await shot(page, 'known-zoom', '#flame');
    await page.locator('#flame .controls button', { hasText: 'Zoom out' }).click();
    assert.equal(await heading(), 'Called from the threads’ starts');
    await page.locator('.stage canvas').hover({ position: { x: 60, y: 28 } });
    assert.match(await page.locator('.tip').innerText(), /^main: 88\.0 MiB/);
  });
});

test('grouping by operator and by library divides the same bytes', async () => {
  await onPage('known', async (page) => {
    const table = async () => (await rows(page, '#flame .below')).map((cells) => [cells[0], cells[1]]);
    await page.selectOption('#flame-grouping', 'operator');
    assert.deepEqual(await table(), [['main', '88.0 MiB'], ['Window', '48.0 MiB'], ['Source: orders', '24.0 MiB']]);
    await shot(page, 'known-operators', '#flame');
    await page.selectOption('#flame-grouping', 'library');
    assert.deepEqual(await table(), [['libleak.so', '80.0 MiB'], ['librocksdb.so', '48.0 MiB'], ['libjvm.so', '24.0 MiB'], ['app', '8.0 MiB']]);
  });
});

test('the differential modes are right', async () => {
  await onPage('known', async (page) => {
    const options = await page.locator('#flame-show option').evaluateAll((list) => list.map((one) => [one.value, one.textContent]));
    const change = options.find(([value]) => value.startsWith('change:'));
    assert.match(change[1], /^change from 22:14:20 to the end$/);
    await page.selectOption('#flame-show', change[0]);
    // Before: 30 of leak, 48 of RocksDB, 24 of buffer. After: 80, 48, 24 of the inflater, 8.
    assert.match(await text(page, '#flame .explain'), /^102\.0 MiB before, 160\.0 MiB after: \+58\.0 MiB\./);
    await page.locator('#flame .below button', { hasText: 'main' }).click();
    assert.deepEqual((await rows(page, '#flame .below')).map((cells) => [cells[0].split(' ')[0], ...cells.slice(1)]), [['leak', '30.0 MiB', '80.0 MiB', '+50.0 MiB'], ['buffer', '24.0 MiB', '8.0 MiB', '-16.0 MiB']]);
    await page.locator('#flame .controls button', { hasText: 'Zoom out' }).click();
    await shot(page, 'known-change', '#flame');
    await page.selectOption('#flame-show', 'ages:halves');
    assert.match(await text(page, '#flame .explain'), /^100\.0 MiB before, 60\.0 MiB after: -40\.0 MiB\./);
    await page.selectOption('#flame-show', 'ages:4-7');
    assert.match(await text(page, '#flame .explain'), /^60\.0 MiB in /);
    await page.selectOption('#flame-show', options.find(([, label]) => label.startsWith('allocated'))[0]);
    assert.match(await text(page, '#flame .explain'), /^320\.0 MiB in /);
  });
});

test('the sites sort, filter, open, and are found in the flame graph', async () => {
  await onPage('known', async (page) => {
    const names = async () => (await rows(page, '#sites')).map((cells) => cells[0]);
    assert.deepEqual(await names(), ['leak', 'rocksdb::MemTable::Add', 'os::malloc', 'buffer']);
    await page.locator('#sites thead button', { hasText: 'Live' }).click();
    assert.deepEqual(await names(), ['buffer', 'os::malloc', 'rocksdb::MemTable::Add', 'leak']);
    assert.equal(await page.locator('#sites th[aria-sort]').getAttribute('aria-sort'), 'ascending');
    await page.locator('#sites thead button', { hasText: 'Site' }).click();
    assert.deepEqual(await names(), ['buffer', 'leak', 'os::malloc', 'rocksdb::MemTable::Add']);
    await page.locator('#sites input[type=search]').fill('flink');
    assert.deepEqual(await names(), ['os::malloc', 'rocksdb::MemTable::Add']);
    assert.match(await text(page, '#sites .count'), /^2 sites of 4$/);
    await page.locator('#sites select').selectOption('RocksDB');
    assert.deepEqual(await names(), ['rocksdb::MemTable::Add']);
    await page.locator('#sites tbody button').first().click();
    assert.match(await text(page, '#sites .detail'), /org\.apache\.flink\.Window\.process/);
    await shot(page, 'known-sites', '#sites');
    await page.locator('#sites .detail button').click();
    assert.equal(await page.locator('#flame-search').inputValue(), 'rocksdb::MemTable::Add');
    assert.equal(await text(page, '#flame output'), '1 found: 48.0 MiB, 30 %');
  });
});

test('the proposal is copied as it is', async () => {
  await onPage('four_states_killed', async (page) => {
    await page.locator('#proposal .settings .copy').click();
    await page.locator('#proposal .settings .copy', { hasText: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^rocksdb\.shared_block_cache_bytes: \d+$/m);
    assert.equal(copied, await text(page, '#proposal pre'));
  }, { permissions: ['clipboard-read', 'clipboard-write'] });
});

test('hostile names are texts', async () => {
  await onPage('hostile', async (page) => {
    for (const value of await page.locator('#flame-show option').evaluateAll((list) => list.map((one) => one.value))) await page.selectOption('#flame-show', value);
    for (const value of ['operator', 'library']) await page.selectOption('#flame-grouping', value);
    await page.locator('button[aria-expanded="false"]').evaluateAll((list) => { for (const one of list) one.click(); });
    await page.locator('.stage').hover({ position: { x: 60, y: 50 } });
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('img, iframe, object, embed, link, base, form, [onerror], [onload]').count(), 0);
    assert.equal(await page.evaluate(() => document.scripts.length), 1);
    const shown = await page.evaluate(() => document.body.innerText);
    assert.ok(shown.includes('<img src=x onerror="window.hacked=2">'));
    assert.ok(shown.includes('</script><script>window.hacked=1</script>'));
    assert.ok(shown.includes('evil\\u202etxt.exe\\u202c\\u2066 left\\u200b\\ufeff'), 'bidi is shown as what it is');
    assert.ok(shown.includes('control\\u0001\\u0002\\u001b[31mred\\u007f\\u000anew\\u000dline\\u0009tab'));
    assert.ok(shown.includes('@WRACKLINE_DATA@ __proto__ constructor'));
    assert.doesNotMatch(shown, /[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u2028\u2029]/);
    assert.doesNotMatch(await page.title(), /[\u0000-\u001f\u202e]/);
  });
});

test('the page forbids itself everything but its own script and style', async () => {
  await onPage('known', async (page) => {
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/);
    const refused = await page.evaluate(async () => {
      const events = [];
      document.addEventListener('securitypolicyviolation', (event) => events.push(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 9';
      document.body.append(script);
      await new Promise((done) => setTimeout(done, 0));
      return [window.hacked, ...events];
    });
    assert.deepEqual(refused, [undefined, 'script-src-elem']);
  }).catch((error) => { if (!/Content Security Policy/.test(error.message)) throw error; });
});

test('it fits screens from 360 to 1600 pixels', async () => {
  for (const width of [360, 768, 1600]) {
    await onPage('taskmanager_glibc_killed', async (page) => {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${over} pixels too wide at ${width}`);
      await shot(page, `width-${width}`);
    }, { viewport: { width, height: 800 } });
  }
});

test('the colours can be chosen, and it prints in light ones', async () => {
  await onPage('known', async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.locator('.theme').click();
    await page.locator('.theme').click();
    assert.equal(await text(page, '.theme'), 'Colours: dark');
    assert.notEqual(await paper(), light);
    const pdf = await page.pdf({ path: `${FOLDER}/known.pdf`, format: 'A4', printBackground: true });
    assert.ok(pdf.length > 20_000);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('.controls').first().isVisible(), false);
    assert.equal(await page.locator('#proposal, #verdict').first().isVisible(), true);
  });
});

test('100,000 stacks and 24 hours: how long until it can be used', async () => {
  await onPage('large', async (page) => {
    const figures = await page.evaluate(() => ({ paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime, ready: performance.getEntriesByName('wrackline-ready')[0].startTime }));
    const timed = async (what) => page.evaluate(async (act) => {
      const begin = performance.now();
      const field = document.getElementById(act === 'search' ? 'flame-search' : 'flame-grouping');
      field.value = act === 'search' ? 'Leaf' : 'operator';
      field.dispatchEvent(new Event(act === 'search' ? 'input' : 'change'));
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
      return performance.now() - begin;
    }, what);
    figures.search = await timed('search');
    figures.group = await timed('group');
    console.log(`large.html in milliseconds: ${Object.entries(figures).map(([name, value]) => `${name} ${value?.toFixed(0)}`).join(', ')}`);
    assert.match(await page.locator('#timeline p').first().innerText(), /of 86 400 ticks shown/);
    assert.match(await text(page, '#flame output'), /found/);
    assert.ok(Number(await page.locator('#flame').getAttribute('data-drawn')) > 500);
    await shot(page, 'large');
  });
});

test('a page that leaves stacks out has their bytes', async () => {
  await onPage('bounded', async (page) => {
    const total = (await text(page, '#flame .explain')).split(' in ')[0];
    assert.match(await page.locator('#flame p').first().innerText(), /smaller stacks are one frame/);
    await page.fill('#flame-search', '(smaller stacks)');
    assert.match(await text(page, '#flame output'), /^1 found: /);
    await onPage('large', async (all) => { assert.equal((await text(all, '#flame .explain')).split(' in ')[0], total); });
  });
});

test('the pages are small', () => {
  for (const name of ['bounded', 'taskmanager_glibc_killed', 'four_states_killed']) {
    const { size } = statSync(`${FOLDER}/${name}.html`);
    assert.ok(size <= 3 * kMi, `${name} has ${size} bytes`);
  }
});
