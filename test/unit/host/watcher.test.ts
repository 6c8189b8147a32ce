import { describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../../src/core/node/trace.ts';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { iqResult, message, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import type { Trouble } from '../../../src/host/control.ts';
import type { LinkHandlers, StanzaLink } from '../../../src/host/stanza-link.ts';
import { Watcher } from '../../../src/worker/watcher.ts';

const server = jid('avalon.irc');
const page = jid('observer@avalon.irc/page');

const session = (seq: number, stream: string) =>
  ({ kind: 'session', seq, t: 0, up: true, address: page, server, stream, role: 'operator' }) as unknown as TraceRecord;
const pause = (seq: number) => ({ kind: 'pause', seq, t: 0, paused: false }) as unknown as TraceRecord;
const step = (t: number) =>
  ({ kind: 'step', t, node: 'n', stream: 's', input: 'x', tx: [], notes: [], appended: 0 }) as unknown as TraceRecord;

/** A link whose server answers each command as told. */
class FakeLink implements StanzaLink {
  readonly address: Jid = page;
  readonly server = server;
  readonly sent: Stanza[] = [];
  handlers!: LinkHandlers;
  answers = true;
  start(handlers: LinkHandlers): Promise<void> {
    this.handlers = handlers;
    this.up('s1');
    return Promise.resolve();
  }
  up(stream: string): void {
    this.handlers.up(server, stream);
  }
  send(stanza: Stanza): void {
    this.sent.push(stanza);
    if (this.answers) this.receive(iqResult(stanza));
  }
  receive(stanza: Stanza): void {
    this.handlers.stanza(server, stanza, { stream: '', n: 0 });
  }
  trace(...records: TraceRecord[]): void {
    const payload = el('trace', 'urn:x-netsplit:trace:0', {}, JSON.stringify(records));
    this.receive(message(server, page, { type: 'headline' }, payload));
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

async function watching() {
  const link = new FakeLink();
  const seen: TraceRecord[] = [];
  const trouble: (Trouble | undefined)[] = [];
  let gone = 0;
  const timers: (() => void)[] = [];
  let ids = 0;
  const watcher = new Watcher({
    gone: () => gone++,
    link,
    records: (batch) => seen.push(...batch),
    trouble: (one) => trouble.push(one),
    newId: () => `id${++ids}`,
    setTimer: (_ms, fn) => {
      timers.push(fn);
      return () => undefined;
    },
  });
  expect(await watcher.start()).toEqual({ ok: true });
  return { link, seen, trouble, timers, watcher, gone: () => gone };
}

const settled = async () => {
  for (let i = 0; i < 10; i++) await undefined;
};

describe('Watcher: the page’s own session', () => {
  it('subscribes to the trace and hands its records on', async () => {
    const { link, seen, trouble } = await watching();
    expect(link.sent[0]?.payloads[0]?.attrs['node']).toBe('urn:x-netsplit:operator#trace');
    link.trace(session(3, 's1'), pause(1), step(1));
    expect(seen).toEqual([session(3, 's1'), pause(1), step(1)]);
    expect(trouble).toEqual([undefined]);
  });

  it('after a reconnect subscribes again and drops what it has seen', async () => {
    const { link, seen, trouble } = await watching();
    link.trace(session(3, 's1'), pause(4), step(1));
    link.handlers.down(server);
    expect(trouble.at(-1)).toEqual({ kind: 'offline', text: 'the connection to the server is lost' });
    link.up('s2');
    await settled();
    expect(link.sent).toHaveLength(2);
    link.trace(session(9, 's2'), pause(4), step(1), pause(8), step(2));
    expect(seen.slice(3)).toEqual([session(9, 's2'), pause(8), step(2)]);
    expect(trouble.at(-1)).toBeUndefined();
  });

  it('notices that the numbers began again: another run of the server', async () => {
    const { link, seen, gone } = await watching();
    link.trace(session(30, 's1'));
    link.handlers.down(server);
    link.up('s2');
    await settled();
    link.trace(session(2, 's2'), pause(1));
    expect(gone()).toBe(1);
    // Of another network nothing is shown as if it were of this one.
    expect(seen).toHaveLength(1);
  });

  it('says whether the server is away, or refuses the page', async () => {
    const { link, trouble, timers, gone } = await watching();
    link.handlers.progress?.('reconnecting', 'no server answers; again in 1 s');
    expect(trouble.at(-1)).toEqual({ kind: 'offline', text: 'no server answers; again in 1 s' });
    // An answer that does not come says as little as none.
    link.answers = false;
    link.up('s2');
    timers.at(-1)?.();
    await settled();
    expect(trouble.at(-1)).toEqual({ kind: 'offline', text: 'the server did not answer' });
    link.handlers.progress?.('failed', 'wrong password');
    expect(gone()).toBe(1);
  });

  it('executes a command in one stage, and tells the server’s reason where it is refused', async () => {
    const { link, watcher } = await watching();
    link.answers = false;
    const answer = watcher.command('link', { a: 'avalon.irc', b: 'nowhere', state: 'bounce' });
    const request = link.sent.at(-1) as Stanza;
    expect(request.payloads[0]?.children).toMatchObject([
      {
        name: 'x',
        attrs: { type: 'submit' },
        children: [{ attrs: { var: 'a' } }, { attrs: { var: 'b' } }, { attrs: { var: 'state' } }],
      },
    ]);
    const error = el(
      'error',
      'jabber:client',
      { type: 'modify' },
      el('bad-request', 'urn:ietf:params:xml:ns:xmpp-stanzas'),
      el('text', 'urn:ietf:params:xml:ns:xmpp-stanzas', {}, 'b is "nowhere"'),
    );
    // Somebody else's answer with the same id is none.
    link.receive({
      name: 'iq',
      from: jid('evil.lit'),
      to: page,
      id: request.id as string,
      type: 'result',
      payloads: [],
    });
    link.receive({ name: 'iq', from: server, to: page, id: request.id as string, type: 'error', payloads: [error] });
    expect(await answer).toEqual({ ok: false, error: 'b is "nowhere"' });
  });

  it('a command ends with the connection, or when nobody answers', async () => {
    const { link, watcher, timers } = await watching();
    link.answers = false;
    const lost = watcher.command('pause', { paused: 'true' });
    link.handlers.down(server);
    expect(await lost).toEqual({ ok: false, error: 'the connection to the server is lost' });
    const silent = watcher.command('pause', { paused: 'true' });
    timers.at(-1)?.();
    expect(await silent).toEqual({ ok: false, error: 'the server did not answer' });
  });

  it('answers the server’s ping (XEP-0199)', async () => {
    const { link } = await watching();
    link.answers = false;
    link.receive({ name: 'iq', from: server, to: page, id: 'p', type: 'get', payloads: [el('ping', 'urn:xmpp:ping')] });
    expect(link.sent.at(-1)).toMatchObject({ name: 'iq', type: 'result', id: 'p', to: server });
  });
});
