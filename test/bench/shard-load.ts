/** A load generator for many rooms at once, each with occupants of its own: a process, told by its parent what to do. */
import type { Target } from './load.ts';
import { Occupant } from './occupant.ts';

export type ShardCommand =
  /** `each` occupants log in for each of the rooms, and enter it. */
  | { readonly do: 'enter'; readonly target: Target; readonly rooms: number; readonly each: number }
  /** In every room always so many messages under way, for so long. */
  | { readonly do: 'flood'; readonly window: number; readonly ms: number };

export interface ShardFlood {
  readonly deliveries: number;
  readonly ms: number;
  readonly ownCpuMs: number;
}

const roundMs = 120_000;
const letterM = 'm'.charCodeAt(0);
const marker = Buffer.from('>@');
/** By room. */
let inside: { readonly address: string; readonly occupants: readonly Occupant[] }[] = [];

async function enter({ target, rooms, each }: Extract<ShardCommand, { do: 'enter' }>): Promise<object> {
  inside = [];
  for (let r = 0; r < rooms; r++) {
    const address = `room${r}@${target.rooms}`;
    const occupants = await Promise.all(
      Array.from({ length: each }, (_, i) => Occupant.login(`n${i}`, target.url, target.domain, `r${r}u${i}`)),
    );
    let answered = false;
    const subjects = new Set<number>();
    for (const [i, occupant] of occupants.entries())
      occupant.watch((kind) => {
        if (kind === letterM) subjects.add(i);
        else if (kind !== 'p'.charCodeAt(0)) answered = true;
      });
    const go = (i: number) =>
      occupants[i]?.send(
        `<presence xmlns="jabber:client" to="${address}/n${i}"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`,
      );
    go(0);
    await until(() => subjects.has(0), `no subject in ${address}`);
    occupants[0]?.send(
      `<iq xmlns="jabber:client" type="set" id="o" to="${address}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query></iq>`,
    );
    await until(() => answered, `${address} was not opened`);
    for (let i = 1; i < each; i++) go(i);
    await until(() => subjects.size === each, `not everybody is in ${address}`);
    inside.push({ address, occupants });
  }
  return {};
}

/** Every message has to reach all of its room. */
async function flood({ window, ms }: Extract<ShardCommand, { do: 'flood' }>): Promise<ShardFlood> {
  let deliveries = 0;
  let underWay = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const says: (() => void)[] = [];
  for (const { address, occupants } of inside) {
    let next = 0;
    const copies = new Map<number, number>();
    const say = () => {
      const seq = next++;
      copies.set(seq, 0);
      underWay++;
      occupants[seq % occupants.length]?.send(
        `<message xmlns="jabber:client" to="${address}" type="groupchat" id="m${seq}"><body>@${seq}@ Double, double toil and trouble; fire burn and caldron bubble.</body></message>`,
      );
    };
    for (const occupant of occupants)
      occupant.watch((kind, frame, start, end) => {
        if (kind !== letterM) return;
        const at = frame.indexOf(marker, start);
        if (at < 0 || at > end) return;
        let seq = 0;
        for (let k = at + 2; frame[k] !== 0x40; k++) seq = seq * 10 + (frame[k] as number) - 48;
        const had = (copies.get(seq) ?? 0) + 1;
        copies.set(seq, had);
        deliveries++;
        if (had < occupants.length) return;
        copies.delete(seq);
        underWay--;
        if (performance.now() < began + ms) say();
      });
    says.push(say);
  }
  for (let i = 0; i < window; i++) for (const say of says) say();
  await until(() => underWay === 0, 'not all messages have arrived');
  const { user, system } = process.cpuUsage(cpu);
  return { deliveries, ms: performance.now() - began, ownCpuMs: (user + system) / 1000 };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const late = performance.now() + roundMs;
  while (!holds()) {
    if (performance.now() > late) throw new Error(`${what} in ${roundMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const commands = { enter, flood } as unknown as Record<string, (c: ShardCommand) => Promise<unknown>>;
const fail = (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) });
process.on('message', (command: ShardCommand) => {
  Promise.resolve(commands[command.do]?.(command)).then((result) => process.send?.({ result }), fail);
});
process.on('uncaughtException', fail);
process.on('disconnect', () => process.exit());
