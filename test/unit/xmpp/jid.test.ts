import { describe, expect, it } from 'vitest';
import { bareOf, domainOf, jid, parseJid, parseNick, partsOf, resourceOf } from '../../../src/core/xmpp/jid.ts';

describe('RFC 7622 §3.2 parts', () => {
  it.each([
    ['r@s/a/b@c', { local: 'r', domain: 's', resource: 'a/b@c' }],
    ['s/a@b/c', { local: '', domain: 's', resource: 'a@b/c' }],
    ['talk.denmark.lit', { local: '', domain: 'talk.denmark.lit', resource: '' }],
    ['replica@[::1]/x', { local: 'replica', domain: '[::1]', resource: 'x' }],
  ])('%s', (text, parts) => {
    const address = jid(text);
    expect(partsOf(address)).toMatchObject(parts);
    expect(domainOf(address)).toBe(parts.domain);
    expect(resourceOf(address)).toBe(parts.resource);
    expect(bareOf(address)).toBe(parts.resource === '' ? address : address.slice(0, -parts.resource.length - 1));
    expect(partsOf(address)).toBe(partsOf(address));
  });
});

describe('RFC 7622 §3 preparation', () => {
  it.each([
    ['localpart and domain to lower case', 'Juliet@Example.COM/Balcony', 'juliet@example.com/Balcony'],
    ['fullwidth localpart', '\uff41@b', 'a@b'],
    ['trailing dot of a domain', 'a@example.com.', 'a@example.com'],
    ['NFC', 'a@b/e\u0301', 'a@b/\u00e9'],
    ['other spaces in a resource', 'a@b/foo\u00a0bar', 'a@b/foo bar'],
    ['upper case beyond ASCII', '\u0394@b', '\u03b4@b'],
    ['a domain in another script', 'a@m\u00fcnchen.example', 'a@m\u00fcnchen.example'],
  ])('%s', (_what, text, prepared) => {
    expect(parseJid(text)).toBe(prepared);
    expect(parseJid(prepared)).toBe(prepared);
  });

  it.each([
    ['empty', ''],
    ['no domain', 'a@'],
    ['empty localpart is none', '@b'],
    ['empty resource', 'a@b/'],
    ['space in a localpart', 'a b@c'],
    ['quote in a localpart', "a'b@c"],
    ['a resource of one space', 'a@b/ '],
    ['a resource of NBSP', 'a@b/\u00a0'],
    ['right-to-left override', 'a@b/\u202egnp.exe'],
    ['zero width joiner', 'a@b/A\u200d'],
    ['control character', 'a@b/\u0007'],
    ['U+FFFE', 'a@b/\ufffe'],
    ['lone surrogate', 'a@b/\ud800'],
    ['1,024 bytes of resource', `a@b/${'x'.repeat(1024)}`],
    ['1,024 bytes of localpart in two-byte letters', `${'\u00e9'.repeat(512)}@b`],
    ['a compatibility character in a localpart', '\u2163@b'],
    ['a label that starts with a hyphen', 'a@-b'],
    ['a domain with a space', 'a@b c'],
    ['two at signs', 'a@b@c'],
  ])('refuses: %s', (_what, text) => {
    expect(parseJid(text)).toBeUndefined();
  });

  it('takes what is long, but not too long', () => {
    expect(parseJid(`a@b/${'x'.repeat(1023)}`)).toBeDefined();
  });

  it('a nick is a resourcepart', () => {
    expect(parseNick('Wumpus the 2nd')).toBe('Wumpus the 2nd');
    expect(parseNick('   ')).toBeUndefined();
  });
});
