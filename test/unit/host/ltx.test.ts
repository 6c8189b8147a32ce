import { Parser } from '@xmpp/xml';
import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { stanzaText } from '../../../src/core/xmpp/stanza.ts';
import { type LtxElement, stanzaFrom, xmlFrom } from '../../../src/host/ltx.ts';

/** The element as @xmpp/client's own parser gives it. */
function parsed(text: string): LtxElement {
  const parser = new Parser();
  let element: LtxElement | undefined;
  parser.on('element', (found: unknown) => {
    element = found as LtxElement;
  });
  parser.write(`<root>${text}`);
  if (element === undefined) throw new Error(`not parsed: ${text}`);
  return element;
}

describe('ltx elements become plain data', () => {
  it('takes over addresses, attributes and payloads', () => {
    const text = `<message xmlns="jabber:client" from="wallops@channel.avalon.irc/BigCheese" to="rubenro@vesa.yeggmaex.irc/shaver" id="1" type="groupchat" xml:lang="en"><body>a &lt; b &amp; c</body><delay xmlns="urn:xmpp:delay" stamp="2010-01-01T00:00:00Z"/></message>`;
    const stanza = stanzaFrom(parsed(text));
    expect(stanza).toEqual({
      name: 'message',
      from: jid('wallops@channel.avalon.irc/BigCheese'),
      to: jid('rubenro@vesa.yeggmaex.irc/shaver'),
      id: '1',
      type: 'groupchat',
      lang: 'en',
      payloads: [
        { name: 'body', xmlns: NS.client, attrs: {}, children: ['a < b & c'] },
        { name: 'delay', xmlns: NS.delay, attrs: { stamp: '2010-01-01T00:00:00Z' }, children: [] },
      ],
    });
    expect(structuredClone(stanza)).toEqual(stanza);
    expect(stanzaFrom(parsed(stanzaText(stanza as NonNullable<typeof stanza>)))).toEqual(stanza);
  });

  it('resolves prefixes to (namespace, local name)', () => {
    const element = xmlFrom(
      parsed(
        `<message xmlns:d="urn:xmpp:delay"><d:delay d:stamp="no" stamp="yes"><inner/></d:delay><x:lost/></message>`,
      ),
    );
    expect(element?.children).toEqual([
      {
        name: 'delay',
        xmlns: NS.delay,
        attrs: { stamp: 'yes' },
        children: [{ name: 'inner', xmlns: NS.client, attrs: {}, children: [] }],
      },
    ]);
  });

  it('refuses a malformed address and assumes an absent one where told', () => {
    expect(stanzaFrom(parsed(`<message from="a@@b" to="b.lit"/>`))).toBeUndefined();
    expect(stanzaFrom(parsed(`<message from="" to="b.lit"/>`))).toBeUndefined();
    expect(stanzaFrom(parsed(`<message to="b.lit"/>`))).toBeUndefined();
    expect(stanzaFrom(parsed(`<iq type="get"/>`), { from: jid('b.lit'), to: jid('a@b.lit/r') })?.from).toBe('b.lit');
  });

  it('takes no nonza and no other namespace for a stanza', () => {
    expect(stanzaFrom(parsed(`<success from="a.lit" to="b.lit"/>`))).toBeUndefined();
    expect(stanzaFrom(parsed(`<message xmlns="jabber:server" from="a.lit" to="b.lit"/>`))).toBeUndefined();
  });

  it('refuses to follow nesting without end', () => {
    const deep = `<message from="a.lit" to="b.lit">${'<a>'.repeat(500)}${'</a>'.repeat(500)}</message>`;
    expect(stanzaFrom(parsed(deep))?.payloads).toHaveLength(1);
    const seen = JSON.stringify(stanzaFrom(parsed(deep)));
    expect(seen.match(/"name":"a"/g)?.length).toBeLessThan(100);
  });
});
