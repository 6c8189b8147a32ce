import { describe, expect, it } from 'vitest';
import type { HopRecord, LinkRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { inputOf, isSame } from '../../../src/ui/baseline.ts';
import type { MessageCost } from '../../../src/ui/fold/costs.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { plainRoomOf } from '../../../src/ui/fold/plain-room.ts';
import { PlainRooms } from '../../../src/worker/plain-rooms.ts';
import { bigCheeseSpeaks, people } from '../../support/fake-session.ts';

const wallops = builtInScenario('wallops') as Scenario;
const room = 'wallops@channel.avalon.irc';
const far = 'killrc.oulubox.irc';
const cheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const serverOf = (who: string) => who.slice(who.indexOf('@') + 1).split('/')[0] as string;

/** A page, and the plain room beside it. */
class Page {
  readonly model = new Model(wallops);
  readonly rooms = new PlainRooms(wallops);
  #seq = 0;

  tell(...records: readonly TraceRecord[]) {
    return records.flatMap((record) => {
      this.model.fold([record]);
      const input = inputOf(record, wallops, this.model);
      return input ? this.rooms.take([input]) : [];
    });
  }

  /** Handed by a user to their server. */
  hand(from: string, name: 'presence' | 'message', to: string, type: string | undefined, inside: string) {
    const seq = ++this.#seq;
    const xml = `<${name} from="${from}" to="${to}"${type ? ` type="${type}"` : ''}>${inside}</${name}>`;
    const stanza = { name, from, to, ...(type ? { type } : {}), xml, bytes: xml.length };
    return this.tell({ kind: 'hop', seq, t: seq as Instant, leg: 'in', from, to: serverOf(from), stanza });
  }

  everybodyEnters(): void {
    for (const [jid, nick] of people)
      this.hand(jid, 'presence', `${room}/${nick}`, undefined, '<x xmlns="http://jabber.org/protocol/muc"/>');
  }

  link(state: LinkRecord['state'], server: readonly [string, string] = ['avalon.irc', far]): void {
    const settings = { latencyMs: 20, jitterMs: 0, bytesPerSecond: 0, stanzas: 0, bytes: 0, dropped: 0 };
    const seq = ++this.#seq;
    this.tell({ kind: 'link', seq, t: seq as Instant, server, state, ...settings });
  }

  /** BigCheese speaks, and the copy to killrc meets a cut link if there is one. */
  speaks(body: string, n: number, outcome?: 'bounced' | 'dropped') {
    const { hops, steps } = bigCheeseSpeaks(body, 1_000 * n, 1_000 * n, n);
    const lost = (hop: HopRecord) => hop.leg === 'link' && hop.to === far;
    const reached = outcome
      ? hops.filter((hop) => lost(hop) || ![hop.to, hop.from].some((one) => one.includes(far)))
      : hops;
    const [plain] = this.tell(...reached.map((hop) => (outcome && lost(hop) ? { ...hop, outcome } : hop)), ...steps);
    const cost = this.model.costs.messages.at(-1) as MessageCost;
    if (!plain) throw new Error('no comparison');
    return {
      here: [cost.crossed, cost.lost, cost.recipients.length],
      plain: [plain.crossed, plain.lost, plain.recipients.length],
      same: isSame(cost, plain),
    };
  }
}

describe('The plain room beside a distributed one: stanzas on links, stanzas lost, deliveries', () => {
  it('everybody is reached in both: 4 stanzas beside 8', () => {
    const page = new Page();
    page.everybodyEnters();
    expect(page.speaks('hello', 1)).toEqual({ here: [4, 0, 7], plain: [8, 0, 7], same: true });
  });

  it('a cut link loses one copy here and three there; the same four people are reached', () => {
    const page = new Page();
    page.everybodyEnters();
    page.link('silent');
    expect(page.speaks('hello', 1, 'dropped')).toEqual({ here: [3, 1, 4], plain: [5, 3, 4], same: true });
    page.link('up');
    expect(page.speaks('again', 2)).toEqual({ here: [4, 0, 7], plain: [8, 0, 7], same: true });
  });

  it('where copies bounce, the plain room takes out whom they were for; healed, they are missing there', () => {
    const page = new Page();
    page.everybodyEnters();
    page.link('bounce');
    expect(page.speaks('hello', 1, 'bounced')).toEqual({ here: [3, 1, 4], plain: [5, 3, 4], same: true });
    expect(page.speaks('still there?', 2, 'bounced')).toEqual({ here: [3, 1, 4], plain: [5, 0, 4], same: true });
    page.link('up');
    expect(page.speaks('again', 3)).toEqual({ here: [4, 0, 7], plain: [5, 0, 4], same: false });
    // They enter again.
    page.everybodyEnters();
    expect(page.speaks('all', 4)).toEqual({ here: [4, 0, 7], plain: [8, 0, 7], same: true });
  });

  it('what an author on the far side of a cut says reaches nobody there', () => {
    const page = new Page();
    page.everybodyEnters();
    page.link('silent');
    const [who] = people[0];
    const [plain] = page.hand(who, 'message', room, 'groupchat', '<body>anybody?</body>');
    expect(plain).toMatchObject({ crossed: 0, lost: 1, recipients: [] });
  });

  it('whose session has ended, or who leaves, is out there, too', () => {
    const page = new Page();
    page.everybodyEnters();
    const [who, nick] = people[1];
    page.hand(who, 'presence', `${room}/${nick}`, 'unavailable', '');
    const [other] = people[2];
    const session = { stream: 'some', address: other, role: 'user', server: serverOf(other) } as const;
    page.tell({ kind: 'session', seq: 90, t: 90 as Instant, up: false, ...session });
    const [plain] = page.hand(cheese, 'message', room, 'groupchat', '<body>few</body>');
    expect(plain).toMatchObject({ crossed: 6, recipients: { length: 5 } });
  });

  it('it is unknown where nobody has seen the author enter; what nodes say is none of its business', () => {
    const page = new Page();
    const [plain] = page.hand(cheese, 'message', room, 'groupchat', '<body>hello</body>');
    expect(plain?.isUnknown).toBe(true);
    const { hops } = bigCheeseSpeaks('hello', 1_000, 1_000, 1);
    expect(hops.flatMap((hop) => inputOf(hop, wallops, page.model) ?? [])).toHaveLength(1);
  });

  it('rooms that federate in a ring have one plain room beside them: that of the first', () => {
    const ring = builtInScenario('ring') as Scenario;
    const { network } = new Model(ring);
    expect(new Set(ring.occupants.map((one) => plainRoomOf(ring, network, one.room)))).toEqual(
      new Set(['blasted@rooms.heath.lit']),
    );
  });
});
