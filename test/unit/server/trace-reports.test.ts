import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeConfig } from '../../../src/core/node/config.ts';
import { KnownStatus } from '../../../src/core/node/known-status.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { statusChanges } from '../../../src/core/node/status-changes.ts';
import type { NodeStatus, StatusRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Occupant } from '../../../src/core/room/event.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { presence, stanzaText } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { Reporter } from '../../../src/worker/reporter.ts';
import { fakeNetwork } from '../../support/server.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const service = jid('channel.avalon.irc');
const server = jid('avalon.irc');

const config: NodeConfig = {
  ...{ kind: 'service', address: service, server, openCreation: true, lockNewRooms: false, admins: [], rooms: [] },
};

function serviceWith(node = createMucNode(config)) {
  let ids = 0;
  const env = { now: instant(1_700_000_000_000), newId: () => `id${++ids}` };
  node.handle({ kind: 'command', command: { name: 'start', untold: [] } }, env);
  const enters = (user: string, at: string) => {
    const stanza = presence(jid(`${user}@avalon.irc/r`), jid(at), {}, el('x', NS.muc));
    node.handle({ kind: 'stanza', via: server, stanza }, env);
  };
  return { node, enters };
}

function manyRooms() {
  const { node, enters } = serviceWith();
  for (let n = 0; n < 2500; n++) enters(`user${n}`, `room${n}@${service}/nick`);
  return { node, more: () => enters('user', `hall@${service}/nick`) };
}

/** Who enters is told of all others, which takes long for so many: they are in a snapshot instead. */
function manyOccupants() {
  const { node, enters } = serviceWith();
  enters('user', `hall@${service}/nick`);
  const { rooms, ...rest } = node.snapshot();
  const occupants = (one: Occupant) =>
    Array.from({ length: 2500 }, (_, n) => ({ ...one, nick: `nick${n}`, jid: jid(`user${n}@avalon.irc/r`) }));
  const large = createMucNode(config);
  large.restore({ ...rest, rooms: rooms.map((room) => ({ ...room, occupants: room.occupants.flatMap(occupants) })) });
  const again = serviceWith(large);
  return { node: large, more: () => again.enters('user', `hall@${service}/nick`) };
}

describe('Reports of a large service over its stream, within the limits of the embedded server', () => {
  it.each([
    ['2,500 rooms', manyRooms],
    ['a room with 2,500 occupants', manyOccupants],
  ])('%s: the stream stays, and whoever watches sees all of them', (_, service2500) => {
    const { node, more } = service2500();
    const { login, trace } = fakeNetwork();
    const client = login(service);
    const texts: string[] = [];
    const reporter = new Reporter({
      ...{ address: service, server, backlog: 0 },
      send: (stanza) => {
        const text = stanzaText(stanza).replace(/^<message /, `<message xmlns="${NS.client}" `);
        texts.push(text);
        client.send(text);
      },
    });
    const known = new KnownStatus();
    const report = (before: NodeStatus | undefined) => {
      const now = node.status();
      const changes = statusChanges(before, now);
      reporter.add(changes.map((one): StatusRecord => ({ kind: 'status', t: instant(1), node: service, ...one })));
      vi.advanceTimersByTime(100);
      return now;
    };
    const seen = (all: readonly TraceRecord[]) => {
      for (const record of all) if (record.kind === 'status') known.take(record);
      return known.status;
    };
    const first = report(undefined);
    expect(first.rooms.reduce((sum, { occupants }) => sum + occupants.length, 0)).toBe(2500);
    texts.length = 0;
    more();
    const now = report(first);
    expect(texts).toHaveLength(1);
    expect(texts[0]?.length).toBeLessThan(2000);
    expect(client.streamError).toBeUndefined();
    expect(seen(trace())).toEqual(now);
  });
});
