import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outrigger } from '../testing/terminal.ts';
import { type Browser, type Page, startBrowser } from './devtools.ts';

// The report as a page, in Chromium: it links lines and rules by pointer and by keyboard, asks for nothing, and nothing that
// stands in a config runs in it.

const CONTOSO = fileURLToPath(new URL('../../../../fixtures/contoso/squid.conf', import.meta.url));

/** Every way into a page that a text may try, in every place of a config that the report quotes. */
const PWN = 'globalThis.pwned=1';
const EVIL = [
  `</script><img/src=x/onerror=${PWN}>`,
  `"><svg/onload=${PWN}>`,
  `'onmouseover='${PWN}'x='`,
  `</style><script>${PWN}</script>`,
  `</pre></code><iframe/srcdoc='<script>parent.${PWN}</script>'>`,
  `<link/rel=stylesheet/href=http://outside.test/x.css>`,
  `<meta/http-equiv=refresh/content='0;url=http://outside.test/'>`,
  `javascript:${PWN}`,
  `<base/href=http://outside.test/>`,
  `--><!--<form/action=http://outside.test/><button>`,
];
const HOSTILE = EVIL.flatMap((evil, index) => [
  `# ${evil}`,
  `${evil} ${evil}`,
  `visible_hostname ${evil}`,
  `acl evil${index} url_regex ${evil}`,
  `acl host${index} dstdomain ${evil}`,
  `acl field${index} req_header X-Name ${evil}`,
  `cache_peer 10.0.${index}.1 parent 80 0 originserver login=PASS name=${evil}`,
  `cache_peer 10.1.${index}.1 parent 80 0 originserver login=PASS name=ok${index} forceddomain=${evil}`,
  `cache_peer_access ok${index} allow evil${index}`,
  `http_port 10.2.0.1:${8_000 + index} accel vhost name=${evil} defaultsite=${evil}`,
  `http_access deny evil${index} field${index} host${index}`,
  `include ${evil}`,
]);

const chromium = daemonOrSkip('chromium');

