import { afterEach, describe, expect, it } from 'vitest';
import type { HopRecord, StepRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import { startLocalNodes } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import type { OccupantReport } from '../../../src/host/control.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { CharacterSession } from '../../../src/worker/character.ts';
import { randomId } from '../../../src/worker/random-id.ts';
import { startServer } from '../../support/server.ts';
import { withWebSocket } from '../../support/websocket.ts';

withWebSocket();

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The plain scenario on the embedded server, its node in the same process, its characters over WebSocket. */
async function lobby() {
  const scenario = builtInScenario('plain') as Scenario;
  const server = await startServer([scenario]);
  ends.push(() => server.close());
  const network = server.live.networks[0];
  if (network === undefined) throw new Error('no network');
  const nodes = await startLocalNodes(network, nodeServerHost(), (address, error) => {
    throw new Error(`${address} failed`, { cause: error });
  });
  ends.push(() => nodes.stop());
  const trace: TraceRecord[] = [];
  network.network.trace.subscribe({
    ready: () => true,
    batch: (json) => trace.push(...(JSON.parse(json) as TraceRecord[])),
  });
  const reports: OccupantReport[] = [];
  const play = (index: number, changes: { readonly password?: string; readonly nick?: string } = {}) => {
    const occupant = scenario.occupants[index];
    if (occupant === undefined) throw new Error('no occupant');
    const password = network.credentials.occupants[occupant.jid.split('/')[0] ?? ''] ?? '';
    const session = new CharacterSession({ ...occupant, password, ...changes }, server.url, randomId, (report) =>
      reports.push(report),
    );
    ends.push(() => session.stop());
    session.start();
    return session;
  };
  return { network: network.network, trace, reports, play };
}

describe('A character’s session', () => {
  it('logs in, joins, and says when the room has let it in', async () => {
    const { play, reports } = await lobby();
    const witch = play(0);
    expect(await witch.act({ act: 'join' })).toMatchObject({ ok: true });
    expect(reports.map(({ phase }) => phase)).toEqual(['connecting', 'online', 'joining', 'joined']);
    expect(await witch.act({ act: 'join' })).toMatchObject({ ok: true });
    expect(await witch.act({ act: 'leave' })).toMatchObject({ ok: true });
    expect(await witch.act({ act: 'say', text: 'anyone?' })).toEqual({
      ok: false,
      error: 'firstwitch is not in the room',
    });
  });

  it('reports what it was told to do, under the number that the server gave the stanza', async () => {
    const { play, trace } = await lobby();
    const witch = play(0);
    await witch.act({ act: 'join' });
    await witch.act({ act: 'say', text: 'When shall we three meet again?' });
    const says = () => trace.find((r): r is StepRecord => r.kind === 'step' && r.input === 'firstwitch says');
    await expect
      .poll(says)
      .toMatchObject({ node: 'firstwitch@localhost/desktop', tx: [{ spec: '0045#7.4' }], appended: 0 });
    const { stream, tx } = says() as StepRecord;
    const hop = trace.find(
      (r): r is HopRecord => r.kind === 'hop' && r.leg === 'in' && r.stream === stream && r.n === tx[0]?.n,
    );
    expect(hop?.stanza.xml).toContain('When shall we three meet again?');
  });

  it('tells why the room did not let it in', async () => {
    const { play } = await lobby();
    expect(await play(0).act({ act: 'join' })).toMatchObject({ ok: true });
    const double = play(1, { nick: 'firstwitch' });
    expect(await double.act({ act: 'join' })).toMatchObject({ ok: false, error: expect.stringContaining('conflict') });
  });

  it('says nothing that is more than its server takes, and names the limit', async () => {
    const { play } = await lobby();
    const witch = play(0);
    await witch.act({ act: 'join' });
    expect(await witch.act({ act: 'say', text: '&'.repeat(60_000) })).toEqual({
      ok: false,
      error: 'the text is 300000 bytes long, and may be 253952',
    });
    expect(await witch.act({ act: 'say', text: 'still here' })).toMatchObject({ ok: true });
  });

  it('comes back into the room after a lost connection', async () => {
    const { play, reports, network } = await lobby();
    await play(0).act({ act: 'join' });
    reports.length = 0;
    const [session] = network.servers
      .flatMap((server) => server.sessions())
      .filter(({ account }) => account.role === 'user');
    expect(network.disconnect({ stream: session?.stream ?? '' })).toBe(1);
    await expect.poll(() => reports.at(-1)?.phase, { timeout: 5_000 }).toBe('joined');
    expect(reports.map(({ phase }) => phase)).toContain('connecting');
  });

  it('cannot say what XML cannot carry, and stays connected', async () => {
    const { play } = await lobby();
    const witch = play(0);
    await witch.act({ act: 'join' });
    expect(await witch.act({ act: 'say', text: 'a\u0000b' })).toMatchObject({ ok: false });
    // The page waits until it has seen what was sent.
    const sent = [{ stream: expect.any(String), n: expect.any(Number) }];
    expect(await witch.act({ act: 'say', text: 'hail' })).toEqual({ ok: true, sent });
  });

  it('a refusal is of what was refused, not of what is done after it', async () => {
    const { play, reports } = await lobby();
    const witch = play(0);
    await witch.act({ act: 'join' });
    await witch.act({ act: 'pm', to: 'nobody', text: 'psst' });
    await expect.poll(() => reports.at(-1)?.detail).toMatch(/item-not-found/);
    expect(await witch.act({ act: 'say', text: 'hail' })).toMatchObject({ ok: true });
    expect(await witch.act({ act: 'nick', nick: '' })).toMatchObject({ ok: false });
  });

  it('asks for the configuration of a room; who does not own it is told so', async () => {
    const { play, trace } = await lobby();
    const room = builtInScenario('plain')?.occupants[0]?.room ?? '';
    const refused = await play(0).configure({ room, split: { policy: 'local' } });
    expect(refused).toEqual({ ok: false, error: expect.stringContaining('forbidden') });
    const asks = () =>
      trace.find((r): r is StepRecord => r.kind === 'step' && r.input?.endsWith('configuration') === true);
    await expect.poll(asks).toMatchObject({ tx: [{ spec: '0045#10.2' }] });
  });

  it('says so where its password is wrong', async () => {
    const { play, reports } = await lobby();
    const error = 'firstwitch is not connected: wrong password for firstwitch@localhost/desktop';
    expect(await play(0, { password: 'no' }).act({ act: 'join' })).toEqual({ ok: false, error });
    expect(reports.at(-1)?.phase).toBe('failed');
  });
});
