import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { writeJoin } from '../../../src/core/xep/xep0045.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { LevelStore } from '../../../src/headless/level-store.ts';
import { Driver } from '../../../src/host/driver.ts';
import type { LinkHandlers } from '../../../src/host/stanza-link.ts';

const service = jid('chat.shakespeare.lit');
const server = jid('shakespeare.lit');
const room = jid('coven@chat.shakespeare.lit');
const witch = jid('wiccarocks@shakespeare.lit/laptop');
const rooms = [plainRoomConfig(room)];
const config = { kind: 'service', address: service, server, rooms, openCreation: false, admins: [] } as const;

/** Nodes on one directory, one after the other. */
function nodesIn(directory: string) {
  const told: string[] = [];
  /** What is to happen later, which `waits` has happen now. */
  const timers: (() => void)[] = [];
  let ids = 0;
  const start = async () => {
    let handlers: LinkHandlers | undefined;
    const refused: Stanza[] = [];
    const waiting: { readonly text: string; done(): void }[] = [];
    const heard: string[] = [];
    const driver = new Driver({
      failed: (error) => void told.push(`failed: ${error}`),
      address: service,
      node: createMucNode(config),
      store: await LevelStore.open(directory),
      renewal: {
        node: () => createMucNode(config),
        store: () => LevelStore.open(directory),
        tell: (what) => void told.push(what),
      },
      link: {
        start: async (given: LinkHandlers) => {
          handlers = given;
          given.up(server, 's');
        },
        send: (stanza: Stanza) => {
          const text = bodyOf(stanza);
          if (stanza.type === 'error') {
            refused.push(stanza);
            for (const one of waiting.splice(0)) one.done();
          }
          if (text === undefined) return;
          heard.push(text);
          for (const one of waiting) if (one.text === text) one.done();
        },
        stop: async () => undefined,
      },
      host: {
        now: () => instant(Date.UTC(2026, 0, 1)),
        setTimer: (_at, fn) => {
          timers.push(fn);
          return () => undefined;
        },
        newId: () => `id${++ids}`,
      },
    });
    await driver.start();
    const hand = (stanza: Stanza) => handlers?.stanza(server, stanza, { stream: 's', n: 1 });
    hand(presence(witch, jid(`${room}/secondwitch`), {}, writeJoin({})));
    const says = async (text: string) => {
      const isHeard = new Promise<void>((done) => waiting.push({ text, done }));
      hand(message(witch, room, { type: 'groupchat' }, el('body', NS.client, {}, text)));
      await isHeard;
    };
    return { driver, says, heard, refused };
  };
  return { start, told, timers };
}

describe('The directory of a live node is deleted', () => {
  it.each([
    ['it writes itself anew with the next message, and a restart finds all of it', ['two', 'three']],
    ['it writes itself anew at once, also where nobody speaks', []],
  ])('%s', async (_, next) => {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-gone-`);
    const { start, told } = nodesIn(directory);
    try {
      const first = await start();
      await first.says('one');
      rmSync(directory, { recursive: true });
      for (const text of next) await first.says(text);
      await vi.waitFor(() => expect(told).toEqual([expect.stringContaining(directory)]), 10_000);
      await first.driver.stop();
      const second = await start();
      await second.says('again');
      expect(second.heard).toEqual(['one', ...next, 'again']);
      await second.driver.stop();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

// A file system of a few megabytes: only root may make one.
const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

it.runIf(mayMount)(
  'a disk is full and then is not: the node refuses, keeps what it has, and goes on',
  async (context) => {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-full-`);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', directory]).status !== 0) context.skip();
    const { start, told, timers } = nodesIn(`${directory}/store`);
    try {
      const { driver, says, heard, refused } = await start();
      await says('before');
      const filler = `${directory}/filler`;
      writeFileSync(filler, Buffer.alloc(64 << 20));
      for (let i = 0; i < 500 && refused.length === 0; i++) await says(`${i} ${randomBytes(100_000).toString('hex')}`);
      expect(refused.map(errorOf)).toMatchObject([{ type: 'wait', condition: 'resource-constraint' }]);
      const until = async (isSo: () => boolean) => {
        for (let i = 0; i < 1000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      // It is tried again where there is no room yet.
      for (const fn of timers.splice(0)) fn();
      await says('not yet');
      expect(refused).toHaveLength(2);
      rmSync(filler);
      for (const fn of timers.splice(0)) fn();
      await until(() => {
        if (!heard.includes('after')) void says('after');
        return heard.includes('after');
      });
      expect(told.at(-1)).toBe('there is room again');
      await driver.stop();
      const again = await start();
      await again.says('restarted');
      expect(again.heard).toEqual(expect.arrayContaining(['after', 'restarted']));
      await again.driver.stop();
    } finally {
      spawnSync('umount', ['-l', directory]);
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