describe.skipIf(chromium === undefined)('the report as a page, in Chromium', () => {
  let folder: string;
  let browser: Browser;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-report-'));
    browser = startBrowser(chromium ?? '', folder);
  });
  afterAll(async () => {
    await browser.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const reportOf = async (squid: string, name: string): Promise<string> => {
    const path = join(folder, name);
    await outrigger('import', '--squid', squid, '--tighten', '-o', join(folder, 'rules.yaml'), '--report', path);
    return pathToFileURL(path).href;
  };
  const classesOf = (page: Page, id: string): Promise<string> =>
    page.evaluate(`document.getElementById(${JSON.stringify(id)}).className`);
  const middleOf = async (page: Page, selector: string): Promise<{ x: number; y: number }> =>
    page.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: 'center' });
      const { left, top, height } = element.getBoundingClientRect();
      return { x: left + 20, y: top + height / 2 };
    })()`);
  const mouse = async (page: Page, selector: string, types: string[]): Promise<void> => {
    const place = await middleOf(page, selector);
    for (const type of types)
      await page.send('Input.dispatchMouseEvent', {
        type,
        ...place,
        button: type === 'mouseMoved' ? 'none' : 'left',
        clickCount: 1,
      });
  };
  const CLICK = ['mouseMoved', 'mousePressed', 'mouseReleased'];
  const press = async (page: Page, key: string): Promise<void> => {
    const code = { Enter: 13, Escape: 27 }[key];
    const text = key === 'Enter' ? { text: '\r' } : {};
    await page.send('Input.dispatchKeyEvent', { type: 'keyDown', key, windowsVirtualKeyCode: code, ...text });
    await page.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode: code });
  };
  /** Id of the directive on a line of the main file. */
  const idOfLine = (page: Page, line: number): Promise<string> =>
    page.evaluate(`document.querySelector('a.number[aria-label="line ${line}"]').hash.slice(1)`);

  it('lights up a line with its rules and a rule with its lines, by pointer and by keyboard, and asks for nothing', async () => {
    const url = await reportOf(CONTOSO, 'contoso.html');
    const page = await browser.page();
    await page.open(url);
    expect(await page.evaluate('document.title')).toBe('Import of squid.conf: carried over');
    expect(await page.evaluate('document.querySelectorAll("main, header, nav, h1").length')).toBe(4);
    expect(await page.evaluate('document.querySelector("figure svg").getBoundingClientRect().height > 80')).toBe(true);

    const line = await idOfLine(page, 18);
    await mouse(page, `#${line} code`, ['mouseMoved']);
    expect(await classesOf(page, 'rule-routes-0')).toContain('lit');
    expect(await classesOf(page, 'rule-listen-0')).not.toContain('lit');

    await mouse(page, `#${line} code`, CLICK);
    expect(await classesOf(page, line)).toContain('picked');
    expect(await classesOf(page, 'rule-routes-0')).toContain('picked');

    await mouse(page, '#rule-listen-0 pre', CLICK);
    expect(await classesOf(page, await idOfLine(page, 8))).toContain('picked');
    expect(await classesOf(page, line)).not.toContain('picked');

    await page.evaluate(`document.querySelector('#${line} a.number').focus()`);
    expect(await classesOf(page, 'rule-routes-0')).toContain('lit');
    await press(page, 'Enter');
    expect(await classesOf(page, 'rule-routes-0')).toContain('picked');
    await press(page, 'Escape');
    expect(await page.evaluate('document.querySelectorAll(".picked").length')).toBe(0);

    expect(page.requests.filter((each) => each !== 'data:,')).toEqual([url]);
    expect(page.complaints).toEqual([]);
  });

  it('reads without scripts, and prints', async () => {
    const url = await reportOf(CONTOSO, 'plain.html');
    const page = await browser.page();
    await page.send('Emulation.setScriptExecutionDisabled', { value: true });
    await page.open(`${url}#rule-routes-0`);
    const { root } = await page.send('DOM.getDocument');
    const { nodeId } = await page.send('DOM.querySelector', { nodeId: root.nodeId, selector: '#rule-routes-0:target' });
    expect(nodeId).toBeGreaterThan(0);
    const { data } = await page.send('Page.printToPDF');
    expect(Buffer.from(data, 'base64').subarray(0, 5).toString()).toBe('%PDF-');
    expect(page.complaints).toEqual([]);
  });

  it('runs nothing of a hostile config, and asks for nothing it names', async () => {
    const path = join(folder, 'hostile.conf');
    writeFileSync(path, `${HOSTILE.join('\n')}\nhttp_access allow all\n`);
    const url = await reportOf(path, 'hostile.html');
    const page = await browser.page();
    await page.open(url);
    for (const evil of EVIL.slice(0, 3)) expect(await page.evaluate('document.body.textContent')).toContain(evil);
    // Wherever the pointer goes and whatever is clicked.
    await page.evaluate(`for (const each of document.querySelectorAll('main *'))
      each.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })), each.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));`);
    expect(await page.evaluate('typeof globalThis.pwned')).toBe('undefined');
    expect(
      await page.evaluate(
        'document.querySelectorAll("img, iframe, form, base, object, script[src], link[rel=stylesheet]").length',
      ),
    ).toBe(0);
    expect(await page.evaluate('document.scripts.length')).toBe(1);
    const hrefs = await page.evaluate(
      '[...document.querySelectorAll("a")].map((each) => each.getAttribute("href")).filter((href) => !href.startsWith("#"))',
    );
    expect(hrefs).toEqual([]);
    expect(page.requests.filter((each) => each !== 'data:,')).toEqual([url]);
    expect(page.complaints).toEqual([]);
    expect(readFileSync(join(folder, 'hostile.html'), 'utf8')).not.toContain('<img');
  });
});
