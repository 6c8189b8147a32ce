import { builtIn } from '../../src/scenario/built-in.ts';
import { expect, shareOf, test } from './support/netsplit.ts';

/** Long enough for a replica that does not wait to ask a primary that is not there. */
const lateMs = 800;

test.describe('The first visit', () => {
  for (const { id, nodes } of builtIn)
    test(
      `${id}: everybody waits for the node that is slowest to come, so nothing bounces`,
      shareOf(id),
      async ({ room }) => {
        // The primary, or a service that is asked for a shadow.
        const asked = nodes.find((node) => node.kind === 'service' && node.hosting) ?? nodes[0];
        const late = asked?.address ?? '';
        // Its worker is told late to begin: the other nodes are bound long before it.
        await room.page.addInitScript(
          ([name, ms]) => {
            const Original = Worker;
            window.Worker = class extends Original {
              readonly #isLate: boolean;
              constructor(url: string | URL, options?: WorkerOptions) {
                super(url, options);
                this.#isLate = options?.name === name;
              }
              override postMessage(message: unknown, transfer: unknown): void {
                setTimeout(() => super.postMessage(message, transfer as Transferable[]), this.#isLate ? ms : 0);
              }
            };
          },
          [late, lateMs] as const,
        );
        await room.open(id);
        const all = await room.events();
        expect(all.length).toBeGreaterThan(5);
        const wrong = all.filter(({ sign, outcome, stanza }) => sign ?? outcome ?? stanza?.type === 'error');
        expect(wrong.map(({ from, to, text }) => `${from} → ${to}: ${text}`)).toEqual([]);
        for (const { node, state } of (await room.state()).nodes) expect(state, node).toMatch(/^(live|no room)$/);
      },
    );
});
