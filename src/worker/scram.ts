/// <reference path="./xmpp.d.ts" />
import type { SaslFactory } from '@xmpp/client';
import ScramSha1, { type ScramCredentials } from 'sasl-scram-sha-1';

/**
 * SCRAM-SHA-1 (RFC 5802) with the salted password computed by the browser's own PBKDF2, which is what `Hi()` of §2.2 is.
 * The library runs the iterations one by one in JavaScript. That takes a tenth of a second for each login, and a page logs in a
 * dozen times.
 */
class FastScramSha1 extends ScramSha1 {
  override async response(credentials: ScramCredentials): Promise<string> {
    if (this._stage !== 'challenge') return super.response(credentials);
    const password = new TextEncoder().encode(credentials.password);
    const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    const bits = await crypto.subtle.deriveBits(
      { name: 'PBKDF2', hash: 'SHA-1', salt: this._salt, iterations: this._iterationCount },
      key,
      160,
    );
    // Salt and salted password of "an earlier login": the library then skips its own loop.
    return super.response({ ...credentials, salt: this._salt, saltedPassword: new Uint8Array(bits) });
  }
}

/** Puts our SCRAM before all mechanisms that a SASL factory has: of those a server offers, the first is taken. */
export function preferScram(factory: SaslFactory): void {
  factory._mechs.unshift({ name: FastScramSha1.prototype.name, mech: FastScramSha1 });
}
