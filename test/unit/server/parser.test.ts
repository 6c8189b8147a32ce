import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJid } from '../../../src/core/xmpp/jid.ts';
import { nodeLimits } from '../../../src/core/xmpp/size.ts';
import { el, isXmlText, serialize, type XmlElement, type XmlNode } from '../../../src/core/xmpp/xml.ts';
import { CopyParser, defaultLimits, parseElement } from '../../../src/server/parser.ts';

const read = (text: string) => {
  const parsed = parseElement(text);
  if (!parsed.ok) throw new Error(parsed.text);
  return parsed.element;
};
const condition = (text: string, limits = defaultLimits) => {
  const parsed = parseElement(text, limits);
  return parsed.ok ? 'accepted' : parsed.condition;
};

describe('RFC 7395 §3.3.3 one element a frame', () => {
  it('reads an element with its namespaces resolved', () => {
    expect(
      read(
        `<m:message xmlns:m='jabber:client' to='a@b'><body xmlns='jabber:client'>x &amp; <![CDATA[<y>]]></body></m:message>`,
      ),
    ).toEqual(el('message', 'jabber:client', { to: 'a@b' }, el('body', 'jabber:client', {}, 'x & <y>')));
  });

  it.each([
    ['two elements', '<a/><b/>'],
    ['half an element', '<a><b/>'],
    ['leading space', ' <a/>'],
    ['trailing space', '<a/> '],
    ['nothing', ''],
    ['text alone', 'hello'],
    ['a stray end', '</open><presence/>'],
    ['wrong nesting', '<a><b></a></b>'],
  ])('refuses %s', (_, text) => expect(condition(text)).toBe('not-well-formed'));
});

describe('RFC 6120 §11.1 restricted XML', () => {
  it.each([
    ['a comment', '<a><!-- x --></a>'],
    ['a comment before', '<!-- x --><a/>'],
    ['a processing instruction', '<a><?x y?></a>'],
    ['a declaration', "<?xml version='1.0'?><a/>"],
    ['a doctype', '<!DOCTYPE m [<!ENTITY a "x">]><m>&a;</m>'],
  ])('refuses %s', (_, text) => expect(condition(text)).toBe('restricted-xml'));
});

describe('XML 1.0 and Namespaces in XML', () => {
  it.each([
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a duplicate attribute', "<a x='1' x='2'/>"],
    ['one attribute by two prefixes', "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>"],
    ['an unbound prefix', '<p:a/>'],
    ['an attribute with an unbound prefix', "<a p:x='1'/>"],
    ['a prefix undeclared', "<a xmlns:p=''/>"],
    ['the prefix xml bound elsewhere', "<a xmlns:xml='u'/>"],
    ['an element in the namespace of xml:', '<xml:a/>'],
    ['two colons', "<p:q:a xmlns:p='u'/>"],
    ['< in an attribute', "<a x='<'/>"],
    [']]> in text', '<a>]]></a>'],
    ['an attribute without quotes', '<a x=1/>'],
    ['NUL', '<a>\u0000</a>'],
    ['U+0002', '<a>\u0002</a>'],
    ['a reference to U+0002', '<a>&#2;</a>'],
    ['a reference to a surrogate', '<a>&#xD83D;</a>'],
    ['U+FFFE', '<a>\ufffe</a>'],
    ['a lone surrogate', '<a>\ud83d</a>'],
    [
      'a space after a namespace, which would be read as none',
      "<a><fmuc xmlns='http://isode.com/protocol/fmuc '/></a>",
    ],
    ['U+0001 in a namespace', "<a xmlns='jabber:client\u0001'/>"],
  ])('refuses %s', (_, text) => expect(condition(text)).toBe('not-well-formed'));

  it('reads xml:lang and no other attribute with a namespace', () => {
    expect(read("<f:fmuc xmlns:f='urn:f' f:from='x' from='y' xml:lang='fi'/>").attrs).toEqual({
      from: 'y',
      'xml:lang': 'fi',
    });
  });

  it('is not impressed by names of Object.prototype', () => {
    const { attrs } = read("<a __proto__='x' constructor='y' toString='z'/>");
    expect(Object.getPrototypeOf(attrs)).toBe(Object.prototype);
    expect(Object.entries(attrs)).toEqual([
      ['constructor', 'y'],
      ['toString', 'z'],
    ]);
  });
});

