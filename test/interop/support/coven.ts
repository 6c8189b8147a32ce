import { type Component, startComponent } from './component.ts';
import { type Prosodys, secret, startProsodys } from './prosodys.ts';

export const services = ['chat.shakespeare.lit', 'rooms.macbeth.lit', 'conference.marlowe.lit'] as const;
const [firsthost, ...peerhosts] = services;

/** Three Prosodys with a component each: rooms of the first one have shadows on the other two (XEP-0281). */
export interface Coven extends Omit<Prosodys, 'endWith'> {
  readonly components: readonly Component[];
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
  try {
    const started = prosodys.servers.map(({ componentPort }, i) =>
      startComponent(
        componentPort,
        secret,
        ...['--domain', services[i] as string, '--mode', 'source', ...(flags[i] as string[])],
        ...['--store', `${prosodys.directory}/${services[i]}`],
      ),
    );
    prosodys.endWith(async () => {
      for (const one of await Promise.allSettled(started))
        if (one.status === 'fulfilled') await one.value.end('SIGTERM');
    });
    return { ...prosodys, components: await Promise.all(started) };
  } catch (error) {
    await prosodys.stop();
    throw error;
  }
}
