import { afterEach, describe, expect, it } from 'vitest';
import type { HopRecord, TraceRecord } from '../../src/core/node/trace.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { message, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { LinkError, type LinkHandlers, type StanzaLink } from '../../src/host/stanza-link.ts';
import type { LocalSession, Network } from '../../src/server/network.ts';

export type LinkOf =
  | { readonly kind: 'service'; readonly domain: string; readonly server: string }
  | { readonly kind: 'replica'; readonly jid: string; readonly room: string };

export interface LinkHarness {
  /** Runs the `cast` of test/support/server.ts. */
  readonly network: Network;
  link(of: LinkOf): StanzaLink & { readonly address: Jid | undefined };
  close(): Promise<void>;
}

const service = { kind: 'service', domain: 'channel.avalon.irc', server: 'avalon.irc' } as const;
const room = jid('wallops@channel.avalon.irc');
const replica = { kind: 'replica', jid: 'replica@vesa.irc', room } as const;

type Event =
  | { readonly kind: 'up'; readonly peer: string; readonly stream: string }
  | { readonly kind: 'down'; readonly peer: string }
  | {
      readonly kind: 'stanza';
      readonly via: string;
      readonly stanza: Stanza;
      readonly rx: { readonly stream: string; readonly n: number };
    };

/** Collects what a link says; `next` waits for it, so that no test has to know how long a link takes. */
function listener() {
  const events: Event[] = [];
  let wake: () => void = () => undefined;
  const push = (event: Event) => {
    events.push(event);
    wake();
  };
  const handlers: LinkHandlers = {
    stanza: (via, stanza, rx) => push({ kind: 'stanza', via, stanza, rx }),
    up: (peer, stream) => push({ kind: 'up', peer, stream }),
    down: (peer) => push({ kind: 'down', peer }),
  };
  const next = async <K extends Event['kind']>(kind: K): Promise<Extract<Event, { kind: K }>> => {
    for (;;) {
      const event = events.shift();
      if (event?.kind === kind) return event as Extract<Event, { kind: K }>;
      if (event !== undefined) throw new Error(`expected ${kind}, got ${JSON.stringify(event)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { handlers, next, events };
}

/** What every StanzaLink promises (host/stanza-link.ts), tried against the embedded server. */
export function stanzaLinkContract(
  name: string,
  setup: () => Promise<LinkHarness>,
  /** The link is for services alone: it has no accounts, and binds nothing but its domain. */
  servicesOnly = false,
): void {
  describe(`${name}: the contract of every link`, () => {
    const ends: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    async function harness() {
      const made = await setup();
      ends.push(() => made.close());
      const link = (of: LinkOf) => {
        const one = made.link(of);
        ends.push(() => one.stop());
        return one;
      };
      return { ...made, link };
    }

    /** Somebody else on the network, without a socket. */
    function person(network: Network, address: string) {
      const received: Stanza[] = [];
      let wake: () => void = () => undefined;
      const [account = '', resource] = address.split('/');
      const opened = network.openSession(
        jid(account),
        account.includes('@') ? [] : [jid(account)],
        {
          stanza: (stanza) => {
            received.push(stanza);
            wake();
          },
          ended: () => undefined,
        },
        resource,
      );
      if (!opened.ok) throw new Error(opened.error.condition);
      const session: LocalSession = opened.session;
      const next = async (): Promise<Stanza> => {
        while (received.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        return received.shift() as Stanza;
      };
      return { session, next };
    }

    const chat = (from: string, to: string, id: string) =>
      message(jid(from), jid(to), { id, type: 'chat' }, el('body', 'jabber:client', {}, `<${id}> & "co"`));

    it('a service binds its domain; start settles once it is up', async () => {
      const { link: make } = await harness();
      const { handlers, events } = listener();
      const link = make(service);
      await link.start(handlers);
      expect(events).toEqual([{ kind: 'up', peer: 'avalon.irc', stream: expect.stringMatching(/./) }]);
      expect(link.address).toBe('channel.avalon.irc');
    });

    it('hands over what is addressed to it, with the domain that vouches for the sender, numbered as the server counts', async () => {
      const { network, link: make } = await harness();
      const hops: HopRecord[] = [];
      network.trace.subscribe({
        ready: () => true,
        batch: (json) =>
          hops.push(...(JSON.parse(json) as TraceRecord[]).filter((r): r is HopRecord => r.kind === 'hop')),
      });
      const { handlers, next } = listener();
      await make(service).start(handlers);
      await next('up');
      const { session } = person(network, 'argl@avalon.irc/laptop');
      session.send(chat('argl@avalon.irc/laptop', room, 'a'));
      session.send(chat('argl@avalon.irc/laptop', `${room}/BigCheese`, 'b'));
      const first = await next('stanza');
      const second = await next('stanza');
      expect(first.via).toBe('avalon.irc');
      expect(first.stanza).toEqual(chat('argl@avalon.irc/laptop', room, 'a'));
      expect(second.stanza.to).toBe(`${room}/BigCheese`);
      await expect.poll(() => hops.filter(({ leg }) => leg === 'out').length).toBe(2);
      expect(hops.filter(({ leg }) => leg === 'out').map(({ stream, n }) => ({ stream, n }))).toEqual([
        first.rx,
        second.rx,
      ]);
    });

    it('sends in order, with any address of its domain, and numbers as the server counts', async () => {
      const { network, link: make } = await harness();
      const hops: HopRecord[] = [];
      network.trace.subscribe({
        ready: () => true,
        batch: (json) =>
          hops.push(...(JSON.parse(json) as TraceRecord[]).filter((r): r is HopRecord => r.kind === 'hop')),
      });
      const { handlers } = listener();
      const link = make(service);
      await link.start(handlers);
      const { next } = person(network, 'argl@avalon.irc/laptop');
      const sent: unknown[] = [];
      for (const id of ['a', 'b', 'c'])
        link.send(chat(`${room}/BigCheese`, 'argl@avalon.irc/laptop', id), (tx) => sent.push(tx));
      expect([(await next()).id, (await next()).id, (await next()).id]).toEqual(['a', 'b', 'c']);
      await expect.poll(() => hops.filter(({ leg }) => leg === 'in').length).toBe(3);
      expect(hops.filter(({ leg }) => leg === 'in').map(({ stream, n }) => ({ stream, n }))).toEqual(sent);
    });

    it.skipIf(servicesOnly)(
      'a replica also binds its room on its own server, and speaks and listens there as the room',
      async () => {
        const { network, link: make } = await harness();
        const { handlers, next } = listener();
        const link = make(replica);
        await link.start(handlers);
        expect((await next('up')).peer).toBe('vesa.irc');
        expect(link.address).toMatch(/^replica@vesa\.irc\/./);
        const { session, next: receives } = person(network, 'rubenro@vesa.irc/shaver');
        session.send(chat('rubenro@vesa.irc/shaver', `${room}/BigCheese`, 'up'));
        expect((await next('stanza')).stanza.id).toBe('up');
        link.send(chat(`${room}/BigCheese`, 'rubenro@vesa.irc/shaver', 'down'));
        expect((await receives()).id).toBe('down');
      },
    );

    it('keeps what is sent before it is up, and sends it in order', async () => {
      const { network, link: make } = await harness();
      const { next } = person(network, 'argl@avalon.irc/laptop');
      const { handlers } = listener();
      const link = make(service);
      const sent: number[] = [];
      for (const id of ['a', 'b']) link.send(chat(room, 'argl@avalon.irc/laptop', id), ({ n }) => sent.push(n));
      expect(sent).toEqual([]);
      await link.start(handlers);
      expect([(await next()).id, (await next()).id]).toEqual(['a', 'b']);
      expect(sent).toHaveLength(2);
    });

    it('says when the stream is lost, comes back as a new session, and delivers what was sent in between', async () => {
      const { network, link: make } = await harness();
      const { next: receives } = person(network, 'argl@avalon.irc/laptop');
      const { handlers, next } = listener();
      const link = make(service);
      await link.start(handlers);
      const { stream } = await next('up');
      expect(network.disconnect({ stream })).toBe(1);
      expect((await next('down')).peer).toBe('avalon.irc');
      let on = '';
      link.send(chat(room, 'argl@avalon.irc/laptop', 'late'), (tx) => {
        on = tx.stream;
      });
      const again = await next('up');
      expect(again.stream).not.toBe(stream);
      expect((await receives()).id).toBe('late');
      expect(on).toBe(again.stream);
    });

    it('rejects with an error that names the account the server does not know', async () => {
      const { link: make } = await harness();
      const link = servicesOnly
        ? make({ kind: 'service', domain: 'nobody.vesa.irc', server: 'vesa.irc' })
        : make({ kind: 'replica', jid: 'nobody@vesa.irc', room });
      const error = await link.start(listener().handlers).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LinkError);
      expect(String(error)).toMatch(/nobody[@.]vesa\.irc/);
    });

    it.skipIf(servicesOnly)('rejects with an error where the server does not grant the room', async () => {
      const { link: make } = await harness();
      const link = make({ kind: 'replica', jid: 'other@vesa.irc', room });
      const error = await link.start(listener().handlers).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LinkError);
      expect(String(error)).toContain('not-allowed');
    });

    it('stop ends the session, and nothing is sent any more', async () => {
      const { network, link: make } = await harness();
      const { handlers, next, events } = listener();
      const link = make(service);
      await link.start(handlers);
      const { stream } = await next('up');
      await link.stop();
      let sent = 0;
      link.send(chat(room, 'argl@avalon.irc/laptop', 'x'), () => sent++);
      await expect.poll(() => network.disconnect({ stream })).toBe(0);
      expect(sent).toBe(0);
      expect(events.filter(({ kind }) => kind === 'up')).toEqual([]);
    });
  });
}