describe('Limits', () => {
  it('counts UTF-8 bytes', () => {
    const limits = { ...defaultLimits, bytes: 20 };
    expect(condition(`<a>${'x'.repeat(13)}</a>`, limits)).toBe('accepted');
    expect(condition(`<a>${'x'.repeat(14)}</a>`, limits)).toBe('policy-violation');
    expect(condition(`<a>${'€'.repeat(5)}</a>`, limits)).toBe('policy-violation');
  });

  it.each([
    ['depth', (n: number) => '<a>'.repeat(n) + '</a>'.repeat(n), 64],
    ['attributes', (n: number) => `<a ${Array.from({ length: n }, (_, i) => `a${i}='x'`).join(' ')}/>`, 64],
    ['children', (n: number) => `<a>${'<b/>'.repeat(n)}</a>`, 2000],
    ['namespace declarations', (n: number) => `<a>${"<b xmlns='u'/>".repeat(n)}</a>`, 128],
  ])('limits %s', (_, make, max) => {
    expect(condition(make(max))).toBe('accepted');
    expect(condition(make(max + 1))).toBe('policy-violation');
  });

  it('does not overflow the stack', () => {
    expect(condition('<a>'.repeat(50_000))).toBe('policy-violation');
  });
});

describe('One parser for all streams', () => {
  const good = '<message xmlns="jabber:client" to="a@b"><body>one</body></message>';

  it.each([
    '<a xmlns:p="u"><p:b',
    '<a><b></a>',
    '<a><b>text',
    '<a x="1',
    '<a>&#1;</a>',
    '<a><!-- x',
    '<a/><b/>',
    '<a><![CDATA[x',
  ])('reads a stanza as ever after %s', (bad) => {
    expect(condition(`${bad}>`)).not.toBe('accepted');
    expect(read(good)).toEqual(el('message', 'jabber:client', { to: 'a@b' }, el('body', 'jabber:client', {}, 'one')));
    // Neither is a prefix known that another frame has declared.
    expect(condition('<p:a/>')).toBe('not-well-formed');
  });

  it('whoever keeps what was read does not keep the frame', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const kept: unknown[] = [];
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const frame = (i: number, spaces: string) =>
      `<message xmlns="jabber:client" to="somebody-${i}@a.example/with-a-resource"${spaces}><body>What ${i} says at some length &amp; so on</body></message>`;
    const spaces = ' '.repeat(200_000);
    const copies = new CopyParser();
    const before = used();
    for (let i = 0; i < 20; i++) {
      const wide = parseElement(frame(i, spaces));
      const copied = copies.parse(frame(i, '').replace(' so', `${spaces}so`), nodeLimits);
      if (!wide.ok || !copied.ok) throw new Error('refused');
      const to = [wide, copied].map(({ element }) => element.attrs['to'] as string);
      kept.push(wide.element, copied.element.attrs, to.map(parseJid));
    }
    expect(used() - before).toBeLessThan(1_000_000);
    expect(kept).toHaveLength(60);
  });
});

describe('Smuggling: what is read is what is written', () => {
  const name = fc.constantFrom('message', 'body', 'x', 'héllo', '_a', 'a.b-c', 'constructor');
  const xmlns = fc.constantFrom('jabber:client', 'urn:a', 'http://isode.com/protocol/fmuc', 'urn:\'<&>"', '');
  const text = fc.string({ unit: 'binary' }).filter((s) => s !== '' && isXmlText(s));
  const attrs = fc.dictionary(fc.constantFrom('from', 'to', 'id', 'a-b', 'xml:lang', 'valueOf'), text, {
    noNullPrototype: true,
  });
  const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
    element: fc
      .record({
        name,
        xmlns,
        attrs,
        children: fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          fc.constant<XmlNode[]>([]),
          fc.array(fc.oneof<fc.Arbitrary<XmlNode>[]>(text, tie('element')), { maxLength: 4 }),
        ),
      })
      // Neighbouring texts are one text in XML.
      .map((e) => ({
        ...e,
        children: e.children.filter((c, i) => typeof c !== 'string' || typeof e.children[i - 1] !== 'string'),
      })),
  }));

  it('reads back what was serialised (property)', () => {
    fc.assert(
      fc.property(element, (e) => {
        expect(read(serialize(e))).toEqual(e);
      }),
      { numRuns: 500 },
    );
  });

  it('a mutated frame is refused, or reads the same again after writing (property)', () => {
    const bits = fc.constantFrom(
      '<',
      '>',
      '/',
      "'",
      '"',
      '&',
      ';',
      '#',
      '!',
      '-',
      '[',
      ']',
      '?',
      ':',
      '=',
      ' ',
      'xmlns',
      '\u0001',
      '\u0000',
      '\ufffe',
      '\ud800',
      'é',
    );
    const mutation = fc.record({ at: fc.nat(400), remove: fc.nat(3), insert: fc.array(bits, { maxLength: 3 }) });
    let accepted = 0;
    fc.assert(
      fc.property(element, fc.array(mutation, { minLength: 1, maxLength: 3 }), (e, mutations) => {
        let frame = serialize(e);
        for (const { at, remove, insert } of mutations) {
          const i = at % (frame.length + 1);
          frame = frame.slice(0, i) + insert.join('') + frame.slice(i + remove);
        }
        const parsed = parseElement(frame);
        if (!parsed.ok) return;
        accepted++;
        expect(read(serialize(parsed.element))).toEqual(parsed.element);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
