import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { message } from '../../../src/core/xmpp/stanza.ts';
import { type Connection, type ConnectionEvents, ReconnectingLink } from '../../../src/host/reconnecting-link.ts';
import { LinkError, type LinkErrorKind } from '../../../src/host/stanza-link.ts';
import { FakeTime } from '../../support/fake-time.ts';

/** A connection that does what the test tells it to. */
class FakeConnection implements Connection {
  readonly events: ConnectionEvents;
  readonly sent: (string | undefined)[] = [];
  pings = 0;
  end = '';
  unsentBytes = 0;

  constructor(events: ConnectionEvents) {
    this.events = events;
  }
  send({ id }: { readonly id?: string | undefined }): void {
    this.sent.push(id);
  }
  ping(): void {
    this.pings++;
  }
  async close(): Promise<void> {
    this.end = 'closed';
  }
  abandon(): void {
    this.end = 'abandoned';
  }
}

const here = jid('talk.lit');
const toA = (id: string) => message(here, jid('a@x.lit'), { id });

function linked(turn?: () => Promise<void>) {
  const host = new FakeTime();
  const connections: FakeConnection[] = [];
  const link = new ReconnectingLink({
    host,
    server: jid('lit'),
    service: 'lit:5347',
    open: (events) => {
      const connection = new FakeConnection(events);
      connections.push(connection);
      return connection;
    },
    retryMaxMs: 4_000,
    pongMs: 10_000,
    restAboveBytes: 1_000,
    turn,
  });
  const log: string[] = [];
  let ended = 'pending';
  link
    .start({
      stanza: (_, { id }) => log.push(`stanza ${id}`),
      up: (_, stream) => log.push(`up ${stream}`),
      down: () => log.push('down'),
      progress: (phase, detail) => {
        if (phase === 'reconnecting' || phase === 'failed') log.push(`${phase}: ${detail}`);
      },
    })
    .then(
      () => {
        ended = 'up';
      },
      (error: LinkError) => {
        ended = error.kind;
      },
    );
  const latest = () => connections.at(-1) as FakeConnection;
  const started = async () => {
    await Promise.resolve();
    await Promise.resolve();
    return ended;
  };
  return { host, link, log, connections, latest, started };
}

