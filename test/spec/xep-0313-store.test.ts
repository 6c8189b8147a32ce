import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../src/core/distribution/config.ts';
import type { Input } from '../../src/core/node/input.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { NodeEffect } from '../../src/core/node/node.ts';
import { ArchiveList } from '../../src/core/room/archive-list.ts';
import type { Found } from '../../src/core/room/archive-store.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { writeJoin } from '../../src/core/xep/xep0045.ts';
import { retractNs } from '../../src/core/xep/xep0424.ts';
import { moderateNs } from '../../src/core/xep/xep0425.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { childOf, el, elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';

const service = jid('chat.shakespeare.lit');
const room = jid('coven@chat.shakespeare.lit');
const owner = jid('crone1@shakespeare.lit/desktop');
const witch = jid('wiccarocks@shakespeare.lit/laptop');
const mam = 'urn:xmpp:mam:2';
const rsm = 'http://jabber.org/protocol/rsm';
const dayMs = 24 * 3_600_000;

/** A room with at most five messages at hand, and the store that has the others. */
class Chamber {
  readonly archive = new ArchiveList();
  readonly log: RoomEvent[] = [];
  now: Instant = instant(Date.UTC(2026, 0, 1));
  /** Searches that the store has not answered. */
  searches: Extract<NodeEffect, { kind: 'search' }>[] = [];
  sent: Stanza[] = [];
  #ids = 0;
  readonly #config;
  #node;

  constructor(more: { archive?: object; logging?: boolean; atHandLimits?: { count: number; bytes: number } } = {}) {
    const settings = {
      logging: true,
      historyMax: 3,
      historyDefault: 3,
      affiliations: new Map([[jid('crone1@shakespeare.lit'), 'owner' as const]]),
    };
    const limits = { atHandLimits: { count: 5, bytes: 1_000_000 } };
    const rooms = [{ ...plainRoomConfig(room), ...settings, ...limits, ...more }];
    this.#config = {
      kind: 'service',
      address: service,
      server: jid('shakespeare.lit'),
      rooms,
      openCreation: false,
      admins: [],
    } as const;
    this.#node = createMucNode(this.#config);
    this.handle({ kind: 'command', command: { name: 'start' } });
    for (const [user, nick] of [
      [owner, 'firstwitch'],
      [witch, 'secondwitch'],
    ] as const)
      this.send(presence(user, jid(`${room}/${nick}`), {}, writeJoin({})));
    this.sent = [];
  }

  handle(input: Input): void {
    for (const effect of this.#node.handle(input, { now: this.now, newId: () => `id${++this.#ids}` })) {
      if (effect.kind === 'append') {
        this.log.push(...effect.events);
        this.archive.apply(structuredClone(effect.archived ?? []));
      } else if (effect.kind === 'send') this.sent.push(effect.stanza);
      else if (effect.kind === 'search') this.searches.push(effect);
    }
  }

  send(stanza: Stanza): void {
    this.handle({ kind: 'stanza', via: jid('shakespeare.lit'), stanza });
  }

  says(text: string, from = witch, ...more: XmlElement[]): void {
    this.now = instant(this.now + 1000);
    this.send(message(from, room, { type: 'groupchat', id: `o-${text}` }, el('body', NS.client, {}, text), ...more));
  }

  /** The store answers what it was asked. */
  answer(found?: Found): void {
    const [search, ...rest] = this.searches;
    if (search === undefined) throw new Error('nothing was searched');
    this.searches = rest;
    this.handle({
      kind: 'found',
      search: search.search,
      asked: search.asked,
      found: found ?? { page: this.archive.search(search.search) },
    });
  }

  asks(set: Record<string, string> = {}, fields: Record<string, string> = {}): void {
    const page = el('set', rsm, {}, ...Object.entries(set).map(([name, text]) => el(name, rsm, {}, text)));
    const form = Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] }));
    const forms = form.length === 0 ? [] : [writeForm({ type: 'submit', formType: mam, fields: form })];
    this.sent = [];
    this.send(iq(witch, room, { type: 'set', id: 'q' }, el('query', mam, {}, ...forms, page)));
  }

  /** What the archive answered: bodies, and ids. */
  get page() {
    const results = this.sent.flatMap((stanza) =>
      stanza.to === witch ? (payloadOf(stanza, 'result', mam) ?? []) : [],
    );
    const inner = results.map(
      (result) =>
        childOf(childOf(result, 'forwarded', 'urn:xmpp:forward:0') as XmlElement, 'message', NS.client) as XmlElement,
    );
    const texts = inner.map((element) => {
      const said = elementsOf(element).find(({ name }) => name === 'body' || name === 'retracted');
      return said && (textOf(said) || said.name);
    });
    return { texts, ids: results.map(({ attrs }) => attrs['id'] ?? ''), fin: this.sent.at(-1) as Stanza };
  }

  /** The process ends, and starts again with what its store has. */
  restart(): void {
    this.#node = createMucNode(this.#config);
    for (const event of this.log) this.#node.apply(event);
    for (const { room: each, limits } of this.#node.archives()) {
      const entries = this.archive.entries(each);
      this.#node.recall(each, entries.slice(-limits.count), entries.length <= limits.count);
    }
    this.handle({ kind: 'command', command: { name: 'start' } });
  }
}

