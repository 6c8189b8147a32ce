import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Component, startComponent } from './component.ts';
import { type Prosody, startProsody } from './prosody.ts';

const script = fileURLToPath(new URL('../../../src/headless/conformance.ts', import.meta.url));
const secret = 's3cr3t';
const kit = 'kit.lit';
const users = 'peer.lit';
/** The room of which the peer is a replica: its server hands what is sent there to that component. */
const replicated = `wallops@${kit}`;

/** A Prosody with the components of the kit and of whoever is tested: one domain is that of the tested service's users. */
export async function startKitServer() {
  const prosody: Prosody = await startProsody({
    hosts: { 'elsewhere.lit': {} },
    components: Object.fromEntries(
      [kit, users, 'rooms.peer.lit', replicated, 'replica@peer.lit'].map((domain) => [domain, secret]),
    ),
    trusted: [replicated, 'replica@peer.lit'],
  });
  writeFileSync(`${prosody.directory}/secret`, `${secret}\n`);
  const components: Component[] = [];
  const start = async (...args: readonly string[]) => {
    const component = await startComponent(prosody.componentPort, secret, ...args);
    components.push(component);
  };
  return {
    /** Our own rooms, as the kit's `--list` asks for them. */
    async rooms(mode: string, config: object) {
      const file = `${prosody.directory}/rooms.json`;
      writeFileSync(file, JSON.stringify(config));
      await start('--domain', 'rooms.peer.lit', '--mode', mode, '--config', file);
    },
    replica: () => start('--domain', 'replica@peer.lit', '--replica-of', replicated, '--serves', users),
    /** Runs the command. */
    async run(...args: readonly string[]) {
      const { directory, componentPort } = prosody;
      const child = spawn(process.execPath, [
        ...['--import', 'tsx', script, '--server', `127.0.0.1:${componentPort}`, '--domain', kit, '--users', users],
        ...['--secret-file', `${directory}/secret`, '--quiet', '0.3', '--junit', `${directory}/junit.xml`],
        ...['--json', `${directory}/report.json`, ...args],
      ]);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
      const [status] = (await once(child, 'close')) as [number | null];
      const read = (name: string) => readFileSync(`${directory}/${name}`, 'utf8');
      return { status, output, junit: () => read('junit.xml'), json: () => JSON.parse(read('report.json')) };
    },
    async endPeers() {
      for (const component of components.splice(0)) await component.end('SIGTERM');
    },
    async stop() {
      for (const component of components.splice(0)) await component.end('SIGTERM');
      await prosody.stop();
    },
  };
}

export type KitServer = Awaited<ReturnType<typeof startKitServer>>;
