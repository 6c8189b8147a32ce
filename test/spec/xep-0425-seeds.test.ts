import { describe, expect, it } from 'vitest';
import { isTombstone, retractNs } from '../../src/core/xep/xep0424.ts';
import { moderateNs } from '../../src/core/xep/xep0425.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { iq, message } from '../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { Prng } from '../../src/sim/prng.ts';
import { type Seat, seats } from '../support/cast.ts';
import { joins } from '../support/world.ts';

// People say things and take them back, moderators take things back, links fail and come back, nodes start again: whatever
// the order, at the end what was taken back is gone everywhere.

const steps = 40;
const historyAt = ({ world }: Seat, node: Jid) => world.seat(node).node.snapshot().rooms[0]?.history ?? [];

interface Faults {
  cut(how: 'bounce' | 'silent'): void;
  heal(): void;
  restart(): void;
}

/** @param nodes  of the people, in their order */
function play(seat: Seat, prng: Prng, nodes: readonly Jid[], faults: Faults): void {
  const { world, owner, guest, late } = seat;
  world.send(joins(late.jid, `${late.room}/${late.nick}`));
  const people = [owner, guest, late];
  for (let i = 0; i < steps; i++) {
    const k = prng.below(people.length);
    const who = people[k] as (typeof people)[number];
    const known = historyAt(seat, nodes[k] as Jid);
    const id = known.length === 0 ? 'none' : prng.pick(known).id;
    const says = (...payloads: XmlElement[]) =>
      world.send(message(jid(who.jid), jid(who.room), { type: 'groupchat', id: `m${i}` }, ...payloads));
    switch (prng.below(10)) {
      case 0:
        says(el('subject', NS.client, {}, `subject ${i}`));
        break;
      case 1:
        says(el('retract', retractNs, { id }));
        break;
      case 2: {
        const order = el('moderate', moderateNs, { id }, el('retract', retractNs));
        world.send(iq(jid(owner.jid), jid(owner.room), { type: 'set', id: `r${i}` }, order));
        break;
      }
      case 3:
        faults.cut(prng.pick(['bounce', 'silent'] as const));
        break;
      case 4:
        faults.heal();
        break;
      case 5:
        faults.restart();
        break;
      case 6:
        world.advance(prng.below(90_000));
        break;
      default:
        says(el('body', NS.client, {}, `word ${i}`));
    }
  }
  faults.heal();
  world.advance(400_000);
}

const seeds = Array.from({ length: 25 }, (_, i) => i + 1);

describe('XEP-0424, XEP-0425 in any order', () => {
  it.each(seeds)('decision #114: each replica has what the primary has, tombstone for tombstone (seed %d)', (seed) => {
    const prng = new Prng(seed);
    const policy = prng.pick(['local', 'freeze'] as const);
    const seat = (seats['replica'] as (typeof seats)[string])({}, { policy });
    const { world } = seat;
    const primary = jid('channel.avalon.irc');
    const replicas = [jid('replica@vesa.yeggmaex.irc'), jid('replica@killrc.oulubox.irc')];
    const domains = ['vesa.yeggmaex.irc', 'killrc.oulubox.irc'];
    play(seat, prng, [primary, primary, primary], {
      cut: (how) => world.cut('avalon.irc', prng.pick(domains), how),
      heal: () => {
        for (const domain of domains) world.cut('avalon.irc', domain, undefined);
      },
      restart: () => {
        const node = prng.pick([primary, ...replicas]);
        const log = world.crash(node);
        // A replica may lose its log.
        world.boot(node, node !== primary && prng.below(4) === 0 ? [] : JSON.parse(JSON.stringify(log)));
      },
    });
    const original = world.seat(primary).node.snapshot().rooms[0];
    const payloads = new Map(historyAt(seat, primary).map((item) => [item.id, item.payloads]));
    for (const replica of replicas) {
      const copy = world.seat(replica).node.snapshot().rooms[0];
      expect([replica, copy?.n, copy?.subject?.text]).toEqual([replica, original?.n, original?.subject?.text]);
      for (const item of copy?.history ?? [])
        expect([item.id, item.payloads]).toEqual([item.id, payloads.get(item.id)]);
    }
  });

  it.each(seeds)('decision #114: what a room took back is no message at another node (seed %d)', (seed) => {
    const seat = (seats['fmuc'] as (typeof seats)[string])();
    const { world } = seat;
    const [rooms, denmark] = [jid('rooms.wonderland.lit'), jid('talk.denmark.lit')];
    const prng = new Prng(seed);
    play(seat, prng, [rooms, denmark, denmark], {
      cut: (how) => world.cut('denmark.lit', 'wonderland.lit', how),
      heal: () => world.cut('denmark.lit', 'wonderland.lit', undefined),
      restart: () => {
        const node = prng.pick([rooms, denmark]);
        world.boot(node, JSON.parse(JSON.stringify(world.crash(node))));
      },
    });
    for (const [node, other] of [
      [rooms, denmark],
      [denmark, rooms],
    ] as const) {
      const taken = historyAt(seat, node).filter(({ nick, via }) => nick === '' && via === undefined);
      for (const { payloads } of taken) {
        const id = payloads[0]?.attrs['id'];
        const there = historyAt(seat, other).find((item) => item.id === id);
        expect([id, there === undefined || isTombstone(there.payloads)]).toEqual([id, true]);
      }
    }
  });
});
