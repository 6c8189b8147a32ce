import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMucUser } from '../../../src/core/xep/xep0045.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { iq, message, payloadOf, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { plain } from '../../support/scenarios.ts';
import { joins, leaves, says, World } from '../../support/world.ts';

const coven = jid('coven@conference.localhost');
const witches = ['owner', 'crone', 'wicca', 'hag'].map((name) => `${name}@localhost/r`);
const nicks = ['first', 'second', 'third', 'fourth', 'fifth'];

const who = fc.constantFrom(...witches);
const nick = fc.constantFrom(...nicks);
const act = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(who, nick).map(([user, as]) => joins(user, `${coven}/${as}`)) },
  { weight: 2, arbitrary: who.map((user) => says(user, coven, 'hail')) },
  fc.tuple(who, nick).map(([user, as]) => leaves(user, `${coven}/${as}`)),
  fc
    .tuple(who, nick)
    .map(([user, as]) => presence(jid(user), jid(`${coven}/${as}`), {}, el('show', NS.client, {}, 'away'))),
  who.map((user) => message(jid(user), coven, { type: 'groupchat' }, el('subject', NS.client, {}, 'Fire Burn'))),
  fc
    .tuple(nick, fc.constantFrom('none', 'visitor', 'participant', 'moderator'))
    .map(([about, role]) =>
      iq(
        jid('owner@localhost/r'),
        coven,
        { type: 'set', id: 'a' },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: about, role })),
      ),
    ),
);

/** What a client knows that does what §7.1 lets it do: believe the room. */
class Reader {
  phase: 'out' | 'others' | 'history' | 'in' = 'out';
  readonly roster = new Set<string>();
  /** Asked to enter under another nick than they have: the old one goes, then everything comes from the start. */
  rejoining = false;

  restart(): void {
    this.phase = 'out';
    this.roster.clear();
    this.rejoining = false;
  }

  read(stanza: Stanza): string | undefined {
    if (stanza.type === 'error' || stanza.name === 'iq') return undefined;
    const from = stanza.from.split('/')[1] ?? '';
    const user = readMucUser(stanza.payloads);
    if (stanza.name === 'presence') {
      if (stanza.payloads.filter(({ name, xmlns }) => name === 'x' && xmlns === NS.mucUser).length !== 1)
        return 'not one muc#user element';
      const self = user?.statuses.includes(110);
      if (stanza.type === 'unavailable') {
        if (this.phase !== 'in')
          return user?.statuses.includes(333) && self ? undefined : `unavailable while ${this.phase}`;
        if (!this.roster.delete(from)) return `${from} left and was not in`;
        if (self && (this.rejoining || !user?.statuses.includes(303))) this.restart();
        return undefined;
      }
      if (this.phase === 'history') return 'presence between self-presence and subject';
      if (this.phase === 'out') this.phase = 'others';
      this.roster.add(from);
      if (self && this.phase === 'others') this.phase = 'history';
      return undefined;
    }
    const delayed = payloadOf(stanza, 'delay', NS.delay) !== undefined;
    const isSubject = payloadOf(stanza, 'subject', NS.client) !== undefined;
    if (this.phase === 'history') {
      if (isSubject) this.phase = 'in';
      else if (!delayed) return 'a live message before the subject';
      return undefined;
    }
    if (this.phase !== 'in') return `a message while ${this.phase}`;
    return delayed && !isSubject ? 'history after the subject' : undefined;
  }
}

describe('XEP-0045 §7.1 Order of Events', () => {
  it('holds for every client under random traffic, and what clients believe is what the room knows', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const rooms = [{ jid: coven, affiliations: [{ jid: 'owner@localhost', affiliation: 'owner' as const }] }];
        const node = { kind: 'service', address: 'conference.localhost', server: 'localhost', rooms } as const;
        const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
        const readers = new Map(witches.map((witch) => [witch, new Reader()]));
        for (const stanza of acts) {
          world.clear();
          // Someone who is in and enters again starts anew (§17.3).
          const reader = readers.get(stanza.from);
          const nickNow = world
            .status(jid('conference.localhost'))
            .occupants.find(({ jid: real }) => real === stanza.from)?.nick;
          if (reader && nickNow !== undefined && payloadOf(stanza, 'x', NS.muc)) {
            if (stanza.to === `${coven}/${nickNow}`) reader.restart();
            else reader.rejoining = true;
          }
          world.send(stanza);
          for (const [witch, each] of readers)
            for (const got of world.got(witch)) expect([witch, each.read(got), got]).toEqual([witch, undefined, got]);
          if (reader) reader.rejoining = false;
          const inside = world.status(jid('conference.localhost')).occupants;
          for (const [witch, each] of readers) {
            const isIn = inside.some(({ jid: real }) => real === witch);
            expect([witch, each.phase]).toEqual([witch, isIn ? 'in' : 'out']);
            if (isIn) expect([...each.roster].sort()).toEqual(inside.map(({ nick: name }) => name).sort());
          }
        }
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});
