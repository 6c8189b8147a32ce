import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBase64 } from '../../../src/core/xmpp/base64.ts';
import { sha1 } from '../../../src/core/xmpp/sha1.ts';

describe('SHA-1 and base64', () => {
  it('RFC 3174 §7.3: the test vectors', () => {
    const of = (text: string) => sha1(new TextEncoder().encode(text));
    expect(of('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    expect(of('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
      '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
    );
  });

  it('are the platform’s, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const encoded = Buffer.from(bytes).toString('base64');
        expect(readBase64(encoded)).toEqual(bytes);
        expect(readBase64(encoded.replace(/(.{20})/g, '$1\r\n\t'))).toEqual(bytes);
        expect(sha1(bytes)).toBe(createHash('sha1').update(bytes).digest('hex'));
      }),
    );
  });

  it.each(['a', 'ab=', 'ab==c', '====', 'a===', 'ab-_', 'abc*'])('%s is no base64', (text) =>
    expect(readBase64(text)).toBeUndefined(),
  );
});
