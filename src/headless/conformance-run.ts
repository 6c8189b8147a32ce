import { randomBytes } from 'node:crypto';
import type { Part } from '../conformance/check.ts';
import { Player } from '../conformance/player.ts';
import { runPart } from '../conformance/run.ts';
import type { Result, Setting } from '../conformance/setting.ts';
import { Stage } from '../conformance/stage.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import type { LinkHost } from '../host/reconnecting-link.ts';
import { ComponentConnection } from './component-connection.ts';

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** What goes wrong, and where it is wanted every stanza. */
  log(line: string): void;
  readonly logsStanzas: boolean;
}

const clock: LinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/**
 * Plays a part over real connections, one for each of our domains.
 *
 * @param told  each result as soon as there is one
 * @throws LinkError if the server refuses a connection, or one is lost
 */
export async function runOverServer(
  server: Server,
  part: Part,
  given: Omit<Setting, 'run'>,
  only: Parameters<typeof runPart>[2],
  told: (result: Result) => void,
): Promise<readonly Result[]> {
  const setting = { ...given, run: randomBytes(4).toString('hex') };
  const stage = new Stage(setting, part.features);
  const results: Result[] = [];
  const script = runPart(part, stage, only, {
    now: () => performance.now(),
    result(result) {
      results.push(result);
      told(result);
    },
  });
  const connections = new Map<Jid, ComponentConnection>();
  try {
    await new Promise<void>((resolve, reject) => {
      const player = new Player(script, stage);
      let timer: NodeJS.Timeout | undefined;
      const now = () => instant(Date.now());
      /** Whatever a step throws ends the run, and not the process. */
      const step = (what: () => readonly Stanza[]) => {
        try {
          for (const stanza of what()) {
            if (server.logsStanzas) server.log(`> ${stanzaText(stanza)}`);
            connections.get(domainOf(stanza.from))?.send(stanza, undefined);
          }
        } catch (error) {
          reject(error);
          return;
        }
        clearTimeout(timer);
        if (player.result) resolve();
        else if (player.wakeAt !== undefined)
          timer = setTimeout(() => step(() => player.tick(now())), Math.max(0, player.wakeAt - Date.now()));
      };
      const domains = new Set([setting.domain, setting.users]);
      const up = new Set<Jid>();
      for (const domain of domains) {
        const options = { host: server.host, port: server.port, secret: server.secret, domain, trusted: false, clock };
        const connection = new ComponentConnection(
          { ...options, log: (line) => server.log(`${domain}: ${line}`) },
          {
            loggedIn: () => undefined,
            heard: () => undefined,
            up() {
              up.add(domain);
              if (up.size === domains.size) step(() => player.start(now()));
            },
            stanza(_via, stanza) {
              if (server.logsStanzas) server.log(`< ${stanzaText(stanza)}`);
              if (up.size === domains.size) step(() => player.hear(stanza, now()));
            },
            lost: reject,
          },
        );
        connections.set(domain, connection);
      }
    });
  } finally {
    for (const connection of connections.values()) await connection.close();
  }
  return results;
}
