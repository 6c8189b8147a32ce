/** The load generator: a process of its own, told by its parent what to do, one command at a time. */
import { Occupant } from './occupant.ts';

export interface Target {
  /** ws:// or tcp:// */
  readonly url: string;
  readonly domain: string;
  /** Domain of the rooms. */
  readonly rooms: string;
}

export type Command =
  | { readonly do: 'login'; readonly target: Target; readonly occupants: number }
  /**
   * Occupants `from` to `to` enter the room all at once; `hushed`: it tells occupants of themselves and of moderators
   * only, without which a thousand would be told of a thousand before the first message.
   */
  | {
      readonly do: 'join';
      readonly room: string;
      readonly from: number;
      readonly to: number;
      readonly hushed: boolean;
    }
  /** One message at a time. */
  | { readonly do: 'latency'; readonly messages: number }
  /** Always so many messages under way, for so long. */
  | { readonly do: 'flood'; readonly window: number; readonly ms: number }
  | { readonly do: 'end' };

export interface Joined {
  readonly ms: number;
  readonly presences: number;
}
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}
export interface Flood {
  readonly deliveries: number;
  readonly ms: number;
  /** Milliseconds of processor time that the load generator itself took. */
  readonly ownCpuMs: number;
}

const roundMs = 120_000;
let occupants: Occupant[] = [];
let target: Target;
let room = '';
let inRoom = 0;

async function login(command: Extract<Command, { do: 'login' }>): Promise<{ ms: number }> {
  target = command.target;
  const began = performance.now();
  let next = 0;
  occupants = new Array(command.occupants);
  const one = async () => {
    while (next < command.occupants) {
      const i = next++;
      const login = () => Occupant.login(`n${i}`, target.url, target.domain, `u${i}`);
      // An ejabberd now and then says nothing on one new WebSocket of a thousand.
      occupants[i] = await login().catch(login);
    }
  };
  await Promise.all(Array.from({ length: 32 }, one));
  return { ms: performance.now() - began };
}

/** Everyone has everyone when each has had one presence of each occupant, and the subject that ends the join. */
async function join({ room: name, from, to, hushed }: Extract<Command, { do: 'join' }>): Promise<Joined> {
  room = `${name}@${target.rooms}`;
  const first = from === 0;
  const had = new Int32Array(to);
  const subjects = new Uint8Array(to);
  // Those who were in before are told of the newcomers only.
  for (let i = 0; i < from; i++) {
    had[i] = hushed ? to : from;
    subjects[i] = 1;
  }
  const needed = hushed ? 1 : to;
  const have = new Uint8Array(to);
  if (hushed) have.fill(1, 0, from);
  let complete = hushed ? from : 0;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  let presences = 0;
  let answered = false;
  for (let i = 0; i < to; i++) {
    (occupants[i] as Occupant).watch((kind) => {
      if (kind === letterP) {
        had[i] = (had[i] as number) + 1;
        presences++;
      } else if (kind === letterM) subjects[i] = 1;
      else {
        answered = true;
        return;
      }
      if ((had[i] as number) >= needed && subjects[i] === 1 && have[i] === 0) {
        have[i] = 1;
        complete++;
        if (complete === to) done();
      }
    });
  }
  let began = performance.now();
  const enter = (i: number) =>
    (occupants[i] as Occupant).send(
      `<presence xmlns="jabber:client" to="${room}/n${i}"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`,
    );
  if (first) {
    // The room is made by its first occupant, and opened as it is: XEP-0045 §10.1.2.
    const maker = occupants[from] as Occupant;
    enter(from);
    await until(
      () => subjects[from] === 1,
      () => `no subject in the new room: ${maker.closed ?? ''}`,
    );
    maker.send(
      `<iq xmlns="jabber:client" type="set" id="o" to="${room}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">${hushed ? hushedForm : ''}</x></query></iq>`,
    );
    await until(
      () => answered,
      () => 'the new room was not opened',
    );
    began = performance.now();
  }
  for (let i = first ? from + 1 : from; i < to; i++) enter(i);
  await within(all, () => `${complete} of ${to} have everyone; occupant 0 has had ${had[0]}`);
  inRoom = to;
  return { ms: performance.now() - began, presences };
}

