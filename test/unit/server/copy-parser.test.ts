import { describe, expect, it } from 'vitest';
import { nodeLimits } from '../../../src/core/xmpp/size.ts';
import { CopyParser, defaultLimits, parseElement } from '../../../src/server/parser.ts';

const rest = '<body>Fair is foul &amp; foul is fair</body><x xmlns="a"><y/></x></message>';
const frame = (attrs: string, after = rest) => `<message xmlns="jabber:client"${attrs}>${after}`;

describe('copies of one stanza are read once', () => {
  it('a copy reads as it would alone, and shares what is between the tags', () => {
    const copies = new CopyParser();
    const read = ['a@b/c', 'd@e/f', 'a@b/c'].map((to) => {
      const text = frame(` from="r@s/n" to="${to}" type="groupchat" id="1" xml:lang="en"`);
      const parsed = copies.parse(text, defaultLimits);
      expect(parsed).toEqual(parseElement(text));
      return parsed.ok ? parsed.element.children : undefined;
    });
    expect(read[1]).toBe(read[0]);
    expect(read[2]).toBe(read[0]);
  });

  for (const [what, text] of [
    ['an attribute twice', frame(' to="a@b" to="c@d"')],
    ['an attribute twice, by a name every object has', frame(' to="a@b" to="c@d" id="__proto__"')],
    ['a character XML forbids', frame(' to="a\u0001@b"')],
    ['a reference in an attribute', frame(' to="a&amp;@b"')],
    ['a reference to a character XML forbids', frame(' to="&#1;@b"')],
    ['a prefix declared', frame(' xmlns:p="q" to="a@b"')],
    ['another namespace', '<message xmlns="jabber:server" to="a@b">'.concat(rest)],
    ['another stanza', `<presence xmlns="jabber:client" to="a@b">${rest}`],
    ['another end', frame(' to="a@b"', `${rest} `)],
    ['something after it', frame(' to="a@b"', `${rest}<a/>`)],
    ['single quotes', `<message xmlns='jabber:client' to='a@b'>${rest}`],
    ['no attributes', frame('')],
    ['another body', frame(' to="a@b"', rest.replace('Fair', 'Foul'))],
  ] as const)
    it(`after a copy, ${what} is read strictly`, () => {
      const copies = new CopyParser();
      copies.parse(frame(' to="a@b"'), defaultLimits);
      expect(copies.parse(text, defaultLimits)).toEqual(parseElement(text));
      const next = frame(' to="c@d"');
      expect(copies.parse(next, defaultLimits)).toEqual(parseElement(next));
    });

  it('what was refused once is refused again', () => {
    const copies = new CopyParser();
    const bad = frame(' to="a@b"', '<body>&bad;</body></message>');
    expect([copies.parse(bad, defaultLimits), copies.parse(bad, defaultLimits)]).toEqual([
      parseElement(bad),
      parseElement(bad),
    ]);
  });

  it('an empty stanza has no rest to share', () => {
    const copies = new CopyParser();
    const text = '<presence xmlns="jabber:client" to="a@b"/>';
    expect([copies.parse(text, defaultLimits), copies.parse(text, defaultLimits)]).toEqual([
      parseElement(text),
      parseElement(text),
    ]);
  });
});

describe('XEP-0033: a stanza for many is read as any other', () => {
  const address = (jid: string) => `<address type="bcc" jid="${jid}"/>`;
  const list = (...inside: readonly string[]) =>
    `<addresses xmlns="http://jabber.org/protocol/address">${inside.join('')}</addresses>`;
  const many = Array.from({ length: 100 }, (_, i) => address(`u${i}@a.example/Ünïcode ${i}`));
  const head = ' from="r@s/n" to="s" type="groupchat"';

  it.each([
    ['a hundred addresses', frame(head, list(...many) + rest)],
    ['none', frame(head, list() + rest)],
    ['two lists', frame(head, list(address('a@b')) + list(address('c@d')) + rest)],
    ['a list behind the body', frame(head, rest.replace('<x', `${list(address('a@b'))}<x`))],
    ['many lists, and a mistake behind them', frame(head, `${list(address('a@b')).repeat(1500)}<y></message>`)],
    ['nothing beside it', frame(head, `${list(...many)}</message>`)],
    ['another type', frame(head, list(address('a@b').replace('bcc', 'to')) + rest)],
    ['a description', frame(head, list(address('a@b').replace(' jid', ' desc="x" jid')) + rest)],
    ['no type', frame(head, list('<address jid="a@b"/>') + rest)],
    ['a reference', frame(head, list(address('a&amp;b@c')) + rest)],
    ['a bad reference', frame(head, list(address('a&bad;b@c')) + rest)],
    ['a character XML forbids', frame(head, list(address('a\u0001@b')) + rest)],
    ['half a pair', frame(head, list(address('a\ud800@b')) + rest)],
    ['an address that is not empty', frame(head, list('<address type="bcc" jid="a@b">x</address>') + rest)],
    ['text between addresses', frame(head, list(address('a@b'), ' ', address('c@d')) + rest)],
    ['another namespace', frame(head, list(address('a@b')).replace('address"', 'addresses"') + rest)],
    ['a list that does not end', frame(head, list(address('a@b')).replace('</addresses>', '') + rest)],
    ['more than an element may have', frame(head, list(...Array.from({ length: 2001 }, () => address('a@b'))) + rest)],
    ['one too many beside it', frame(head, list(address('a@b')) + '<y/>'.repeat(2000) + rest)],
  ])('%s', (_, text) => {
    const copies = new CopyParser();
    const limits = { ...nodeLimits, bytes: 4_000_000 };
    expect(copies.parse(text, limits)).toEqual(parseElement(text, limits));
    const plain = frame(head);
    expect(copies.parse(plain, limits)).toEqual(parseElement(plain, limits));
    expect(copies.parse(text, limits)).toEqual(parseElement(text, limits));
  });
});
