import { domainOf, type Jid, jid, partsOf } from '../core/xmpp/jid.ts';
import type { AccountConfig, Grant, Role } from './config.ts';
import type { ServerHost } from './host.ts';

/** Who may log in. `address` is a bare JID, or the domain of a service. */
export interface Account {
  readonly address: Jid;
  readonly role: Role;
  /** Absent for a guest of SASL ANONYMOUS. */
  readonly password?: string;
  /** Its password ends with that of the lease, if there is one (`renew`). */
  readonly leased?: boolean | undefined;
  /** Any password will do (an open server's users). */
  readonly open: boolean;
  /** Made while the server runs, and forgotten when nobody uses it and there are many younger ones. */
  readonly isTemporary?: true;
}

/** What SCRAM needs to know of a password. RFC 5802 §3. */
export interface ScramKeys {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** RFC 5802 §5.1 asks for at least 4096; a client that computes them in JavaScript is slow with more. */
const iterations = 4096;

/** The accounts of one network, and what each may bind beyond its own address. */
export class Accounts {
  readonly #host: ServerHost;
  readonly #accounts = new Map<Jid, Account>();
  /** Server, account and address of each grant, as one key. */
  readonly #grants = new Set<string>();
  readonly #openDomains: ReadonlySet<Jid>;
  readonly #keys = new Map<Jid, ScramKeys>();
  #lease = '';
  /** Makes the salt of an account that does not exist the same each time it is asked for. */
  readonly #pepper: Uint8Array;

  constructor(
    host: ServerHost,
    accounts: readonly AccountConfig[],
    grants: readonly Grant[],
    openDomains: ReadonlySet<Jid>,
  ) {
    this.#host = host;
    this.#openDomains = openDomains;
    this.#pepper = host.crypto.randomBytes(20);
    for (const { address, password, role, leased } of accounts) {
      const account = jid(address);
      const open = role === 'user' && openDomains.has(domainOf(account));
      this.#accounts.set(account, { address: account, role, password, leased, open });
    }
    for (const grant of grants) this.#grants.add(grantKey(jid(grant.server), jid(grant.account), jid(grant.address)));
  }

  get(address: Jid): Account | undefined {
    return this.#accounts.get(address);
  }

  /** The account of a login; on an open server an unknown user is created here. */
  login(address: Jid): Account | undefined {
    const known = this.#accounts.get(address);
    if (known !== undefined) return known;
    if (!this.#openDomains.has(domainOf(address)) || partsOf(address).local === '') return undefined;
    const created: Account = { address, role: 'user', open: true, isTemporary: true };
    this.#accounts.set(address, created);
    return created;
  }

  /** An account of a user who owns nothing. */
  add(address: Jid, password: string): void {
    this.#accounts.set(address, { address, role: 'user', password, open: false, isTemporary: true });
  }

  delete(address: Jid): void {
    this.#accounts.delete(address);
    this.#keys.delete(address);
  }

  /** An account that lasts as long as its session. RFC 4505. */
  anonymous(domain: Jid): Account {
    const address = jid(`anonymous-${this.#host.randomId().slice(0, 12)}@${domain}`);
    return { address, role: 'user', open: false };
  }

  /** Whoever ran the nodes before cannot log in as them any more. @param lease  follows the password of each leased account from now on */
  renew(lease: string): void {
    this.#lease = lease;
    for (const { address, leased } of this.#accounts.values()) if (leased) this.#keys.delete(address);
  }

  #passwordOf({ password, leased }: Account): string | undefined {
    return password === undefined || !leased ? password : password + this.#lease;
  }

  passwordMatches(account: Account | undefined, password: string): boolean {
    const { crypto } = this.#host;
    if (account?.open === true) return true;
    // Compared as digests of a fixed length, so that the time says nothing about the password, nor whether there is one.
    const mac = (text: string) => crypto.hmacSha1(this.#pepper, crypto.toUtf8(text));
    const own = account && this.#passwordOf(account);
    return crypto.equal(mac(own ?? ''), mac(password)) && own !== undefined;
  }

  /** Keys are derived when first asked for: at start-up dozens of derivations would be felt. */
  scramKeys(account: Account | undefined, name: Jid): ScramKeys {
    const { crypto } = this.#host;
    if (account?.password === undefined) {
      const salt = crypto.hmacSha1(this.#pepper, crypto.toUtf8(name)).slice(0, 16);
      return { salt, iterations, storedKey: crypto.randomBytes(20), serverKey: crypto.randomBytes(20) };
    }
    const known = this.#keys.get(account.address);
    if (known !== undefined) return known;
    const salt = crypto.randomBytes(16);
    const salted = crypto.pbkdf2Sha1(crypto.toUtf8(this.#passwordOf(account) ?? ''), salt, iterations);
    const keys: ScramKeys = {
      salt,
      iterations,
      storedKey: crypto.sha1(crypto.hmacSha1(salted, crypto.toUtf8('Client Key'))),
      serverKey: crypto.hmacSha1(salted, crypto.toUtf8('Server Key')),
    };
    this.#keys.set(account.address, keys);
    return keys;
  }

  isGranted(server: Jid, account: Jid, address: Jid): boolean {
    return this.#grants.has(grantKey(server, account, address));
  }
}

function grantKey(server: Jid, account: Jid, address: Jid): string {
  return `${server} ${account} ${address}`;
}
