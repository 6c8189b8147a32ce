import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanPayloads } from '../../../src/core/room/hygiene.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import {
  el,
  elementsOf,
  escapeAttribute,
  serialize,
  type XmlElement,
  type XmlNode,
} from '../../../src/core/xmpp/xml.ts';
import { parseElement } from '../../../src/server/parser.ts';

const room = jid('coven@chat.shakespeare.lit');
const prefix = fc.constantFrom('', 'a', 'b', 'xx', 'muc');
const names = fc.constantFrom('x', 'item', 'fmuc', 'stanza-id', 'delay', 'body', 'forwarded', 'occupant-id', 'leave');
const reserved = [NS.muc, NS.mucUser, NS.dmuc1, NS.dmuc2, NS.fmuc, NS.ext, NS.occupantId];
const namespaces = fc.constantFrom(...reserved, NS.client, NS.sid, NS.delay, 'urn:xmpp:forward:0', `${NS.fmuc}#`);
const from = fc.constantFrom(room, `${room}/firstwitch`, 'hag66@shakespeare.lit', 'COVEN@chat.shakespeare.lit', '');
const words: fc.Arbitrary<string | Written> = fc.constantFrom('', 'hail', '<&>', 'a\'b"c', 'ü 🧙', '\r\n\t', ']]>');

/** Text of an element as a hostile client might write it, and what it means. */
interface Written {
  readonly text: string;
  readonly means: XmlElement;
}
const element: fc.Memo<Written> = fc.memo((depth) =>
  fc
    .record({
      name: names,
      xmlns: namespaces,
      prefix,
      from: fc.option(from, { nil: undefined }),
      children: fc.array(fc.oneof(...(depth > 1 ? [element()] : []), words), { maxLength: 3 }),
    })
    .map(({ name, xmlns, prefix: p, from: sender, children }) => {
      const tag = p === '' ? name : `${p}:${name}`;
      const declaration = `xmlns${p === '' ? '' : `:${p}`}="${escapeAttribute(xmlns)}"`;
      // Attributes of other namespaces are never read.
      const decoy = p === '' ? '' : ` ${p}:from="${room}"`;
      const attrs = sender === undefined ? {} : name === 'stanza-id' ? { by: sender } : { from: sender };
      const shown = Object.entries(attrs).map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`);
      const nodes: XmlNode[] = [];
      for (const child of children) {
        const node = typeof child === 'string' ? child : child.means;
        const last = nodes.at(-1);
        if (typeof node === 'string' && typeof last === 'string') nodes[nodes.length - 1] = last + node;
        else if (node !== '') nodes.push(node);
      }
      const inner = children.map((child) =>
        typeof child === 'string' ? child.replace(/[<>&\r]/g, (c) => `&#${c.charCodeAt(0)};`) : child.text,
      );
      return {
        text: `<${tag} ${declaration}${decoy}${shown.join('')}>${inner.join('')}</${tag}>`,
        means: el(name, xmlns, attrs, ...nodes),
      };
    }),
);

const payloads = fc.array(element(4), { maxLength: 5 });
const message = (inner: readonly { text: string }[]) =>
  `<message xmlns="${NS.client}" type="groupchat">${inner.map(({ text }) => text).join('')}</message>`;

function read(text: string): XmlElement {
  const parsed = parseElement(text);
  if (!parsed.ok) throw new Error(`${parsed.text}: ${text}`);
  return parsed.element;
}

describe('hygiene at ingest (XEP-0045 §17.3, XEP-0359 §3)', () => {
  it('however it is written, a reserved direct child goes; all else stays, inside and out, in its order', () => {
    fc.assert(
      fc.property(payloads, (wanted) => {
        const got = elementsOf(read(message(wanted)));
        expect(got).toEqual(wanted.map(({ means }) => means));
        const forged = ({ name, xmlns, attrs }: XmlElement) => {
          const ours = { [room]: true, [`${room}/firstwitch`]: true, 'COVEN@chat.shakespeare.lit': true } as Record<
            string,
            boolean
          >;
          if (reserved.includes(xmlns as typeof NS.muc)) return true;
          if (name === 'stanza-id' && xmlns === NS.sid)
            return ours[attrs['by'] ?? ''] === true && attrs['by'] !== `${room}/firstwitch`;
          // A delay of nobody is one of the room's.
          return name === 'delay' && xmlns === NS.delay && (!attrs['from'] || ours[attrs['from']] === true);
        };
        expect(cleanPayloads(room, got)).toEqual(got.filter((payload) => !forged(payload)));
        expect(cleanPayloads(room, cleanPayloads(room, got))).toEqual(cleanPayloads(room, got));
      }),
    );
  });

  it('what was read is what is read again after it was written', () => {
    fc.assert(
      fc.property(payloads, (wanted) => {
        const once = read(message(wanted));
        expect(read(serialize(once))).toEqual(once);
        // Written into a stream whose default namespace is declared above it.
        const nested = read(`<s xmlns="${NS.client}">${serialize(once, NS.client)}</s>`);
        expect(elementsOf(nested)).toEqual([once]);
      }),
    );
  });
});
