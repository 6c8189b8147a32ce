import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { excess, insteadOf, nodeLimits, type StanzaSize } from '../../../src/core/xmpp/size.ts';
import { errorOf, iq, message, stanzaFrame } from '../../../src/core/xmpp/stanza.ts';
import { el, type XmlElement, type XmlNode } from '../../../src/core/xmpp/xml.ts';
import { parseElement } from '../../../src/server/parser.ts';

const [room, user] = [jid('coven@chat.shakespeare.lit/firstwitch'), jid('hag66@shakespeare.lit/pda')];

const text = fc.string({ unit: fc.constantFrom(...'ab&<>"\'\r\n é🧀'), maxLength: 30 });
const { tree } = fc.letrec<{ tree: XmlElement; node: XmlNode }>((tie) => ({
  tree: fc
    .tuple(
      fc.constantFrom('a', 'b'),
      fc.constantFrom(NS.client, 'urn:x', 'urn:y'),
      fc.dictionary(fc.constantFrom('p', 'q', 'r'), text),
      fc.array(tie('node') as fc.Arbitrary<XmlNode>, { maxLength: 4 }),
    )
    .map(([name, xmlns, attrs, children]) => el(name, xmlns, attrs, ...children)),
  node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, text, tie('tree')),
}));

/** The limits that this is just within. */
function sizes(limits: StanzaSize): readonly StanzaSize[] {
  const keys = ['bytes', 'depth', 'attributes', 'children', 'declarations'] as const;
  return keys.map((key) => ({ ...limits, [key]: limits[key] - 1 }));
}

describe('The size of a stanza as it is written', () => {
  it('is beyond a limit exactly where our own server says so', () => {
    fc.assert(
      fc.property(
        fc.array(tree, { maxLength: 3 }),
        fc.record({
          bytes: fc.integer({ min: 90, max: 600 }),
          depth: fc.integer({ min: 1, max: 6 }),
          attributes: fc.integer({ min: 6, max: 8 }),
          children: fc.integer({ min: 1, max: 5 }),
          declarations: fc.integer({ min: 1, max: 8 }),
        }),
        (payloads, limits) => {
          // All five attributes of a stanza, which are counted whether they are there or not.
          const stanza = { ...message(room, user, { type: 'groupchat', id: 'm', lang: 'en' }), payloads };
          for (const each of [limits, ...sizes(limits)]) {
            if (each.attributes < 6) continue;
            expect(excess(stanza, each) === undefined).toBe(parseElement(stanzaFrame(stanza), each).ok);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('RFC 6120 §8.2.3: in place of a result that cannot be sent, the asker gets an error', () => {
    const { answer, bounce } = insteadOf(
      iq(room, user, { type: 'result', id: 'q' }, el('a', 'urn:x')),
      'it is too long',
    );
    expect(answer).toMatchObject({ from: room, to: user, id: 'q', type: 'error' });
    expect(answer && errorOf(answer)).toEqual({
      type: 'cancel',
      condition: 'policy-violation',
      text: 'it is too long',
    });
    expect(bounce).toBeUndefined();
  });

  it('what cannot be sent comes back to the node; an error does not', () => {
    for (const stanza of [message(room, user, { id: 'q' }), iq(room, user, { type: 'get', id: 'q' })]) {
      const { answer, bounce } = insteadOf(stanza, 'it is too long');
      expect([answer, bounce]).toMatchObject([undefined, { from: user, to: room, id: 'q', type: 'error' }]);
    }
    expect(insteadOf(iq(room, user, { type: 'error', id: 'q' }), '')).toEqual({});
  });

  it('what a node may send is what our server takes from one', () => {
    expect(nodeLimits).toEqual({ bytes: 524_288, depth: 64, attributes: 64, children: 2000, declarations: 128 });
  });
});
