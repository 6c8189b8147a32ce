import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { otherBrowsers } from './support/browsers.ts';
import { type Driver, keys, type Program, startProgram, Visitor } from './support/web-driver.ts';

// The first three of the README's five minutes, in browsers other than the one of the end-to-end tests. What works in
// one of them works in the same way in all: so a smoke test with a mouse and a keyboard is enough.

const [primary, far] = ['avalon.irc', 'killrc.oulubox.irc'];
const link = `${primary}~${far}`;
const wumpus = `argl@${far}/laptop`;
const replica = `[data-node="replica@${far}"]`;

const fast = process.env['INTEROP'] === 'fast';
const because = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);

describe.skipIf(fast)('The page in other browsers', () => {
  let server: Program;
  let driver: Driver | undefined;
  beforeAll(() => {
    server = startProgram(process.execPath, ['src/headless/setup.mjs', 'start'], { PORT: '0' });
  });
  afterAll(() => server.end());
  afterEach(() => driver?.close());

  for (const { name, start, missing } of otherBrowsers)
    it.skipIf(missing !== undefined)(`${name}: the first of the five minutes${because(missing)}`, async () => {
      // It builds the page first if a source is newer.
      const [url] = await server.says(/http:\S+#token=\S+/);
      driver = await start();
      console.log(driver.browser);
      const visitor = new Visitor(driver);
      const says = async (text: string) => {
        await visitor.clicks('[data-testid=say-text]');
        await visitor.types(text + keys.Enter);
        await visitor.sees('html[data-phase=playing]');
        await visitor.read('await lab.runToQuiet()');
      };

      await visitor.open(`${url.replace('/#', `/?room=${name.toLowerCase()}#`)}`);
      await visitor.read(`
        window.troubles = [];
        addEventListener('error', ({ message }) => troubles.push(message));
        addEventListener('unhandledrejection', ({ reason }) => troubles.push(String(reason)));
        addEventListener('securitypolicyviolation', ({ violatedDirective }) => troubles.push(violatedDirective));`);
      expect(await visitor.read('return document.querySelectorAll("[data-occupant]").length')).toBe(7);

      // Counted
      const since = await visitor.read<number>('return lab.mark()');
      await visitor.read('document.querySelector("[data-testid=say-who]").focus()');
      await visitor.types('BigCheese');
      await says('Anybody there?');
      const { messages } = await visitor.read<{ messages: unknown }>(`return lab.counters({ since: ${since} })`);
      expect(messages).toMatchObject([{ crossed: 4, plain: 8, deliveries: 7 }]);
      await visitor.clicks('[data-testid=tab-counters]');
      await visitor.sees('[data-testid=counters-messages]');

      // Cut, with the mouse
      await visitor.clicks(`[data-link-label="${link}"]`);
      await visitor.clicks('[data-testid=menu-cut-bounce]');
      await visitor.sees(`[data-link="${link}"][data-state=bounce]`);
      await says('Can you hear me?');
      await visitor.sees(`${replica}[data-state=split]`);
      const heard = () =>
        visitor.read<string[]>(`
          return lab.events({ kind: 'hop', leg: 'out', stanza: 'message' })
            .filter(({ to, stanza }) => to === '${wumpus}' && /<body/.test(stanza?.xml))
            .map(({ stanza }) => /<body[^>]*>(.*?)</.exec(stanza.xml)[1]);`);
      expect(await heard()).not.toContain('Can you hear me?');

      // Healed, with the keyboard
      await visitor.read(`document.querySelector('[data-link="${link}"]').focus()`);
      await visitor.types('x');
      await visitor.sees(`[data-link="${link}"][data-state=up]`);
      await visitor.read('await lab.runToQuiet()');
      await visitor.sees(`${replica}:not([data-state=split])`);
      expect((await heard()).filter((text) => text === 'Can you hear me?')).toHaveLength(1);
      expect(await visitor.read('return troubles')).toEqual([]);
    });
});
