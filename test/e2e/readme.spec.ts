import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as playwright from '@playwright/test';
import { serveFiles } from './support/files.ts';
import { avalon, cast, eventually, expect, test } from './support/netsplit.ts';
import { serveParent } from './support/parent-page.ts';

/** The first block of code in one language on a page of the project. */
function block(file: string, language: string): string {
  const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
  const [, code] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? [];
  if (code === undefined) throw new Error(`${file}: no block of ${language}`);
  return code;
}

test.describe('The README files', () => {
  test('README.md: the client of one’s own joins, says hello, and hears the room', async ({
    room,
    browser,
    baseURL,
  }) => {
    await room.open();
    await room.testId('join-own').click();
    await room.testId('join-account').selectOption(`guest1@${avalon}`);
    const password = (await room.testId('join-password').textContent()) ?? '';
    const websocket = (await room.testId('join-websocket').textContent()) ?? '';
    await room.page.keyboard.press('Escape');

    // In a browser instead of Node, where strophe.js needs an XML parser that is not among our packages.
    const [, ...lines] = block('README.md', 'js').split('\n');
    expect(lines[0]).toBe("import { $msg, $pres, Strophe } from 'strophe.js';");
    const code = lines.slice(1).join('\n').replace('ws://localhost:5173/xmpp-websocket', websocket);
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    const heard: string[] = [];
    page.on('console', (message) => heard.push(message.text()));
    await page.goto(`${baseURL}netsplit.json`);
    await page.addScriptTag({
      path: fileURLToPath(new URL('../../node_modules/strophe.js/dist/strophe.umd.min.js', import.meta.url)),
    });
    await page.addScriptTag({
      content: `{ const process = ${JSON.stringify({ argv: ['node', 'me.mjs', `guest1@${avalon}`, password] })};\n${code}\n}`,
    });
    await expect(room.occupant(`guest1@${avalon}/mine`)).toHaveAttribute('data-nick', 'Me');
    await eventually(() => room.heard(cast.BigCheese)).toContain('Hello, wallops');
    await room.say(cast.BigCheese, 'Hello, Me');
    await eventually(async () => heard).toEqual(expect.arrayContaining(['Me Hello, wallops', 'BigCheese Hello, Me']));
    await context.close();
  });

  test('src/ui/README.md: a page drives the frame that it embeds', async ({ page }) => {
    const files = await serveFiles();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    const address = `${files.url}?embed=1&keys=0#lab=wallops&seed=7&at=4`;
    const code = block('src/ui/README.md', 'js').replace('https://netsplit.example.org', new URL(files.url).origin);
    const parent = await serveParent(
      `<button>Next</button><iframe src="${address}" title="A room"></iframe><script>{${code}}</script>`,
    );
    await page.goto(parent.url);
    await eventually(async () => said.at(-1)).toMatch(/^event 4 of \d+$/);
    await page.getByRole('button', { name: 'Next' }).click();
    await eventually(async () => said.at(-1)).toMatch(/^event 5 of \d+$/);
    await Promise.all([files.close(), parent.close()]);
  });

  // What npm runs for them; on any free port.
  for (const [line, address] of [
    ['npm start', /http:\/\/localhost:\d+\/#token=[0-9a-f]+/],
    ['npm start -- --public-url https://chat.example.org', /https:\/\/chat\.example\.org\/#token=[0-9a-f]+/],
  ] as const)
    test(`${line}: prints the address of the page`, line === 'npm start' ? {} : { tag: '@long' }, async ({ room }) => {
      const [, , , ...args] = line.split(' ');
      const child = spawn(process.execPath, ['src/headless/setup.mjs', 'start', ...args], {
        env: { ...process.env, PORT: '0' },
      });
      let output = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      await expect.poll(() => output, { timeout: 45_000 }).toMatch(address);
      if (args.length === 0) {
        await room.page.goto(address.exec(output)?.[0] ?? '');
        await room.ready();
        // A page that stays says that its server is gone.
        await room.page.goto('about:blank');
      }
      child.kill('SIGINT');
      expect(await ended).toBe(0);
    });

  test('src/ui/README.md: the test that it shows passes', async ({ page, server }) => {
    const code = block('src/ui/README.md', 'ts').replace('http://localhost:5173/', server.url);
    let shown: ((fixtures: { readonly page: playwright.Page }) => Promise<void>) | undefined;
    const take = (_title: string, body: typeof shown) => {
      shown = body;
    };
    new Function('test', 'expect', code)(take, playwright.expect);
    await shown?.({ page });
    expect(shown).toBeDefined();
  });
});
