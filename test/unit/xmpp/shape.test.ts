import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { make, readdressed, withMore, withParts } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { stanzaFrom } from '../../../src/host/ltx.ts';
import { readIncoming } from '../../../src/server/incoming.ts';

describe('Every stanza has all seven parts, in one order, be they undefined', () => {
  const a = jid('a@x.lit');
  const b = jid('b@x.lit');
  const made = make('message', a, b, {}, []);
  it.each([
    ['withParts', withParts(make('message', a, b, { id: '1', type: 'chat' }, []), { id: undefined, to: a })],
    ['readdressed', readdressed(made, a)],
    ['withMore', withMore(made, el('body', 'jabber:client'))],
    ['of a browser', stanzaFrom({ name: 'message', attrs: { to: b, from: a }, children: [] })],
    ['of a stream at the server', readIncoming(el('message', 'jabber:client', { to: b, from: a }))],
    ['without addresses', readIncoming(el('message', 'jabber:client'))],
  ])('%s', (_, stanza) => {
    expect(Object.keys(stanza ?? {})).toEqual(Object.keys(made));
  });
});
