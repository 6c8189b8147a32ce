import { randomBytes } from 'node:crypto';
import { isPing, ping } from '../core/xep/xep0199.ts';
import { bareOf, type Jid, jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Connection, ConnectionEvents, LinkHost } from '../host/reconnecting-link.ts';
import { LinkError, type StreamPosition, type Written } from '../host/stanza-link.ts';

/** One of the equal parts into which a server divides the rooms of a domain. */
export interface Seat {
  /** The number of the first test address that is here. It stays the same as long as the server divides in the same way. */
  readonly number: number;
  /** Of the rooms that were asked about, those that are here. */
  readonly rooms: ReadonlySet<Jid>;
}

export interface SeatOptions {
  readonly domain: Jid;
  /** How many seats the server has for the domain. */
  readonly seats: number;
  /** Asked about besides the test addresses. */
  readonly rooms: readonly Jid[];
  readonly clock: LinkHost;
  /** How long the server may take to give the tests back. */
  readonly testMs: number;
  /** The seat that the connection before this one had; undefined: this is the first. */
  held(): Seat | undefined;
  /** Called before the connection is up. */
  taken(seat: Seat): void;
  open(events: ConnectionEvents): Connection;
}

/** With 16 for each seat, a seat without any is a matter of one in ten million. */
const testsPerSeat = 16;
const prefix = 'seat-test-';

/**
 * One connection of several for one domain, to a server that gives each room to one of them (ejabberd, `domain_balancing` with
 * `bare_destination`). The server does not say which rooms those are. So a connection sends pings to addresses of its own domain:
 * those that come back to itself are its own. All connections of a domain may send to these, and nobody else in its name.
 *
 * The server keeps the order. It is sent through all addresses three times, so where the first that came back does so for the third
 * time, twice the whole has been answered, and both answers have to be the same.
 */
export class SeatConnection implements Connection {
  readonly #options: SeatOptions;
  readonly #events: ConnectionEvents;
  readonly #inner: Connection;
  readonly #id = `${prefix}${randomBytes(8).toString('hex')}`;
  readonly #rooms = new Set<Jid>();
  /** Numbers of test addresses in the order in which they came back. */
  #back: number[] = [];
  #isUp = false;
  #stream = '';
  #cancel: () => void = () => undefined;

  constructor(options: SeatOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.#inner = options.open({
      loggedIn: events.loggedIn,
      heard: events.heard,
      up: (_, stream) => this.#test(stream),
      stanza: (via, stanza, rx) => this.#arrived(via, stanza, rx),
      lost: (error) => {
        this.#cancel();
        events.lost(error);
      },
    });
  }

  get unsentBytes(): number {
    return this.#inner.unsentBytes;
  }

  send(stanza: Stanza, written: Written | undefined): void {
    this.#inner.send(stanza, written);
  }

  /** The service's own address may be at another seat, so an address that is here is asked. */
  ping(): void {
    const { domain } = this.#options;
    const [own] = this.#back;
    if (own !== undefined) this.#inner.send(ping(domain, testAddress(own, domain), this.#id), undefined);
  }

  close(): Promise<void> {
    this.#cancel();
    return this.#inner.close();
  }

  abandon(): void {
    this.#cancel();
    this.#inner.abandon();
  }

  #test(stream: string): void {
    const { domain, seats, rooms, clock, testMs } = this.#options;
    this.#stream = stream;
    const addresses = Array.from({ length: seats * testsPerSeat }, (_, i) => testAddress(i, domain));
    for (const to of [...rooms, ...addresses, ...addresses, ...addresses])
      this.#inner.send(ping(domain, to, this.#id), undefined);
    this.#cancel = clock.setTimer(testMs, () => this.#lost(this.#missing()));
  }

  #arrived(via: Jid, stanza: Stanza, rx: StreamPosition): void {
    const { domain } = this.#options;
    if (stanza.from !== domain || !stanza.id?.startsWith(prefix)) return this.#events.stanza(via, stanza, rx);
    // Of another connection, which holds the seat no more or only just got it; or a sign of life.
    if (stanza.id !== this.#id || this.#isUp || !isPing(stanza)) return;
    const number = testNumber(stanza.to, domain);
    if (number === undefined) {
      this.#rooms.add(bareOf(stanza.to));
      return;
    }
    this.#back.push(number);
    const half = this.#back.indexOf(this.#back[0] as number, 1);
    if (half > 0 && this.#back.length === 2 * half + 1) this.#seated(half);
  }

  #seated(count: number): void {
    const { domain, seats, held, taken } = this.#options;
    this.#cancel();
    if (count === seats * testsPerSeat)
      return this.#lost(
        new LinkError(
          `the server gives all rooms of ${domain} to one process (ejabberd: domain_balancing with type: bare_destination and component_number: ${seats})`,
          'misconfigured',
        ),
      );
    if (this.#back.some((number, i) => number !== this.#back[i % count])) return this.#lost(this.#missing());
    const seat: Seat = { number: this.#back[0] as number, rooms: this.#rooms };
    const before = held();
    if (before !== undefined && before.number !== seat.number) return this.#lost(moved);
    taken(seat);
    this.#isUp = true;
    this.#events.up(domain, this.#stream);
  }

  /** Why the tests did not come back as they must. */
  #missing(): LinkError {
    const { domain, seats, held } = this.#options;
    if (this.#back.length > 0)
      return new LinkError(
        `the server gives the same room of ${domain} now to one process and now to another (ejabberd: domain_balancing with type: bare_destination)`,
        'misconfigured',
      );
    return held() === undefined ? new LinkError(`the server has ${seats} processes for ${domain} already`) : moved;
  }

  #lost(error: LinkError): void {
    this.#cancel();
    this.#inner.abandon();
    this.#events.lost(error);
  }
}

/** What this process runs is now another's. Trying again with it cannot help. */
export const moved = new LinkError('the server has given this process other rooms', 'permanent');

function testAddress(number: number, domain: Jid): Jid {
  return jid(`${prefix}${number}@${domain}`);
}

function testNumber(address: Jid, domain: Jid): number | undefined {
  const number = Number(address.slice(prefix.length, -domain.length - 1));
  return Number.isInteger(number) && address === testAddress(number, domain) ? number : undefined;
}
