import type { Input } from '../core/node/input.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import type { MucNode } from '../core/node/node.ts';
import type { Env } from '../core/turn/env.ts';
import { writeJoin } from '../core/xep/xep0045.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { domainOf, type Jid, jid, resourceOf } from '../core/xmpp/jid.ts';
import { bodyOf, errorReply, presence, type Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { PlainCost, PlainInput } from '../host/control.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { readIncoming } from '../server/incoming.ts';
import { parseElement } from '../server/parser.ts';

/** A service with one plain room, and who has been in it. */
interface Plain {
  readonly node: MucNode;
  readonly server: string;
  readonly password: string;
  readonly entered: Set<string>;
}

/** Counts while a message is on its way. */
interface Count {
  crossed: number;
  lost: number;
  readonly recipients: string[];
}

/**
 * The plain rooms (XEP-0045) that distributed ones are compared with: the same people do the same, and the same links are cut. What
 * a stanza meets on its way it meets at once, for these links take no time.
 */
export class PlainRooms {
  readonly #scenario: Scenario;
  readonly #rooms = new Map<string, Plain | undefined>();
  readonly #links = new Map<string, 'up' | 'bounce' | 'silent'>();
  /** By full JID: the server of a user. */
  readonly #servers = new Map<string, string>();
  #ids = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** @returns what became of the messages among them */
  take(inputs: readonly PlainInput[]): readonly PlainCost[] {
    return inputs.flatMap((input) => this.#take(input) ?? []);
  }

  #take(input: PlainInput): PlainCost | undefined {
    if (input.kind === 'submitted') return this.#submit(input);
    if (input.kind === 'link') this.#links.set(keyOf(...input.server), input.state);
    else if (input.kind === 'inside') this.#enter(input);
    else this.#leave(input);
    return undefined;
  }

  #enter({ t, who, room, server, nick }: Extract<PlainInput, { kind: 'inside' }>): void {
    const plain = this.#roomAt(room, t);
    if (plain === undefined || isIn(plain.node, who)) return;
    this.#servers.set(who, server);
    plain.entered.add(who);
    const join = writeJoin(plain.password === '' ? {} : { password: plain.password });
    const stanza = presence(jid(who), jid(`${room}/${nick}`), {}, join);
    this.#handle(plain, { kind: 'stanza', via: domainOf(stanza.from), stanza }, t, newCount());
  }

  /** Their server says so to every room that they are in (RFC 6121 §4.6.3). */
  #leave({ t, who }: Extract<PlainInput, { kind: 'gone' }>): void {
    for (const [room, plain] of this.#rooms) {
      if (plain === undefined || !isIn(plain.node, who)) continue;
      const stanza = presence(jid(who), jid(room), { type: 'unavailable' });
      const count = newCount();
      if (this.#crosses(this.#servers.get(who) ?? '', plain.server, stanza, count) === 'up')
        this.#handle(plain, { kind: 'stanza', via: domainOf(stanza.from), stanza }, t, count);
    }
  }

  #submit({ id, t, from, room, server, xml }: Extract<PlainInput, { kind: 'submitted' }>): PlainCost | undefined {
    const plain = this.#roomAt(room, t);
    const stanza = readStanza(xml, from, room);
    if (plain === undefined || stanza === undefined) return undefined;
    this.#servers.set(from, server);
    if (stanza.name === 'presence' && stanza.type === undefined) plain.entered.add(from);
    const count = newCount();
    if (this.#crosses(server, plain.server, stanza, count) === 'up')
      this.#handle(plain, { kind: 'stanza', via: domainOf(stanza.from), stanza }, t, count);
    if (!isTalk(stanza) || bodyOf(stanza) === undefined) return undefined;
    return { id, ...count, ...(plain.entered.has(from) ? {} : { isUnknown: true }) };
  }

  /** What the room does, and what it does about what comes back. Timers do not run out: a plain room needs none of them. */
  #handle(plain: Plain, first: Input, t: number, count: Count): void {
    const inputs = [first];
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of plain.node.handle(input, this.#env(t))) {
        if (effect.kind !== 'send') continue;
        const { stanza } = effect;
        const server = this.#servers.get(stanza.to) ?? domainOf(stanza.to);
        const state = this.#crosses(plain.server, server, stanza, count);
        if (state === 'up' && isTalk(stanza)) count.recipients.push(stanza.to);
        const why = stanzaError('wait', 'remote-server-timeout', `no connection from ${plain.server} to ${server}`);
        const bounce = state === 'bounce' ? errorReply(stanza, why) : undefined;
        if (bounce) inputs.push({ kind: 'stanza', via: domainOf(bounce.from), stanza: bounce });
      }
    }
  }

  /** @returns how the link between two servers is; within a server nothing is lost */
  #crosses(from: string, to: string, stanza: Stanza, count: Count): 'up' | 'bounce' | 'silent' {
    if (from === to) return 'up';
    const state = this.#links.get(keyOf(from, to)) ?? 'up';
    if (isTalk(stanza)) {
      if (state === 'up') count.crossed++;
      else count.lost++;
    }
    return state;
  }

  #roomAt(address: string, t: number): Plain | undefined {
    if (!this.#rooms.has(address)) this.#rooms.set(address, this.#make(address, t));
    return this.#rooms.get(address);
  }

  #make(address: string, t: number): Plain | undefined {
    for (const service of this.#scenario.nodes) {
      if (service.kind !== 'service') continue;
      const room = service.rooms.find((one) => one.jid === address);
      if (room === undefined) continue;
      const { distribution: _, ...alone } = room;
      const { kind, server, admins = [] } = service;
      const config = nodeConfigOf(this.#scenario, { kind, address: service.address, server, admins, rooms: [alone] });
      const node = createMucNode(config);
      node.handle({ kind: 'command', command: { name: 'start' } }, this.#env(t));
      return { node, server, password: room.password ?? '', entered: new Set() };
    }
    return undefined;
  }

  #env(t: number): Env {
    return { now: t as Instant, newId: () => `plain-${++this.#ids}` };
  }
}

function newCount(): Count {
  return { crossed: 0, lost: 0, recipients: [] };
}

/** What a user sent to one of the instances of a room, as sent to the plain one. */
function readStanza(xml: string, from: string, room: string): Stanza | undefined {
  const parsed = parseElement(xml.replace(/^<\w+(?![^>]* xmlns=)/, '$& xmlns="jabber:client"'));
  const incoming = parsed.ok ? readIncoming(parsed.element) : undefined;
  if (incoming?.to === undefined) return undefined;
  const resource = resourceOf(incoming.to as Jid);
  return { ...incoming, from: jid(from), to: jid(resource === '' ? room : `${room}/${resource}`) };
}

function isTalk({ name, type }: Stanza): boolean {
  return name === 'message' && type === 'groupchat';
}

function isIn(node: MucNode, who: string): boolean {
  return node
    .status()
    .rooms.some(({ occupants }) =>
      occupants.some(({ jid: one, sessionJids = [] }) => one === who || sessionJids.includes(who)),
    );
}

function keyOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
