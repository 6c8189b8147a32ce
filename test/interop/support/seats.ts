import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startLocalNodes } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { plain } from '../../support/scenarios.ts';
import { startServer } from '../../support/server.ts';
import { startProsody } from './prosody.ts';

/** A server with our rooms, and accounts whose password is "pw". */
export interface Seat {
  readonly name: string;
  /** ws:// */
  readonly websocket: string;
  /** XMPP over TCP, where there is some. */
  readonly port?: number;
  readonly users: string;
  readonly service: string;
  /** What our side complained about. */
  complaints(): string;
  stop(): Promise<void>;
}

export const names = ['bernardo', 'francisco', 'horatio', 'marcellus', 'hamlet', 'gertrude'] as const;

/** The rooms as a component of Prosody. */
export async function onProsody(): Promise<Seat> {
  const service = 'rooms.denmark.lit';
  const prosody = await startProsody({
    hosts: { 'denmark.lit': Object.fromEntries(names.map((name) => [name, 'pw'])) },
    components: { [service]: 's3cr3t' },
    // What a server for people has besides: converse.js asks for all of it.
    extra: `modules_enabled = { "roster", "saslauth", "disco", "ping", "websocket", "smacks", "carbons", "posix", "pep", "private", "blocklist", "vcard_legacy", "mam", "bookmarks", "time", "version" }`,
  });
  const script = fileURLToPath(new URL('../../../src/headless/component.ts', import.meta.url));
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', script, '--log', '--server', `127.0.0.1:${prosody.componentPort}`],
      ...['--domain', service],
    ],
    { env: { ...process.env, NETSPLIT_COMPONENT_SECRET: 's3cr3t' } },
  );
  let errors = '';
  child.stderr?.on('data', (data) => {
    errors += data;
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'close');
      child.kill('SIGTERM');
      await gone;
    }
    await prosody.stop();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (data) => {
        if (String(data).includes(`ready ${service}`)) resolve();
      });
      child.once('close', () => reject(new Error(`the component has ended:\n${errors}`)));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: 'a component on Prosody',
    websocket: prosody.websocket,
    port: prosody.c2sPort,
    users: 'denmark.lit',
    service,
    complaints: () => errors,
    stop,
  };
}

/** The rooms on the embedded server. */
export async function onEmbedded(): Promise<Seat> {
  const passwords = Object.fromEntries(names.map((name) => [`${name}@localhost`, 'pw']));
  const server = await startServer([{ ...plain, occupants: [], script: [] }], { passwords });
  const lines: string[] = [];
  const host = nodeServerHost((line) => lines.push(line));
  const [live] = server.live.networks;
  if (live === undefined) throw new Error('no network');
  const nodes = await startLocalNodes(live, host, (address, error) => lines.push(`${address}: ${String(error)}`));
  return {
    name: 'the embedded server',
    websocket: server.url,
    users: 'localhost',
    service: 'conference.localhost',
    complaints: () => lines.join('\n'),
    stop: async () => {
      await nodes.stop();
      await server.close();
    },
  };
}
