import { type BrowserContext, expect } from '@playwright/test';
import { builtIn } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { test as base } from '../../../src/testing/index.ts';

export { expect, keyOf, RoomPage, type Said } from '../../../src/testing/index.ts';

/** What the browser complains about: errors on the console, uncaught exceptions, reports of the security policy. */
export class Troubles {
  readonly #seen: string[] = [];
  readonly #allowed: RegExp[] = [];

  watch(context: BrowserContext): void {
    context.on('weberror', (error) => this.#seen.push(`uncaught: ${error.error().message}`));
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.#seen.push(`console: ${message.text()} (${message.location().url})`);
    });
  }

  /** For a test that breaks something on purpose. */
  allow(text: RegExp): void {
    this.#allowed.push(text);
  }

  get all(): readonly string[] {
    return this.#seen.filter((text) => !this.#allowed.some((allowed) => allowed.test(text)));
  }
}

/** Of what is tried in every scenario, or in every mode, some are enough for `npm test`: the others are long. */
export function shareOf(one: string): { readonly tag?: string } {
  return ['wallops', '0282', '0289pp'].includes(one) ? {} : { tag: '@long' };
}

export const wallops = 'wallops@channel.avalon.irc';
/** Nick and full JID of the dramatis personae of XEP-0282. */
export const cast = {
  Wumpus: 'argl@killrc.oulubox.irc/laptop',
  Valdis: 'valdis@killrc.oulubox.irc/desktop',
  Phaedrus: 'phaedrus@killrc.oulubox.irc/phone',
  WiZ: 'squit@eris.dclxvii.irc/jupiter',
  Troy: 'troy@eris.dclxvii.irc/screwdriver',
  BigCheese: 'rubenro@vesa.yeggmaex.irc/shaver',
  Efchen: 'msa@vesa.yeggmaex.irc/bicycle',
} as const;
export const avalon = 'avalon.irc';
export const vesa = 'vesa.yeggmaex.irc';
export const killrc = 'killrc.oulubox.irc';
export const eris = 'eris.dclxvii.irc';
export const wallopsNodes = ['channel.avalon.irc', `replica@${vesa}`, `replica@${killrc}`, `replica@${eris}`] as const;

/** A built-in scenario whose nodes notice sooner that they are cut off, and that they no longer are. */
export const impatient = (id: string) => withKeepalive(id, { interval: 3, timeout: 2 });

/** One whose nodes do not notice by themselves while a test runs. */
export const patient = (id: string) => withKeepalive(id, { interval: 600, timeout: 60 });

function withKeepalive(id: string, keepalive: { readonly interval: number; readonly timeout: number }): Scenario {
  const scenario = builtIn.find((one) => one.id === id) as Scenario;
  return {
    ...scenario,
    nodes: scenario.nodes.map((node) => (node.kind === 'replica' ? { ...node, keepalive } : node)),
  };
}

/** Waits until a value read from the page is as wanted. */
export function eventually<T>(read: () => Promise<T>, timeout = 20_000) {
  return expect.poll(read, { timeout, intervals: [50, 100, 200] });
}

export const test = base.extend<{ readonly troubles: Troubles }>({
  troubles: [
    async ({ context }, use) => {
      const troubles = new Troubles();
      troubles.watch(context);
      await use(troubles);
      expect(troubles.all, 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
  elsewhere: async ({ elsewhere, troubles }, use) => {
    troubles.watch(elsewhere.page.context());
    await use(elsewhere);
  },
});