function spoken(count: number, more: ConstructorParameters<typeof Chamber>[0] = {}): Chamber {
  const chamber = new Chamber(more);
  for (let i = 1; i <= count; i++) chamber.says(`m${i}`);
  return chamber;
}

describe('decision #222: XEP-0313 where the room has only the last messages at hand', () => {
  it('a room that has all at hand answers at once', () => {
    const chamber = spoken(5);
    chamber.asks();
    expect(chamber.searches).toEqual([]);
    expect(chamber.page.texts).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  });

  it('the store is asked for the rest, page by page, forward and backward, with the filters of §4.1', () => {
    const chamber = spoken(20);
    const reads = (...asked: Parameters<Chamber['asks']>) => {
      chamber.asks(...asked);
      chamber.answer();
      return chamber.page;
    };
    const first = reads({ max: '3' });
    expect(first.texts).toEqual(['m1', 'm2', 'm3']);
    expect(reads({ max: '3', after: first.ids.at(-1) as string }).texts).toEqual(['m4', 'm5', 'm6']);
    const last = reads({ max: '2', before: '' });
    expect([last.texts, payloadOf(last.fin, 'fin', mam)?.attrs['complete']]).toEqual([['m19', 'm20'], undefined]);
    expect(reads({ max: '50', before: last.ids[0] as string }).texts).toHaveLength(18);
    expect(reads({}, { with: `${room}/firstwitch` }).texts).toEqual([]);
    expect(reads({}, { start: '2026-01-01T00:00:19Z' }).texts).toEqual(['m19', 'm20']);
    expect(reads({}, { end: '2026-01-01T00:00:02Z' }).texts).toEqual(['m1', 'm2']);
    expect(errorOf(reads({ after: 'nothing' }).fin)?.condition).toBe('item-not-found');
  });

  it('users who enter are shown the history from what is at hand', () => {
    const chamber = spoken(20);
    chamber.sent = [];
    chamber.send(presence(jid('hag66@shakespeare.lit/pda'), jid(`${room}/thirdwitch`), {}, writeJoin({})));
    expect(chamber.sent.flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['m18', 'm19', 'm20']);
    expect(chamber.searches).toEqual([]);
  });

  it('who was banned before the answer came reads nothing', () => {
    const chamber = spoken(20);
    chamber.asks();
    const item = el('item', NS.mucAdmin, { affiliation: 'outcast', jid: 'wiccarocks@shakespeare.lit' });
    chamber.send(iq(owner, room, { type: 'set', id: 'ban' }, el('query', NS.mucAdmin, {}, item)));
    chamber.sent = [];
    chamber.answer();
    expect([chamber.page.texts, errorOf(chamber.page.fin)?.condition]).toEqual([[], 'forbidden']);
  });

  it('a room that is gone before the answer came is not found', () => {
    const chamber = spoken(20);
    chamber.asks();
    chamber.send(iq(owner, room, { type: 'set', id: 'end' }, el('query', NS.mucOwner, {}, el('destroy', NS.mucOwner))));
    chamber.sent = [];
    chamber.answer();
    expect(errorOf(chamber.page.fin)?.condition).toBe('item-not-found');
    expect(chamber.archive.entries(room)).toEqual([]);
  });

  it('a store that cannot answer now is a reason to wait', () => {
    const chamber = spoken(20);
    chamber.asks();
    chamber.answer('failed');
    expect(errorOf(chamber.page.fin)).toMatchObject({ type: 'wait', condition: 'resource-constraint' });
  });

  it('XEP-0425: a moderator takes back what is only in the archive', () => {
    const chamber = spoken(20);
    const [old] = chamber.archive.entries(room);
    const moderates = (id: string) => {
      chamber.sent = [];
      const retract = el('retract', retractNs);
      chamber.send(iq(owner, room, { type: 'set', id: 'mod' }, el('moderate', moderateNs, { id }, retract)));
      if (chamber.searches.length > 0) chamber.answer();
      return chamber.sent.find(({ id: of }) => of === 'mod') as Stanza;
    };
    expect(moderates(old?.item.id ?? '').type).toBe('result');
    expect(chamber.sent.filter(({ to, name }) => to === witch && name === 'message')).toHaveLength(1);
    chamber.asks({ max: '2' });
    chamber.answer();
    expect(chamber.page.texts).toEqual(['retracted', 'm2']);
    // It has been taken back already.
    expect(moderates(old?.item.id ?? '').type).toBe('result');
    expect(chamber.sent.filter(({ to, name }) => to === witch && name === 'message')).toHaveLength(0);
    expect(errorOf(moderates('nothing'))?.condition).toBe('item-not-found');
  });

  it('XEP-0424: an author takes back what is only in the archive', () => {
    const chamber = spoken(20);
    const [old] = chamber.archive.entries(room);
    chamber.says('taken back', witch, el('retract', retractNs, { id: old?.item.id }));
    chamber.asks({ max: '1' });
    chamber.answer();
    expect(chamber.page.texts).toEqual(['retracted']);
  });

  it('after a restart it has the same at hand, and goes on behind it', () => {
    const chamber = spoken(20);
    const before = chamber.archive.entries(room).map(({ item }) => item.id);
    chamber.restart();
    chamber.says('m21', owner);
    chamber.send(presence(owner, jid(`${room}/firstwitch`), {}, writeJoin({})));
    expect(
      chamber.archive
        .entries(room)
        .map(({ item }) => item.id)
        .slice(0, 20),
    ).toEqual(before);
    chamber.asks({ max: '2', before: '' });
    chamber.answer();
    expect(chamber.page.texts).toEqual(['m20', 'm21']);
  });

  it('the archive is bounded by number, size and age, and nobody reads what is older', () => {
    const kept = (chamber: Chamber) => chamber.archive.entries(room).length;
    // It is trimmed some messages at a time.
    expect(kept(spoken(300, { archive: { count: 10 } }))).toBeLessThan(10 + 64);
    expect(kept(spoken(300, { archive: { bytes: 1000 } }))).toBeLessThan(100);
    expect(kept(spoken(300, { archive: {} }))).toBe(300);
    const old = spoken(20, { archive: { days: 1 } });
    old.now = instant(old.now + dayMs + 1);
    old.asks();
    old.answer();
    expect(old.page.texts).toEqual([]);
    for (let i = 0; i < 64; i++) old.says(`n${i}`);
    expect(old.archive.entries(room)[0]?.item.payloads.map(textOf)).toEqual(['n0']);
  });

  it('what the archive no longer keeps nobody reads from what is at hand', () => {
    const chamber = spoken(300, { archive: { count: 10 }, atHandLimits: { count: 1000, bytes: 1_000_000 } });
    chamber.asks({ max: '100' });
    chamber.answer();
    expect(chamber.page.texts.length).toBe(chamber.archive.entries(room).length);
  });

  it('large messages leave the memory sooner', () => {
    const chamber = new Chamber({ atHandLimits: { count: 1000, bytes: 100_000 } });
    for (let i = 0; i < 20; i++) chamber.says('x'.repeat(20_000));
    chamber.send(presence(jid('hag66@shakespeare.lit/pda'), jid(`${room}/thirdwitch`), {}, writeJoin({})));
    chamber.asks({ max: '100' });
    expect(chamber.searches).toHaveLength(1);
    chamber.answer();
    expect(chamber.page.texts).toHaveLength(20);
  });

  it.each(['id', 'lang'] as const)('so do messages with a large %s: it is kept with them', (part) => {
    const chamber = new Chamber({ archive: { bytes: 200_000 }, atHandLimits: { count: 1000, bytes: 100_000 } });
    for (let i = 0; i < 70; i++) {
      const rest = { id: 'o', [part]: `${i}`.padEnd(20_000, 'x') };
      chamber.send(message(witch, room, { type: 'groupchat', ...rest }, el('body', NS.client, {}, `${i}`)));
    }
    chamber.asks({ max: '100' });
    expect(chamber.searches).toHaveLength(1);
    chamber.answer();
    // The archive is told what to keep after 64, and six have come since.
    expect(chamber.page.texts.length).toBeLessThan(20);
  });

  it('a room without an archive that may be read keeps what it needs for those who enter', () => {
    const chamber = spoken(1100, { logging: false });
    expect(chamber.archive.entries(room).length).toBeLessThan(1100);
    chamber.restart();
    chamber.sent = [];
    chamber.send(presence(jid('hag66@shakespeare.lit/pda'), jid(`${room}/thirdwitch`), {}, writeJoin({})));
    expect(chamber.sent.flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['m1098', 'm1099', 'm1100']);
  });

  it('decision #224: after a start with a clock that was set back, what is said is not of a time before the last message', () => {
    const chamber = spoken(3);
    const before = chamber.now;
    chamber.now = instant(before - 2 * 3_600_000);
    chamber.restart();
    chamber.says('m4');
    chamber.says('m5');
    const stamps = chamber.archive.entries(room).map(({ item }) => item.at);
    expect(stamps.slice(2)).toEqual([before, before, before]);
    // Nor does a clock that was wrong by years hold for ever.
    chamber.now = instant(before - 30 * dayMs);
    chamber.restart();
    chamber.says('m6');
    expect(chamber.archive.entries(room).at(-1)?.item.at).toBe(chamber.now);
  });
});
