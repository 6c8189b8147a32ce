import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { errorOf, errorReply, iq, message, presence, stanzaLength, stanzaText } from '../../../src/core/xmpp/stanza.ts';
import {
  el,
  isXmlText,
  readCount,
  sameElements,
  serialize,
  serializedLength,
  utf8Length,
} from '../../../src/core/xmpp/xml.ts';

describe('serialising', () => {
  it('escapes text and attributes, so that no name or reason can add markup', () => {
    const nick = `x' role='moderator "<&>\t\n`;
    expect(serialize(el('item', 'a', { nick }, nick))).toBe(
      '<item xmlns="a" nick="x&apos; role=&apos;moderator &quot;&lt;&amp;&gt;&#x9;&#xA;">x\' role=\'moderator "&lt;&amp;&gt;\t\n</item>',
    );
  });

  it('declares a namespace only where it changes', () => {
    expect(serialize(el('a', 'x', {}, el('b', 'x'), el('c', 'y', {}, el('d', 'x'))), 'x')).toBe(
      '<a><b/><c xmlns="y"><d xmlns="x"/></c></a>',
    );
  });

  it('counts bytes as UTF-8', () => {
    for (const text of ['', 'abc', 'é', '€', '😀', 'a😀é'])
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
  });

  it.each(['', 'abc', 'é€😀', '&amp; <b>\r\n\t"\'', 'a😀"é<€\t', '>?@'])(
    'knows the length of %j without writing it',
    (text) => {
      const inner = el('c', 'y', { nick: text, jid: 'x' }, text, el('d', 'y'), text);
      for (const element of [
        el('a', 'x'),
        el('a', 'x', { key: text }),
        el('é', 'x', { é: text }, inner, text),
        inner,
      ]) {
        for (const inherited of ['', 'x', 'y'])
          expect(serializedLength(element, inherited)).toBe(utf8Length(serialize(element, inherited)));
        const [from, to] = [jid('a@x/ä😀'), jid('b@y/"<2>')];
        for (const parts of [{}, { id: text, type: 'chat' }, { lang: 'de', id: 'i' }])
          for (const stanza of [message(from, to, parts), message(from, to, parts, element, inner)])
            expect(stanzaLength(stanza)).toBe(utf8Length(stanzaText(stanza)));
      }
    },
  );

  it('compares elements by what they say', () => {
    const given = el('a', 'x', { b: '1', c: '2' }, 'text', el('d', 'x'));
    expect(sameElements([given], [el('a', 'x', { c: '2', b: '1' }, 'text', el('d', 'x'))])).toBe(true);
    expect(sameElements([], [])).toBe(true);
    for (const other of [
      'text',
      el('b', 'x', given.attrs, ...given.children),
      el('a', 'y', given.attrs, ...given.children),
      el('a', 'x', { b: '1' }, ...given.children),
      el('a', 'x', { b: '1', c: '3' }, ...given.children),
      el('a', 'x', { b: '1', c: '2', e: '' }, ...given.children),
      el('a', 'x', given.attrs, 'text'),
      el('a', 'x', given.attrs, 'text', el('d', 'x', { f: '' })),
    ]) {
      expect(sameElements([given], [other])).toBe(false);
      expect(sameElements([other], [given])).toBe(false);
    }
    expect(sameElements([given], [given, given])).toBe(false);
  });

  it.each([
    ['0', 1, 0],
    ['0123456789', 10, 123456789],
    ['12', 1, undefined],
    ['', 9, undefined],
    ['-1', 9, undefined],
    ['1.5', 9, undefined],
    [' 1', 9, undefined],
    ['1\n', 9, undefined],
    ['٣', 9, undefined],
    [undefined, 9, undefined],
  ])('%j, of at most %d digits, counts %j', (text, digits, count) => {
    expect(readCount(text, digits)).toBe(count);
  });

  it.each(['\u0000', '\u0002', '\ufffe', '\ud83d', '\ude00x'])('XML 1.0 §2.2: %j may not be said', (text) => {
    expect(isXmlText(`a${text}`)).toBe(false);
    expect(isXmlText('a\t\n😀')).toBe(true);
  });
});

describe('RFC 6120 §8.3 errors', () => {
  const [a, b] = [jid('a@x/1'), jid('b@y/2')];
  it('addresses swapped, id kept', () => {
    const reply = errorReply(message(a, b, { id: 'm', type: 'chat' }), {
      type: 'wait',
      condition: 'remote-server-timeout',
      text: 'later',
    });
    expect(reply && stanzaText(reply)).toBe(
      `<message from="b@y/2" to="a@x/1" id="m" type="error"><error type="wait"><remote-server-timeout xmlns="${NS.stanzas}"/><text xmlns="${NS.stanzas}">later</text></error></message>`,
    );
    expect(reply && errorOf(reply)).toEqual({ type: 'wait', condition: 'remote-server-timeout', text: 'later' });
  });
  it('never in answer to an error, nor to a result', () => {
    const error = { type: 'cancel', condition: 'bad-request' } as const;
    expect(errorReply(presence(a, b, { type: 'error' }), error)).toBeUndefined();
    expect(errorReply(iq(a, b, { type: 'result', id: 'x' }), error)).toBeUndefined();
  });
});