const hushedForm =
  '<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>' +
  '<field var="muc#roomconfig_presencebroadcast"><value>moderator</value></field>';
const letterP = 'p'.charCodeAt(0);
const letterM = 'm'.charCodeAt(0);
const marker = Buffer.from('>@');

/** Counts arrivals of numbered messages, and checks that all occupants have them in one order and miss none. */
class Arrivals {
  /** seq of the k-th message in the room, as whoever had it first had it. */
  readonly order: number[] = [];
  readonly #had: Int32Array;
  readonly #copies: number[] = [];
  count = 0;
  readonly each: (seq: number, copies: number) => void;

  constructor(each: (seq: number, copies: number) => void) {
    this.each = each;
    this.#had = new Int32Array(inRoom);
    for (let i = 0; i < inRoom; i++)
      (occupants[i] as Occupant).watch((kind, frame, start, end) => {
        if (kind !== letterM) return;
        const at = frame.indexOf(marker, start);
        if (at < 0 || at > end) return;
        let seq = 0;
        for (let k = at + 2; frame[k] !== 0x40; k++) seq = seq * 10 + (frame[k] as number) - 48;
        this.#arrived(i, seq);
      });
  }

  #arrived(occupant: number, seq: number): void {
    const k = this.#had[occupant] as number;
    this.#had[occupant] = k + 1;
    if (k === this.order.length) this.order.push(seq);
    else if (this.order[k] !== seq)
      throw new Error(`occupant ${occupant}: message ${k} is ${seq}, not ${this.order[k]}`);
    this.count++;
    const copies = (this.#copies[seq] ?? 0) + 1;
    this.#copies[seq] = copies;
    this.each(seq, copies);
  }
}

function say(seq: number): void {
  (occupants[seq % inRoom] as Occupant).send(
    `<message xmlns="jabber:client" to="${room}" type="groupchat" id="m${seq}"><body>@${seq}@ Double, double toil and trouble; fire burn and caldron bubble.</body></message>`,
  );
}

async function latency({ messages }: Extract<Command, { do: 'latency' }>): Promise<Latency> {
  const samples: number[] = [];
  let sentAt = 0;
  let done: () => void = () => undefined;
  const arrivals = new Arrivals((_seq, copies) => {
    samples.push(performance.now() - sentAt);
    if (copies === inRoom) done();
  });
  for (let seq = 0; seq < messages; seq++) {
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    sentAt = performance.now();
    say(seq);
    await within(all, () => `${arrivals.count} copies`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  samples.sort((a, b) => a - b);
  const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

async function flood({ window, ms }: Extract<Command, { do: 'flood' }>): Promise<Flood> {
  let next = 0;
  let finished = 0;
  let until = Number.POSITIVE_INFINITY;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const arrivals = new Arrivals((_seq, copies) => {
    if (copies < inRoom) return;
    finished++;
    if (performance.now() < until) say(next++);
    else if (finished === next) done();
  });
  const cpu = process.cpuUsage();
  const began = performance.now();
  until = began + ms;
  while (next < window) say(next++);
  await within(all, () => `${arrivals.count} deliveries of ${next} messages`);
  const { user, system } = process.cpuUsage(cpu);
  return { deliveries: arrivals.count, ms: performance.now() - began, ownCpuMs: (user + system) / 1000 };
}

async function until(holds: () => boolean, how: () => string): Promise<void> {
  const late = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > late) throw new Error(how());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function within(work: Promise<void>, how: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const ended = occupants.find(({ closed }) => closed !== undefined);
      reject(new Error(`not done in ${roundMs / 1000} s: ${how()}${ended ? `; ${ended.nick}: ${ended.closed}` : ''}`));
    }, roundMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function end(): void {
  for (const occupant of occupants) occupant.end();
  occupants = [];
}

const commands = { login, join, latency, flood, end } as unknown as Record<string, (c: Command) => Promise<unknown>>;
const fail = (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) });
process.on('message', (command: Command) => {
  Promise.resolve(commands[command.do]?.(command)).then((result) => process.send?.({ result }), fail);
});
process.on('uncaughtException', fail);
process.on('disconnect', () => process.exit());
