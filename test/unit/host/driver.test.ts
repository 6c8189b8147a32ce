import { describe, expect, it } from 'vitest';
import { nothingHeld } from '../../../src/core/node/holdings.ts';
import type { Input } from '../../../src/core/node/input.ts';
import type { MucNode, NodeEffect } from '../../../src/core/node/node.ts';
import type { NodeImage, NodeSnapshot } from '../../../src/core/node/snapshot.ts';
import type { StatusRecord, StepRecord } from '../../../src/core/node/trace.ts';
import type { RoomEvent } from '../../../src/core/room/event.ts';
import type { TimerId } from '../../../src/core/turn/effect.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { message, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../../src/core/xmpp/time.ts';
import { Driver } from '../../../src/host/driver.ts';
import type { DriverHost } from '../../../src/host/driver-options.ts';
import type { EventStore } from '../../../src/host/event-store.ts';
import { type MemoryMedium, MemoryStore } from '../../../src/host/memory-store.ts';
import type { LinkHandlers, StanzaLink } from '../../../src/host/stanza-link.ts';
import { happened } from '../../contract/event-store.contract.ts';

const service = jid('channel.avalon.irc');
const server = jid('avalon.irc');
const user = jid('bigcheese@avalon.irc/brie');

const said = (text: string): Stanza => message(user, service, { id: text });
const append = (...ns: number[]): NodeEffect => ({ kind: 'append', events: ns.map(happened) });
const send = (text: string): NodeEffect => ({
  kind: 'send',
  over: server,
  stanza: message(service, user, { id: text }),
  spec: `0045#${text}`,
});
const timerId = (text: string) => text as TimerId;

/** Lets every promise that can go on do so; no clock is involved. */
const settled = async () => {
  for (let i = 0; i < 30; i++) await undefined;
};

type Decide = (input: Input) => readonly NodeEffect[];

class FakeNode implements MucNode {
  readonly seen: Input[] = [];
  applied: RoomEvent[] = [];
  restored: NodeSnapshot | undefined;
  readonly decide: Decide;
  constructor(decide: Decide) {
    this.decide = decide;
  }
  handle(input: Input): readonly NodeEffect[] {
    this.seen.push(input);
    const effects = this.decide(input);
    for (const effect of effects)
      if (effect.kind === 'append') effect.events.forEach((event) => void this.apply(event));
    return effects;
  }
  apply(event: RoomEvent): readonly never[] {
    this.applied.push(event);
    return [];
  }
  archives(): readonly never[] {
    return [];
  }
  recall(): void {}
  snapshot(): NodeImage {
    return { version: 1, rooms: [] };
  }
  restore(snapshot: NodeSnapshot): readonly never[] {
    this.restored = snapshot;
    return [];
  }
  holdings() {
    return nothingHeld;
  }
  status() {
    return {
      address: service,
      server,
      rooms: [
        {
          room: 'r',
          role: 'plain' as const,
          epoch: 1,
          historyLength: this.applied.length,
          subject: '',
          occupants: [],
          peers: [],
        },
      ],
    };
  }
}

/** A store whose appends become durable when the test says so. */
class SlowStore extends MemoryStore implements EventStore {
  readonly batches: number[] = [];
  snapshots = 0;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  readonly log: string[];
  constructor(log: string[], medium?: MemoryMedium) {
    super(medium);
    this.log = log;
  }
  override async append(events: readonly RoomEvent[]): Promise<void> {
    this.batches.push(events.length);
    this.log.push(`append ${events.length}`);
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.log.push('durable');
    await super.append(events);
  }
  override async saveSnapshot(snapshot: NodeSnapshot): Promise<void> {
    this.snapshots++;
    this.log.push('snapshot');
    await super.saveSnapshot(snapshot);
  }
  async commit(): Promise<void> {
    this.#waiting.shift()?.resolve();
    await settled();
  }
  async fail(): Promise<void> {
    this.#waiting.shift()?.reject(new Error('disk full'));
    await settled();
  }
}

