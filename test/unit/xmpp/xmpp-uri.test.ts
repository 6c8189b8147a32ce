import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { readAddress, roomUri } from '../../../src/core/xmpp/xmpp-uri.ts';

const room = 'theroom@rooms.macbeth.lit';

describe('RFC 5122: addresses as URIs', () => {
  it.each([
    [room, room],
    [`xmpp:${room}`, room],
    [`XMPP:${room}?join`, room],
    [`xmpp:${room}?join;password=a#b`, room],
    [`xmpp:${room}#here`, room],
    ['xmpp:the%72oom%40rooms.macbeth.lit?join', room],
    ['xmpp:caf%C3%A9@rooms.macbeth.lit?join', 'café@rooms.macbeth.lit'],
    ['xmpp:café@rooms.macbeth.lit?join', 'café@rooms.macbeth.lit'],
    ['xmpp:a%3Fb%23c%25d@rooms.macbeth.lit?join', 'a?b#c%d@rooms.macbeth.lit'],
    [`xmpp://guest@example.com/${room}?join`, room],
    [`xmpp:${room}/a%20witch`, `${room}/a witch`],
    ['rooms.macbeth.lit', 'rooms.macbeth.lit'],
    // Without the scheme nothing is encoded.
    ['a%25b@rooms.macbeth.lit', 'a%25b@rooms.macbeth.lit'],
  ])('%s names %s', (text, address) => {
    expect(readAddress(text)).toBe(address);
  });

  it.each([
    '',
    'xmpp:',
    'xmpp:?join',
    'xmpp:@?join',
    'xmpp:%zz@rooms.macbeth.lit',
    'xmpp:%FF@rooms.macbeth.lit',
    'xmpp://',
  ])('%j names nothing', (text) => {
    expect(readAddress(text)).toBeUndefined();
  });

  it.each([room, 'café@rooms.macbeth.lit', 'a?b#c%d@rooms.macbeth.lit', 'x@bücher.example', 'x@[::1]'])(
    '%s is written so that it is read again, in ASCII',
    (address) => {
      const uri = roomUri(jid(address));
      expect(readAddress(uri)).toBe(address);
      expect(uri).toMatch(/^xmpp:[\x21-\x7e]+$/);
    },
  );
});
