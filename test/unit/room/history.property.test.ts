import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryItem } from '../../../src/core/room/event.ts';
import { delayedMessage, selectHistory } from '../../../src/core/room/history.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { stanzaText } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';

const room = jid('coven@chat.shakespeare.lit');
const hag = jid('hag66@shakespeare.lit/pda');
const start = Date.UTC(2002, 9, 13);
const now = instant(start + 100_000);

const history = fc
  .array(fc.record({ gap: fc.nat(5_000), body: fc.string({ maxLength: 60 }) }), { maxLength: 20 })
  .map((lines) => {
    let at = start;
    return lines.map(({ gap, body }, i): HistoryItem => {
      at += gap;
      const payloads = [el('body', NS.client, {}, body.replace(/[^\x20-\x7e]/g, '?'))];
      return { by: room, id: `i${i}`, nick: 'firstwitch', occupantId: 'o', at: instant(at), payloads };
    });
  });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const request = fc.record({
  maxstanzas: optional(fc.nat(25)),
  maxchars: optional(fc.nat(6_000)),
  seconds: optional(fc.nat(120)),
  since: optional(fc.integer({ min: start, max: start + 110_000 }).map(instant)),
});

describe('XEP-0045 §7.2.14 Managing Discussion History', () => {
  it('is the longest tail that breaks none of the limits: complete stanzas, oldest first', () => {
    fc.assert(
      fc.property(history, request, (items, wish) => {
        const stanzas = items.map((item) => delayedMessage(room, item, hag));
        /** The model: tries every tail against every sentence of the section. */
        const allowed = (from: number) =>
          (wish.maxstanzas === undefined || items.length - from <= wish.maxstanzas) &&
          (wish.maxchars === undefined ||
            stanzas.slice(from).reduce((sum, stanza) => sum + stanzaText(stanza).length, 0) <= wish.maxchars) &&
          items
            .slice(from)
            .every(
              ({ at }) =>
                (wish.seconds === undefined || at >= now - wish.seconds * 1000) &&
                (wish.since === undefined || at >= wish.since),
            );
        let from = 0;
        while (!allowed(from)) from++;
        const given = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
        expect(selectHistory(room, items, given, hag, now)).toEqual(stanzas.slice(from));
      }),
    );
  });
});
