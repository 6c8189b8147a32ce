import type { Jid } from '../core/xmpp/jid.ts';
import type { ComponentEvents, ComponentStream, Gateway } from '../server/real-server.ts';
import { ComponentConnection } from './component-connection.ts';
import { ComponentLink, systemClock } from './component-link.ts';

/** Where a service is a component, and the secret that the server has for it. */
export interface GatewayPlace {
  readonly host: string;
  readonly port: number;
  readonly service: Jid;
  readonly secret: string;
}

/** How long a server may take to accept a component. */
const tryMs = 15_000;

/**
 * Carries what services of the embedded server say to real servers, by a component stream (XEP-0114) for each service. The
 * secrets stay here.
 *
 * @param log  what was refused or dropped, and why
 */
export function openGateway(places: readonly GatewayPlace[], log: (line: string) => void): Gateway {
  const byService = new Map(places.map((place) => [place.service, place]));
  /** Streams that are about to end: a server takes one of each service. */
  const ending = new Map<Jid, Promise<void>>();
  return {
    open(_server, service, events) {
      const place = byService.get(service);
      if (place === undefined) throw new RangeError(`${service} is no component`);
      const stream = new Stream(place, log);
      void (ending.get(service) ?? Promise.resolve()).then(() => stream.start(events));
      return {
        send: (stanza) => stream.link.send(stanza),
        get unsentBytes() {
          return stream.link.unsentBytes;
        },
        close() {
          const ended = stream.stop().finally(() => {
            if (ending.get(service) === ended) ending.delete(service);
          });
          ending.set(service, ended);
        },
      } satisfies ComponentStream;
    },
  };
}

class Stream {
  readonly link: ComponentLink;
  #isOver = false;
  #why: string | undefined;

  constructor(place: GatewayPlace, log: (line: string) => void) {
    const { host, port, service, secret } = place;
    this.link = new ComponentLink({ host, port, domain: service, secret, log: (line) => log(`${service}: ${line}`) });
  }

  start(events: ComponentEvents): void {
    if (this.#isOver) return;
    const away = (why: string) => {
      if (why === this.#why || this.#isOver) return;
      this.#why = why;
      events.away(why);
    };
    this.link
      .start({
        stanza: (_, stanza) => events.stanza(stanza),
        up: () => {
          this.#why = undefined;
          events.up();
        },
        down: () => undefined,
        progress: (_phase, _detail, why) => {
          if (why !== undefined) away(why);
        },
      })
      // It has been told why.
      .catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.link.stop();
  }
}

/** Whether the server takes the component now. @returns why not */
export function refusalOf({ host, port, service, secret }: GatewayPlace): Promise<string | undefined> {
  return new Promise((resolve) => {
    const done = (why: string | undefined) => {
      cancel();
      if (why === undefined) void connection.close().then(() => resolve(undefined));
      else {
        connection.abandon();
        resolve(why);
      }
    };
    const cancel = systemClock.setTimer(tryMs, () => done(`it has not answered for ${tryMs / 1000} s`));
    const connection = new ComponentConnection(
      { host, port, domain: service, secret, trusted: false, clock: systemClock, log: () => undefined },
      {
        loggedIn: () => undefined,
        up: () => done(undefined),
        heard: () => undefined,
        stanza: () => undefined,
        lost: ({ message }) => done(message),
      },
    );
  });
}
