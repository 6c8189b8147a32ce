import { rmSync } from 'node:fs';
import { type Component, startComponent } from './component.ts';
import { type Prosodys, secret, startProsodys } from './prosodys.ts';

export const services = ['chat.shakespeare.lit', 'rooms.macbeth.lit', 'conference.marlowe.lit'] as const;
const [firsthost, ...peerhosts] = services;

/** Three Prosodys with a component each: rooms of the first one have shadows on the other two (XEP-0281). */
export interface Coven extends Omit<Prosodys, 'endWith'> {
  readonly components: readonly Component[];
  /** Ends a component at once, and starts it again with its log, or without. */
  kill(which: number): Promise<void>;
  start(which: number, log: 'kept' | 'lost'): Promise<void>;
}

/** Users are `name@shakespeare.lit` and so on, names of prosody.ts; the password is "pw". Anybody creates rooms on the first service. */
export async function startCoven(): Promise<Coven> {
  const prosodys = await startProsodys(
    services.map((service) => ({
      domain: service.slice(service.indexOf('.') + 1),
      components: [service],
      alsoAt: [service],
    })),
  );
  const flags = [
    peerhosts.flatMap((service) => ['--peerhost', service]),
    ...peerhosts.map(() => ['--firsthost', firsthost]),
  ];
  const storeOf = (which: number) => `${prosodys.directory}/${services[which]}`;
  const run = (which: number) =>
    startComponent(
      prosodys.servers[which]?.componentPort as number,
      secret,
      ...['--domain', services[which] as string, '--mode', 'source', ...(flags[which] as string[])],
      ...['--store', storeOf(which)],
    );
  const components: Component[] = [];
  prosodys.endWith(() => Promise.all(components.map((component) => component.end('SIGTERM'))));
  const started = services.map(async (_, which) => {
    components[which] = await run(which);
  });
  // If one fails, the others are to be ended all the same.
  const failed = (await Promise.allSettled(started)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    await prosodys.stop();
    throw failed.reason;
  }
  return {
    ...prosodys,
    components,
    async kill(which) {
      await components[which]?.end('SIGKILL');
    },
    async start(which, log) {
      if (log === 'lost') rmSync(storeOf(which), { recursive: true });
      components[which] = await run(which);
    },
  };
}
