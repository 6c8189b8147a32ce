import { describe, expect, it } from 'vitest';
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
