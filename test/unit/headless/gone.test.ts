import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { writeJoin } from '../../../src/core/xep/xep0045.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { bodyOf, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
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

it('the directory of a live node is deleted: it writes itself anew, and a restart finds all of it', async () => {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-gone-`);
  const told: string[] = [];
  let ids = 0;
  const start = async () => {
    let handlers: LinkHandlers | undefined;
    const waiting: { readonly text: string; done(): void }[] = [];
    const heard: string[] = [];
    const driver = new Driver({
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
          if (text === undefined) return;
          heard.push(text);
          for (const one of waiting) if (one.text === text) one.done();
        },
        stop: async () => undefined,
      },
      host: { now: () => instant(Date.UTC(2026, 0, 1)), setTimer: () => () => undefined, newId: () => `id${++ids}` },
    });
    await driver.start();
    const hand = (stanza: Stanza) => handlers?.stanza(server, stanza, { stream: 's', n: 1 });
    hand(presence(witch, jid(`${room}/secondwitch`), {}, writeJoin({})));
    const says = async (text: string) => {
      const isHeard = new Promise<void>((done) => waiting.push({ text, done }));
      hand(message(witch, room, { type: 'groupchat' }, el('body', NS.client, {}, text)));
      await isHeard;
    };
    return { driver, says, heard };
  };
  try {
    const first = await start();
    await first.says('one');
    rmSync(directory, { recursive: true });
    await first.says('two');
    expect(told).toHaveLength(1);
    await first.says('three');
    await first.driver.stop();
    const second = await start();
    await second.says('four');
    expect(second.heard).toEqual(['one', 'two', 'three', 'four']);
    await second.driver.stop();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
