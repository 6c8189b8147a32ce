import { bareOf, domainOf, jid } from '../../src/core/xmpp/jid.ts';
import { serialize, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type ServerSide, startComponentServer } from '../contract/component-server.ts';

export interface Balancer {
  readonly port: number;
  /** What the users of other domains were sent. */
  readonly toUsers: XmlElement[];
  /** A stanza of a user, as text with both addresses. */
  fromUser(to: string, text: string): void;
  /** Which connection has the rooms of that part; undefined: none. */
  readonly parts: readonly (ServerSide | undefined)[];
  /** The part of an address. */
  partOf(address: string): number;
  /** Ends all connections, as a server does that is restarted: whoever comes first has the first part then. */
  restart(): void;
  close(): Promise<void>;
}

/**
 * Components of a server that divides the addresses of a domain among several connections, as ejabberd 23.01 does with
 * `domain_balancing`: the first that comes gets the first part that nobody has, what is for a part that nobody has is lost, and who
 * finds no part is connected all the same and gets nothing.
 *
 * @param way  `random`: as without `bare_destination`; `first`: as without `domain_balancing`, with one process
 */
export async function startBalancer(
  domain: string,
  count: number,
  way: 'hash' | 'random' | 'first' = 'hash',
): Promise<Balancer> {
  const parts: (ServerSide | undefined)[] = Array.from({ length: count });
  const toUsers: XmlElement[] = [];
  let dice = 1;
  const partOf = (address: string) => {
    if (way === 'first') return 0;
    if (way === 'random') {
      dice = (Math.imul(dice, 1103515245) + 12345) >>> 0;
      return (dice >>> 16) % count;
    }
    let hash = 7;
    for (const letter of bareOf(jid(address))) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
    return hash % count;
  };
  const deliver = (to: string, text: string) => parts[partOf(to)]?.send(text);
  const server = await startComponentServer({
    up(side) {
      const free = parts.indexOf(undefined);
      if (free >= 0) parts[free] = side;
    },
    element(_, element) {
      const to = jid(element.attrs['to'] ?? '');
      if (domainOf(to) === domain) deliver(to, serialize(element, ''));
      else toUsers.push(element);
    },
    closed(side) {
      const part = parts.indexOf(side);
      if (part >= 0) parts[part] = undefined;
    },
  });
  return {
    port: server.port,
    toUsers,
    fromUser: deliver,
    parts,
    partOf,
    restart() {
      for (const side of parts.splice(0, count, ...Array.from({ length: count }, () => undefined)))
        side?.socket.destroy();
    },
    close: server.close,
  };
}
