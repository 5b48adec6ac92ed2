import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { assembleReport } from '../../domain/report/evidence-report.js';
import { renderReport } from '../../domain/report/render-report.js';
import { aFolder } from '../adapters/registry/builders.js';
import { aReport, HOSTILE } from '../domain/report/a-report.js';
import { startChromium } from './chromium.js';

/** Where `npm run screenshots` wants pictures; the tests take none without it. */
const SCREENSHOTS = process.env['SWITCHYARD_SCREENSHOTS'];
const VIEWPORT = { width: 1280, height: 800 };

/** Mails of which every third is hostile. */
const hostile = (row: number) =>
  row % 3 === 0 ? (HOSTILE[(row / 3) % HOSTILE.length] ?? '') : `printer ${row} jams`;

const pageOf = (text: (row: number) => string) =>
  renderReport(assembleReport(aReport({ text, share: 0.66 })));

describe('the evidence report, in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;

  before(async () => {
    browser = await startChromium();
  });
  after(() => browser.close());

  /** Opens a page from a file, as people do, and notes all that it tries. */
  async function open(html: string, context: BrowserContext) {
    await using folder = await aFolder({ 'report.html': html });
    const address = pathToFileURL(join(folder.path, 'report.html')).href;
    const tried: string[] = [];
    const page = await context.newPage();
    page.on('dialog', (dialog) => {
      tried.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => request.url() === address || tried.push(request.url()));
    page.on('console', (message) => tried.push(message.text()));
    page.on('pageerror', (error) => tried.push(error.message));
    await page.goto(address, { waitUntil: 'networkidle' });
    return { page, tried, address };
  }

  it('is the same tree of elements whatever the mails are, asks for nothing and runs nothing', async () => {
    await using context = await browser.newContext({ viewport: VIEWPORT });
    const { page, tried, address } = await open(pageOf(hostile), context);
    await page.mouse.move(300, 300);
    const pages = [pageOf(hostile), pageOf((row) => `printer ${row} jams`)];
    const trees = await page.evaluate<string[][]>(
      `${JSON.stringify(pages)}.map((html) =>
        [...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('*')].map(
          (element) => element.tagName + ' ' + element.getAttributeNames().join(' ')))`,
    );
    assert.ok((trees[0]?.length ?? 0) > 500);
    assert.deepEqual(trees[0], trees[1]);
    assert.deepEqual(tried, []);
    assert.equal(page.url(), address);
    const text = await page.locator('body').innerText();
    assert.ok(text.includes('<script>alert(1)</script><img src=x onerror=alert(2)>'));
    assert.ok(text.includes('\uFFFDbefore\uFFFDgnp.exe'));
    assert.equal(
      await page.getByRole('img', { name: /Confusion matrix|Calibration|Latency|Peak/ }).count(),
      4,
    );
  });

  it('forbids scripts and styles that are not its own, were there any', async () => {
    await using context = await browser.newContext({ viewport: VIEWPORT });
    const planted = pageOf(hostile).replace(
      '</body>',
      '<script>document.title = "ran"</script><img src="http://127.0.0.1:9/x.png"><style>h1 { color: red }</style></body>',
    );
    const { page, tried } = await open(planted, context);
    assert.notEqual(await page.title(), 'ran');
    assert.notEqual(await styleOf(page, 'h1', 'color'), 'rgb(255, 0, 0)');
    assert.ok(
      tried.some((each) => /Content Security Policy/.test(each)),
      tried.join('\n'),
    );
  });

  it('follows light and dark, fits a narrow window, and prints', async () => {
    await using context = await browser.newContext({ viewport: VIEWPORT });
    const { page } = await open(pageOf(hostile), context);
    const colours = async (scheme: 'light' | 'dark') => {
      await page.emulateMedia({ colorScheme: scheme });
      await picture(`evidence-report-${scheme}`, () => page.screenshot({ fullPage: true }));
      return styleOf(page, 'body', 'backgroundColor');
    };
    assert.equal(await colours('light'), 'rgb(255, 255, 255)');
    assert.equal(await colours('dark'), 'rgb(13, 17, 23)');
    await page.setViewportSize({ width: 400, height: 800 });
    const widths = await page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    assert.ok((widths[0] ?? 0) <= (widths[1] ?? 0), `the page is ${widths.join(' of ')} wide`);
    const pdf = await page.pdf({ format: 'A4' });
    await picture('evidence-report', () => Promise.resolve(pdf), 'pdf');
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    assert.ok(pdf.byteLength > 20_000);
  });

  it('says on its first screen how every gate was judged', async () => {
    await using context = await browser.newContext({ viewport: { width: 1280, height: 1100 } });
    const { page } = await open(renderReport(assembleReport(aReport())), context);
    const judged = page.locator('section', { hasText: 'Verdicts' }).locator('tbody tr');
    assert.equal(await judged.count(), 7);
    const last = await judged.last().boundingBox();
    assert.ok((last?.y ?? Number.POSITIVE_INFINITY) + (last?.height ?? 0) < 1_100);
    if (SCREENSHOTS === undefined) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, 'evidence-report.png') });
  });

  const styleOf = (page: Page, element: string, name: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector('${element}')).${name}`);

  /** For whoever wants to look at what was tested. */
  async function picture(name: string, take: () => Promise<Buffer>, kind = 'png'): Promise<void> {
    const folder = process.env['REPORT_PICTURES'];
    if (folder !== undefined) await writeFile(join(folder, `${name}.${kind}`), await take());
  }
});