describe('A link that comes back', () => {
  it('waits twice as long after every failure, up to its longest pause, with jitter of up to half of it', () => {
    for (const [dice, expected] of [
      [1, ['0.5', '1.0', '2.0', '4.0', '4.0']],
      [0, ['0.3', '0.5', '1.0', '2.0', '2.0']],
    ] as const) {
      const { host, latest, log } = linked();
      host.dice = dice;
      for (let failures = 0; failures < 5; failures++) {
        latest().events.lost(new LinkError('away'));
        host.passes(4_000);
      }
      expect(log.map((line) => /again in (\S+) s$/.exec(line)?.[1])).toEqual(expected);
    }
  });

  it('tries at once where somebody does not want to wait, and only then', () => {
    const { host, link, latest, connections, log } = linked();
    link.retry();
    expect(connections).toHaveLength(1);
    latest().events.lost(new LinkError('away'));
    link.retry();
    expect(connections).toHaveLength(2);
    // What it would have waited for does not make a third.
    host.passes(4_000);
    expect(connections).toHaveLength(2);
    latest().events.up(here, 's');
    link.retry();
    expect(connections).toHaveLength(2);
    expect(log.at(-1)).toBe('up s');
    latest().events.lost(new LinkError('wrong password', 'permanent'));
    link.retry();
    expect(connections).toHaveLength(2);
  });

  it('takes a session that lived for less than five seconds for another failure', () => {
    const { host, latest, log } = linked();
    for (const lived of [4_999, 4_999, 5_000]) {
      latest().events.up(here, 's');
      host.passes(lived);
      latest().events.lost(new LinkError('away'));
      host.passes(4_000);
    }
    expect(log.flatMap((line) => /again in (\S+) s$/.exec(line)?.[1] ?? [])).toEqual(['0.5', '1.0', '0.5']);
  });

  it('hears nothing of a connection that it gave up', () => {
    const { host, connections, log } = linked();
    const [first] = connections as [FakeConnection];
    first.events.lost(new LinkError('away'));
    host.passes(500);
    first.events.up(here, 'old');
    first.events.stanza(here, toA('old'), { stream: 'old', n: 1 });
    first.events.lost(new LinkError('away'));
    expect(log).toHaveLength(1);
    expect([first.end, connections.length]).toEqual(['abandoned', 2]);
  });

  it('keeps what is sent while it is down, and sends it in order', () => {
    const { link, latest } = linked();
    link.send(toA('1'));
    link.send(toA('2'));
    expect(link.backlog).toBe(2);
    latest().events.up(here, 's');
    link.send(toA('3'));
    expect([latest().sent, link.backlog]).toEqual([['1', '2', '3'], 0]);
  });

  it('is bound at once, but speaks and hears only when it is its turn; a later session does not wait', async () => {
    let go: () => void = () => undefined;
    const { host, link, latest, log, started } = linked(
      () =>
        new Promise((resolve) => {
          go = resolve;
        }),
    );
    link.send(toA('1'));
    latest().events.up(here, 's');
    latest().events.stanza(here, toA('early'), { stream: 's', n: 1 });
    host.passes(20_000);
    expect([await started(), log, latest().sent]).toEqual(['pending', [], []]);
    go();
    expect([await started(), log, latest().sent]).toEqual(['up', ['up s', 'stanza early'], ['1']]);
    latest().events.lost(new LinkError('away'));
    host.passes(4_000);
    latest().events.up(here, 't');
    expect(log.at(-1)).toBe('up t');
  });

  it('whose session is lost before its turn was not up', async () => {
    let go: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { host, latest, log, started } = linked(() => turn);
    latest().events.up(here, 's');
    latest().events.lost(new LinkError('away'));
    go();
    expect(await started()).toBe('pending');
    host.passes(4_000);
    latest().events.up(here, 't');
    await started();
    expect(log.filter((line) => !line.startsWith('reconnecting'))).toEqual(['up t']);
  });

  it('gives up an attempt that brings no login within 15 s', () => {
    const { host, log } = linked();
    host.passes(15_000);
    expect(log).toEqual(['reconnecting: no login within 15 s; again in 0.5 s']);
  });

  it('pings an idle stream, and gives it up where nothing at all comes back', () => {
    const { host, latest, log } = linked();
    latest().events.up(here, 's');
    host.passes(30_000);
    expect(latest().pings).toBe(1);
    latest().events.heard();
    host.passes(10_000);
    host.passes(20_000);
    expect(latest().pings).toBe(2);
    host.passes(10_000);
    expect(log).toEqual(['up s', 'down', 'reconnecting: the server did not answer a ping for 10 s; again in 0.5 s']);
  });

  it('lets a node rest while much is unsent', async () => {
    const { host, link, latest } = linked();
    latest().events.up(here, 's');
    expect(link.drained()).toBeUndefined();
    latest().unsentBytes = 1_001;
    let rested = false;
    const rest = link.drained()?.then(() => {
      rested = true;
    });
    host.passes(5);
    await Promise.resolve();
    expect(rested).toBe(false);
    latest().unsentBytes = 1_000;
    host.passes(5);
    await rest;
    expect(rested).toBe(true);
  });

  it('stop closes the stream, drops what waits, and ends a start that waits', async () => {
    const { host, link, latest, started } = linked();
    link.send(toA('1'));
    await link.stop();
    expect([latest().end, link.backlog, await started()]).toEqual(['closed', 0, 'permanent']);
    host.passes(100_000);
    expect(latest().sent).toEqual([]);
  });
});

describe('What becomes of a failure depends on its kind, whatever its words', () => {
  const kinds: readonly [LinkErrorKind, string][] = [
    ['transient', 'pending'],
    ['misconfigured', 'misconfigured'],
    ['taken', 'pending'],
    ['permanent', 'permanent'],
  ];
  it.each(kinds)('%s, at the first start', async (kind, expected) => {
    const { latest, started, host, connections } = linked();
    latest().events.lost(new LinkError('', kind));
    expect(await started()).toBe(expected);
    host.passes(500);
    expect(connections.length).toBe(expected === 'pending' ? 2 : 1);
  });

  it.each([
    ['transient', 2],
    ['misconfigured', 2],
    ['taken', 1],
    ['permanent', 1],
  ] as const)('%s, of a session that was up', (kind, attempts) => {
    const { latest, host, connections, log } = linked();
    latest().events.up(here, 's');
    latest().events.lost(new LinkError('no safe way, wrong password', kind));
    host.passes(500);
    expect([connections.length, log.at(-1)?.split(':')[0]]).toEqual([
      attempts,
      attempts === 1 ? 'failed' : 'reconnecting',
    ]);
  });

  it('an address that is still taken at the third attempt is given up at the first start, and never later', async () => {
    const { latest, started, host, connections } = linked();
    const taken = () => {
      latest().events.lost(new LinkError('', 'taken'));
      host.passes(4_000);
    };
    taken();
    taken();
    expect(await started()).toBe('pending');
    taken();
    expect([await started(), connections.length]).toEqual(['taken', 3]);

    const later = linked();
    later.latest().events.up(here, 's');
    later.latest().events.lost(new LinkError('away'));
    for (let i = 0; i < 5; i++) {
      later.host.passes(4_000);
      later.latest().events.lost(new LinkError('', 'taken'));
    }
    expect(later.connections.length).toBe(6);
  });
});