/** A link in memory that writes at once while up, and keeps what is sent while down. */
class FakeLink implements StanzaLink {
  handlers!: LinkHandlers;
  stopped = false;
  stream: string | undefined;
  #n = 0;
  #rx = 0;
  #outbox: { stanza: Stanza; sent?: ((tx: { stream: string; n: number }) => void) | undefined }[] = [];
  readonly log: string[];
  constructor(log: string[]) {
    this.log = log;
  }
  async start(handlers: LinkHandlers): Promise<void> {
    this.handlers = handlers;
    this.up('s1');
  }
  up(stream: string): void {
    this.stream = stream;
    this.#n = 0;
    this.#rx = 0;
    this.handlers.up(server, stream);
    for (const { stanza, sent } of this.#outbox.splice(0)) this.send(stanza, sent);
  }
  down(): void {
    this.stream = undefined;
    this.handlers.down(server);
  }
  receive(stanza: Stanza): void {
    this.handlers.stanza(server, stanza, { stream: this.stream ?? '', n: ++this.#rx });
  }
  send(stanza: Stanza, sent?: (tx: { stream: string; n: number }) => void): void {
    if (this.stream === undefined) {
      this.#outbox.push({ stanza, sent });
      return;
    }
    this.log.push(`send ${stanza.id}`);
    sent?.({ stream: this.stream, n: ++this.#n });
  }
  async stop(): Promise<void> {
    this.stopped = true;
  }
}

class FakeHost implements DriverHost {
  time = 1_000;
  #timers: { at: Instant; fn: () => void }[] = [];
  #ids = 0;
  now(): Instant {
    return instant(this.time);
  }
  setTimer(at: Instant, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  newId(): string {
    return `id${++this.#ids}`;
  }
  async passes(ms: number): Promise<void> {
    this.time += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.time).sort((a, b) => a.at - b.at);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { fn } of due) fn();
    await settled();
  }
}

async function running(decide: Decide, options: { medium?: MemoryMedium; snapshotEvery?: number } = {}) {
  const log: string[] = [];
  const host = new FakeHost();
  const node = new FakeNode(decide);
  const store = new SlowStore(log, options.medium);
  const link = new FakeLink(log);
  const records: (StepRecord | StatusRecord)[] = [];
  const failures: unknown[] = [];
  const driver = new Driver({
    address: service,
    node,
    store,
    link,
    host,
    report: (batch) => records.push(...batch),
    failed: (error) => failures.push(error),
    ...(options.snapshotEvery === undefined ? {} : { snapshotEvery: options.snapshotEvery }),
  });
  await driver.start();
  await settled();
  const steps = () => records.filter((record): record is StepRecord => record.kind === 'step');
  return { log, host, node, store, link, records, steps, failures, driver };
}

const onStanza =
  (decide: (id: string) => readonly NodeEffect[]): Decide =>
  (input) =>
    input.kind === 'stanza' ? decide(input.stanza.id ?? '') : [];

describe('Driver: nothing leaves before its log', () => {
  it('holds back the sends of an input until its events are durable', async () => {
    const { log, link, store } = await running(onStanza(() => [append(1), send('a'), send('b')]));
    link.receive(said('1'));
    await settled();
    expect(log).toEqual(['append 1']);
    await store.commit();
    expect(log).toEqual(['append 1', 'durable', 'send a', 'send b']);
  });

  it('appends the events of all queued inputs at once, and sends in the order of the inputs', async () => {
    const { log, link, store } = await running(
      onStanza((id) => (id === '2' ? [send('2')] : [append(Number(id)), send(id)])),
    );
    for (const id of ['1', '2', '3']) link.receive(said(id));
    await settled();
    expect(log).toEqual(['append 2']);
    await store.commit();
    expect(log).toEqual(['append 2', 'durable', 'send 1', 'send 2', 'send 3']);
  });

  it('keeps an input without events behind the append that came before it', async () => {
    const { log, link, store } = await running(onStanza((id) => (id === '1' ? [append(1), send('1')] : [send(id)])));
    link.receive(said('1'));
    await settled();
    link.receive(said('2'));
    await settled();
    expect(log).toEqual(['append 1']);
    await store.commit();
    expect(log).toEqual(['append 1', 'durable', 'send 1', 'send 2']);
  });

  it('a failed append stops the node: it reports, and never sends again', async () => {
    const { log, link, store, failures, node } = await running(onStanza((id) => [append(1), send(id)]));
    link.receive(said('1'));
    await settled();
    await store.fail();
    expect(failures.map(String)).toEqual(['Error: disk full']);
    expect(link.stopped).toBe(true);
    const handled = node.seen.length;
    link.receive(said('2'));
    await settled();
    expect(node.seen).toHaveLength(handled);
    expect(log).toEqual(['append 1']);
  });

  it('a node that throws is stopped the same way', async () => {
    const { link, failures } = await running(
      onStanza(() => {
        throw new Error('bug');
      }),
    );
    link.receive(said('1'));
    await settled();
    expect(failures.map(String)).toEqual(['Error: bug']);
    expect(link.stopped).toBe(true);
  });

  it('stop() in the middle of an append waits for it and sends nothing', async () => {
    const { log, link, store, driver } = await running(onStanza(() => [append(1), send('a')]));
    link.receive(said('1'));
    await settled();
    const stopping = driver.stop();
    await store.commit();
    await stopping;
    expect(log).toEqual(['append 1', 'durable']);
  });

  it('saves a snapshot after so many events', async () => {
    const { link, store, log } = await running(
      onStanza(() => [append(1, 2), send('a')]),
      { snapshotEvery: 4 },
    );
    link.receive(said('1'));
    await settled();
    await store.commit();
    expect(store.snapshots).toBe(0);
    link.receive(said('2'));
    await settled();
    await store.commit();
    expect(log.slice(-2)).toEqual(['send a', 'snapshot']);
  });
});

describe('Driver: start', () => {
  it('restores the snapshot, applies the tail of the log, says start, then connected', async () => {
    const snapshot: NodeSnapshot = { version: 1, rooms: [] };
    const { node } = await running(() => [], { medium: { snapshot, events: [happened(1), happened(2)], last: 1 } });
    expect(node.restored).toBe(snapshot);
    expect(node.applied).toEqual([happened(1), happened(2)]);
    expect(node.seen).toEqual([
      // What was appended last may never have been heard of.
      { kind: 'command', command: { name: 'start', untold: [happened(2)] } },
      { kind: 'linkUp', peer: server },
    ]);
  });

  it('rejects and closes the store where the link can never come up', async () => {
    const store = new MemoryStore();
    const driver = new Driver({
      address: service,
      node: new FakeNode(() => []),
      store,
      host: new FakeHost(),
      link: {
        start: () => Promise.reject(new Error('wrong password')),
        send: () => undefined,
        stop: () => Promise.resolve(),
      },
    });
    await expect(driver.start()).rejects.toThrow('wrong password');
    await expect(store.append([])).rejects.toThrow('closed');
  });
});

describe('Driver: timers', () => {
  const armed: Decide = (input) => {
    if (input.kind === 'command') return [{ kind: 'setTimer', timer: timerId('t'), at: instant(2_000) }];
    if (input.kind === 'stanza' && input.stanza.id === 'clear') return [{ kind: 'clearTimer', timer: timerId('t') }];
    if (input.kind === 'stanza' && input.stanza.id === 'later')
      return [{ kind: 'setTimer', timer: timerId('t'), at: instant(3_000) }];
    return [];
  };
  const fired = (node: FakeNode) => node.seen.filter((input) => input.kind === 'timer').length;

  it('delivers a timer when it is due, however late the host wakes up', async () => {
    const { node, host } = await running(armed);
    await host.passes(900);
    expect(fired(node)).toBe(0);
    await host.passes(60_000);
    expect(fired(node)).toBe(1);
  });

  it('setting a timer again replaces it', async () => {
    const { node, host, link } = await running(armed);
    link.receive(said('later'));
    await host.passes(1_500);
    expect(fired(node)).toBe(0);
    await host.passes(1_000);
    expect(fired(node)).toBe(1);
  });

  it('a timer cleared by an input that is handled before it does not fire', async () => {
    const { node, host, link } = await running(armed);
    link.receive(said('clear'));
    await host.passes(5_000);
    expect(fired(node)).toBe(0);
  });
});

describe('Driver: records for the trace', () => {
  it('one step per input: what came in, what went out on which rule, what was noted', async () => {
    const { link, store, steps } = await running(
      onStanza(() => [
        append(1),
        send('a'),
        { kind: 'trace', spec: '0045#7.2', what: 'entered', room: service },
        send('b'),
      ]),
    );
    link.receive(said('1'));
    await settled();
    await store.commit();
    expect(steps()).toEqual([
      {
        kind: 'step',
        t: 1_000,
        node: service,
        stream: 's1',
        rx: 1,
        tx: [
          { n: 1, spec: '0045#a' },
          { n: 2, spec: '0045#b' },
        ],
        notes: [{ spec: '0045#7.2', what: 'entered', room: service }],
        appended: 1,
      },
    ]);
  });

  it('a stanza written after a reconnect is still reported, on its own stream', async () => {
    const { link, store, steps } = await running(onStanza((id) => [append(1), send(id)]));
    link.receive(said('1'));
    await settled();
    link.down();
    await store.commit();
    expect(steps()).toMatchObject([{ stream: 's1', rx: 1, tx: [], appended: 1 }]);
    link.up('s2');
    await settled();
    expect(steps()[1]).toMatchObject({ stream: 's2', tx: [{ n: 1, spec: '0045#1' }], appended: 0 });
  });

  it('a timer that changed nothing leaves no step; one that did is named', async () => {
    const { host, steps } = await running((input) => {
      if (input.kind === 'command')
        return ['idle', 'busy'].map((id) => ({ kind: 'setTimer', timer: timerId(id), at: instant(1_500) }) as const);
      return input.kind === 'timer' && input.timer === 'busy' ? [send('ping')] : [];
    });
    await host.passes(1_000);
    expect(steps()).toMatchObject([
      { input: 'timer busy', timer: true, stream: 's1', tx: [{ n: 1, spec: '0045#ping' }] },
    ]);
  });

  it('sends the status when it changed, at most every 100 ms', async () => {
    const { link, store, host, records } = await running(onStanza((id) => [append(Number(id))]));
    const lengths = () =>
      records.flatMap((record) => (record.kind === 'status' ? [record.status.rooms[0]?.historyLength] : []));
    expect(lengths()).toEqual([0]);
    for (const id of ['1', '2', '3']) {
      link.receive(said(id));
      await settled();
      await store.commit();
    }
    expect(lengths()).toEqual([0]);
    await host.passes(100);
    expect(lengths()).toEqual([0, 3]);
    await host.passes(1_000);
    expect(lengths()).toEqual([0, 3]);
  });

  it('sends the whole status again on a new stream, as its server may be another run', async () => {
    const { link, host, records } = await running(onStanza((id) => [append(Number(id))]));
    await host.passes(1_000);
    const statuses = () => records.filter((record) => record.kind === 'status');
    expect(statuses().map(({ changes }) => changes)).toEqual([undefined]);
    link.down();
    await settled();
    link.up('s2');
    await settled();
    await host.passes(100);
    expect(statuses().map(({ changes }) => changes)).toEqual([undefined, undefined]);
  });
});
