import { type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import type { Account, Accounts, ScramKeys } from './accounts.ts';
import type { ServerHost } from './host.ts';

/** What one SASL step led to. RFC 6120 §6.4. `data` is not base64 yet. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: string }
  /** All is said: `check` decides, as soon as the account may be tried. */
  | { readonly kind: 'proof'; readonly name: Jid; check(): SaslVerdict }
  | SaslVerdict;

export type SaslVerdict =
  | { readonly kind: 'success'; readonly account: Account; readonly data?: string }
  | { readonly kind: 'failure'; readonly condition: SaslCondition; readonly name?: Jid };

export type SaslCondition =
  | 'aborted'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized'
  | 'temporary-auth-failure';

export type Mechanism = 'SCRAM-SHA-1' | 'PLAIN' | 'ANONYMOUS';

/** Where a login takes place: accounts are of one domain, or one service on it. */
export interface SaslRealm {
  readonly accounts: Accounts;
  /** Domain of the server: `name` logs in as `name@domain`. */
  readonly domain: Jid;
  /** Domains that log in under their own name (XEP-0225). */
  readonly services: ReadonlySet<Jid>;
  readonly anonymous: boolean;
  readonly open: boolean;
}

/** In the order in which a client should prefer them; an open server knows no password, so SCRAM cannot work there. */
export function mechanismsOf(realm: SaslRealm): readonly Mechanism[] {
  const named: readonly Mechanism[] = realm.open ? ['PLAIN'] : ['SCRAM-SHA-1', 'PLAIN'];
  return realm.anonymous ? [...named, 'ANONYMOUS'] : named;
}

/** One negotiation: call with the client's messages in turn until it ends. */
export type SaslExchange = (message: string) => SaslStep;

export function startSasl(mechanism: string, realm: SaslRealm, host: ServerHost): SaslExchange | undefined {
  const offered = mechanismsOf(realm).find((known) => known === mechanism);
  switch (offered) {
    case 'PLAIN':
      return (message) => plain(message, realm);
    case 'ANONYMOUS':
      return () => ({ kind: 'success', account: realm.accounts.anonymous(realm.domain) });
    case 'SCRAM-SHA-1':
      return scram(realm, host);
    default:
      return undefined;
  }
}

/** The address that a simple user name stands for. XEP-0225 §3: a component's is its domain. */
function addressOf(name: string, realm: SaslRealm): Jid | undefined {
  const asDomain = parseJid(name);
  if (asDomain !== undefined && realm.services.has(asDomain)) return asDomain;
  const address = parseJid(`${name}@${realm.domain}`);
  // The localpart may not smuggle another domain or a resource in.
  if (address === undefined || partsOf(address).domain !== realm.domain || partsOf(address).resource !== '')
    return undefined;
  return address;
}

function authorises(authzid: string, address: Jid): boolean {
  return authzid === '' || parseJid(authzid) === address;
}

/** RFC 4616 §2: `[authzid] NUL authcid NUL passwd`. */
function plain(message: string, realm: SaslRealm): SaslStep {
  const parts = message.split('\0');
  const [authzid, name, password] = parts;
  if (parts.length !== 3 || authzid === undefined || !name || !password)
    return { kind: 'failure', condition: 'malformed-request' };
  const address = addressOf(name, realm);
  if (address === undefined) return { kind: 'failure', condition: 'not-authorized' };
  const check = (): SaslVerdict => {
    const account = realm.accounts.login(address);
    if (!realm.accounts.passwordMatches(account, password) || account === undefined)
      return { kind: 'failure', condition: 'not-authorized', name: address };
    if (!authorises(authzid, address)) return { kind: 'failure', condition: 'invalid-authzid', name: address };
    return { kind: 'success', account };
  };
  return { kind: 'proof', name: address, check };
}

/** RFC 5802 §5: client-first, server-first, client-final, server-final. */
function scram(realm: SaslRealm, host: ServerHost): SaslExchange {
  const { crypto } = host;
  let pending:
    | {
        readonly first: ClientFirst;
        readonly serverFirst: string;
        readonly nonce: string;
        readonly keys: ScramKeys;
        readonly address: Jid;
      }
    | undefined;

  return (message) => {
    if (pending === undefined) {
      const first = readClientFirst(message);
      if (first === undefined) return { kind: 'failure', condition: 'malformed-request' };
      const address = addressOf(first.name, realm);
      if (address === undefined) return { kind: 'failure', condition: 'not-authorized' };
      // A name nobody has gets a salt too and fails at the proof: names cannot be probed.
      const keys = realm.accounts.scramKeys(realm.accounts.get(address), address);
      const nonce = first.nonce + host.randomId();
      const serverFirst = `r=${nonce},s=${crypto.toBase64(keys.salt)},i=${keys.iterations}`;
      pending = { first, serverFirst, nonce, keys, address };
      return { kind: 'challenge', data: serverFirst };
    }
    const { first, serverFirst, nonce, keys, address } = pending;
    const final = readClientFinal(message);
    if (final === undefined) return { kind: 'failure', condition: 'malformed-request', name: address };
    const check = (): SaslVerdict => {
      const proof = crypto.fromBase64(final.proof);
      const binding = crypto.toBase64(crypto.toUtf8(first.gs2));
      if (proof?.length !== 20 || final.nonce !== nonce || final.binding !== binding)
        return { kind: 'failure', condition: 'not-authorized', name: address };
      const authMessage = crypto.toUtf8(`${first.bare},${serverFirst},${final.withoutProof}`);
      const signature = crypto.hmacSha1(keys.storedKey, authMessage);
      const clientKey = proof.map((byte, i) => byte ^ (signature[i] as number));
      const account = realm.accounts.get(address);
      if (!crypto.equal(crypto.sha1(clientKey), keys.storedKey) || account === undefined)
        return { kind: 'failure', condition: 'not-authorized', name: address };
      if (!authorises(first.authzid, address)) return { kind: 'failure', condition: 'invalid-authzid', name: address };
      return { kind: 'success', account, data: `v=${crypto.toBase64(crypto.hmacSha1(keys.serverKey, authMessage))}` };
    };
    return { kind: 'proof', name: address, check };
  };
}

interface ClientFirst {
  readonly gs2: string;
  readonly authzid: string;
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

/**
 * client-first-message of RFC 5802 §7. We offer no `-PLUS`, so 'n' (no channel binding) and 'y' (the client thinks we
 * have none: right) are fine and 'p' is not; a mandatory extension ('m=') must fail.
 */
function readClientFirst(message: string): ClientFirst | undefined {
  const match = /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[a-z]=[^,]+)*)$/i.exec(message);
  if (match === null) return undefined;
  const [, gs2 = '', authzid = '', bare = '', name = '', nonce = ''] = match;
  const readName = saslName(name);
  const readAuthzid = saslName(authzid);
  if (readName === undefined || readAuthzid === undefined) return undefined;
  return { gs2, authzid: readAuthzid, bare, name: readName, nonce };
}

/** `=2C` is a comma, `=3D` an equals sign, any other `=` an error. RFC 5802 §5.1. */
function saslName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replace(/=2C|=3D/g, (code) => (code === '=2C' ? ',' : '='));
}

function readClientFinal(message: string) {
  const match = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[a-z]=[^,]+)*?),p=([A-Za-z0-9+/=]+)$/i.exec(
    message,
  );
  if (match === null) return undefined;
  const [, withoutProof = '', binding = '', nonce = '', proof = ''] = match;
  return { withoutProof, binding, nonce, proof };
}
