import { describe, expect, it } from 'vitest';
import type {
  HopRecord,
  LinkRecord,
  SessionRecord,
  StatusRecord,
  StepRecord,
  TraceRecord,
} from '../../../src/core/node/trace.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { childOf, elementsOf, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { errorCondition, errorText, fakeNetwork, type WireClient } from '../../support/server.ts';

const c = 'xmlns="jabber:client"';
const traceNs = 'urn:x-netsplit:trace:0';

/** Executes an operator command with a form, in one stage. */
function execute(
  client: WireClient,
  command: string,
  fields?: Record<string, string>,
  to = 'avalon.irc',
): XmlElement | undefined {
  const inner = Object.entries(fields ?? {}).map(
    ([name, value]) => `<field var="${name}"><value>${value}</value></field>`,
  );
  const form = fields === undefined ? '' : `<x xmlns="jabber:x:data" type="submit">${inner.join('')}</x>`;
  client.take();
  client.send(
    `<iq ${c} type="set" id="o" to="${to}"><command xmlns="http://jabber.org/protocol/commands" node="urn:x-netsplit:operator#${command}" action="execute">${form}</command></iq>`,
  );
  return client.take()[0];
}
const status = (answer: XmlElement | undefined) => (answer && elementsOf(answer)[0])?.attrs['status'];
const records = (client: WireClient): TraceRecord[] =>
  client.take().flatMap((stanza) => {
    const trace = childOf(stanza, 'trace', traceNs);
    return trace === undefined ? [] : (JSON.parse(textOf(trace)) as TraceRecord[]);
  });

describe('XEP-0050 operator commands', () => {
  it('§2.2 lists to each who asks what they may execute', () => {
    const { login } = fakeNetwork();
    const list = (account: string) => {
      const client = login(account).send(
        `<iq ${c} type="get" id="1" to="avalon.irc"><query xmlns="http://jabber.org/protocol/disco#items" node="http://jabber.org/protocol/commands"/></iq>`,
      );
      return elementsOf(elementsOf(client.take()[0] as XmlElement)[0] as XmlElement).map(
        ({ attrs }) => attrs['node']?.split('#')[1],
      );
    };
    expect(list('operator@avalon.irc/r')).toEqual(['link', 'pause', 'trace', 'lease', 'start-over', 'disconnect']);
    expect(list('observer@avalon.irc/r')).toEqual(['trace']);
    expect(list('argl@avalon.irc/r')).toEqual([]);
  });

  it.each([
    ['argl@avalon.irc/r', ['link', 'pause', 'trace', 'lease', 'start-over', 'disconnect']],
    ['channel.avalon.irc', ['link', 'pause', 'trace', 'lease', 'start-over', 'disconnect']],
    ['replica@vesa.irc/r', ['link', 'pause', 'trace', 'lease', 'start-over', 'disconnect']],
    ['observer@avalon.irc/r', ['link', 'pause', 'lease', 'start-over', 'disconnect']],
  ])('§4 forbidden to %s: %j', (account, commands) => {
    const { host, login, network } = fakeNetwork();
    const client = login(account);
    for (const command of commands) {
      let answer = execute(client, command, { paused: 'true', a: 'avalon.irc', b: 'vesa.irc', jid: 'argl@avalon.irc' });
      host.advance(50);
      answer ??= client.take()[0];
      expect(errorCondition(answer)).toBe('forbidden');
    }
    expect(network.paused).toBe(false);
  });

  it('a foreign operator has no power here: only local sessions do', () => {
    const { host, login, network } = fakeNetwork();
    const operator = login('operator@avalon.irc/r');
    execute(operator, 'pause', { paused: 'true' }, 'vesa.irc');
    host.advance(50);
    expect(errorCondition(operator.take()[0])).toBe('forbidden');
    expect(network.paused).toBe(false);
  });

  it('§2.4 without a form it answers the form', () => {
    const client = fakeNetwork().login('operator@avalon.irc/r');
    const answer = execute(client, 'link');
    expect(status(answer)).toBe('executing');
    const form = childOf(elementsOf(answer as XmlElement)[0] as XmlElement, 'x', 'jabber:x:data');
    expect(
      elementsOf(form as XmlElement)
        .map(({ attrs }) => attrs['var'])
        .filter(Boolean),
    ).toEqual(['a', 'b', 'state', 'latency', 'jitter', 'bandwidth']);
  });

  it('#link changes a link, and leaves alone what is not given', () => {
    const { login, trace } = fakeNetwork();
    const client = login('operator@avalon.irc/r');
    expect(status(execute(client, 'link', { a: 'vesa.irc', b: 'avalon.irc', state: 'silent', latency: '250' }))).toBe(
      'completed',
    );
    expect(status(execute(client, 'link', { a: 'avalon.irc', b: 'vesa.irc', jitter: '5', bandwidth: '1000' }))).toBe(
      'completed',
    );
    expect(
      trace()
        .filter((r): r is LinkRecord => r.kind === 'link')
        .at(-1),
    ).toMatchObject({
      server: ['avalon.irc', 'vesa.irc'],
      state: 'silent',
      latencyMs: 250,
      jitterMs: 5,
      bytesPerSecond: 1000,
    });
  });

  it.each([
    ['link', { a: 'avalon.irc', b: 'nowhere' }, 'b is "nowhere"'],
    ['link', { b: 'avalon.irc' }, 'a is missing'],
    ['link', { a: 'avalon.irc', b: 'avalon.irc' }, 'b is "avalon.irc"'],
    ['link', { a: 'avalon.irc', b: 'channel.avalon.irc' }, 'b is "channel.avalon.irc"'],
    ['link', { a: 'avalon.irc', b: 'vesa.irc', state: 'down' }, 'state is "down"'],
    ['link', { a: 'avalon.irc', b: 'vesa.irc', latency: '-1' }, 'latency is "-1"'],
    ['link', { a: 'avalon.irc', b: 'vesa.irc', jitter: 'x' }, 'jitter is "x"'],
    ['link', { a: 'avalon.irc', b: 'vesa.irc', bandwidth: '' }, 'bandwidth is ""'],
    ['pause', { paused: 'perhaps' }, 'paused is "perhaps"'],
    ['pause', {}, 'paused is missing'],
    ['disconnect', {}, 'stream is missing'],
    ['disconnect', { jid: 'a@b@c' }, 'jid is "a@b@c"'],
  ])('#%s %j is a bad-request that names field and value', (command, fields, text) => {
    const answer = execute(fakeNetwork().login('operator@avalon.irc/r'), command, fields as Record<string, string>);
    expect(errorCondition(answer)).toBe('bad-request');
    expect(errorText(answer)).toContain(text);
  });

  it('an unknown command is item-not-found', () => {
    expect(errorCondition(execute(fakeNetwork().login('operator@avalon.irc/r'), 'reboot', {}))).toBe('item-not-found');
  });

  it('#pause holds the links', () => {
    const { login, network } = fakeNetwork();
    const client = login('operator@avalon.irc/r');
    execute(client, 'pause', { paused: '1' });
    expect(network.paused).toBe(true);
    execute(client, 'pause', { paused: 'false' });
    expect(network.paused).toBe(false);
  });

  it('#disconnect closes a session by address or stream, of a node too', () => {
    const { login, trace } = fakeNetwork();
    const client = login('operator@avalon.irc/r');
    const user = login('msa@vesa.irc/r');
    const service = login('channel.avalon.irc');
    expect(status(execute(client, 'disconnect', { jid: 'msa@vesa.irc/r' }))).toBe('completed');
    expect(user.streamError).toBe('reset');
    const stream = trace().find((r): r is SessionRecord => r.kind === 'session' && r.role === 'service')
      ?.stream as string;
    expect(status(execute(client, 'disconnect', { stream }))).toBe('completed');
    expect(service.closed).toBe(true);
    expect(errorCondition(execute(client, 'disconnect', { stream }))).toBe('item-not-found');
  });
});

describe('The trace', () => {
  it('tells the way of a stanza: in, link, out, each caused by the one before', () => {
    const { host, login, trace } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const msa = login('msa@vesa.irc/r');
    msa.send(`<message ${c} id="m" type="groupchat" to="r@channel.avalon.irc"><body>hé</body></message>`);
    host.advance(20);
    service.take();
    const [came, crossed, left] = trace().filter((r): r is HopRecord => r.kind === 'hop');
    const stanza = { name: 'message', id: 'm', from: 'msa@vesa.irc/r', to: 'r@channel.avalon.irc', type: 'groupchat' };
    // The bind request was the first stanza of either stream, its result the first the other way.
    expect(came).toMatchObject({ leg: 'in', from: 'msa@vesa.irc/r', to: 'vesa.irc', n: 2, stanza });
    expect(crossed).toMatchObject({
      leg: 'link',
      from: 'vesa.irc',
      to: 'avalon.irc',
      server: ['avalon.irc', 'vesa.irc'],
      cause: came?.seq,
      stanza,
    });
    expect(crossed?.arrives).toBe((came?.t as number) + 20);
    expect(left).toMatchObject({
      leg: 'out',
      from: 'avalon.irc',
      to: 'channel.avalon.irc',
      n: 2,
      cause: crossed?.seq,
      t: (came?.t as number) + 20,
    });
    expect(came?.stanza.bytes).toBe(Buffer.byteLength(came?.stanza.xml ?? ''));
  });

  it('RFC 6120 §8.3: a bounce is caused by the hop that failed, and names the rule', () => {
    const { login, network, trace } = fakeNetwork();
    const msa = login('msa@vesa.irc/r');
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'bounce' });
    msa.send(`<message ${c} to="r@channel.avalon.irc"/>`);
    const [, crossed, bounce] = trace().filter((r): r is HopRecord => r.kind === 'hop');
    expect(crossed).toMatchObject({ leg: 'link', outcome: 'bounced' });
    expect(crossed?.arrives).toBeUndefined();
    expect(bounce).toMatchObject({ leg: 'out', cause: crossed?.seq, spec: '6120#8.3.3.17', stanza: { type: 'error' } });
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'silent' });
    msa.send(`<message ${c} to="r@channel.avalon.irc"/>`);
    expect(
      trace()
        .filter((r): r is HopRecord => r.kind === 'hop')
        .at(-1),
    ).toMatchObject({ leg: 'link', outcome: 'dropped' });
  });

  it('tells sessions, links with their counters, and pauses', () => {
    const { host, login, network, trace } = fakeNetwork();
    const msa = login('msa@vesa.irc/r').send(`<message ${c} to="x@avalon.irc/y" type="headline"/>`);
    login('replica@vesa.irc/node');
    msa.vanish();
    host.advance(300);
    network.pause(true);
    const all = trace();
    const brief = all.flatMap((r) => (r.kind === 'session' ? [`${r.up ? '+' : '-'}${r.address} ${r.role}`] : []));
    expect(brief).toEqual(['+msa@vesa.irc/r user', '+replica@vesa.irc replica', '-msa@vesa.irc/r user']);
    expect(all.filter((r): r is LinkRecord => r.kind === 'link' && r.stanzas === 1)).toMatchObject([
      { server: ['avalon.irc', 'vesa.irc'], bytes: expect.any(Number) },
    ]);
    expect(all.at(-1)).toMatchObject({ kind: 'pause', paused: true });
    const seqs = all.flatMap((r) => ('seq' in r ? [r.seq] : []));
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('comes to an observer as a snapshot, the ring, then live, and does not tell of itself', () => {
    const { host, login } = fakeNetwork();
    const service = login('channel.avalon.irc');
    login('argl@avalon.irc/r').send(`<message ${c} id="before" to="r@channel.avalon.irc"/>`);
    const observer = login('observer@avalon.irc/page');
    expect(status(execute(observer, 'trace', {}))).toBe('completed');
    host.advance(0);
    const first = records(observer);
    expect(first.map((r) => r.kind)).toEqual(['link', 'link', 'link', 'session', 'session', 'hop', 'hop', 'session']);
    expect(first.filter((r) => r.kind === 'hop').map((r) => (r as HopRecord).stanza.id)).toEqual(['before', 'before']);
    service.send(`<message ${c} id="after" from="r@channel.avalon.irc" to="argl@avalon.irc/r"/>`);
    expect(records(observer)).toEqual([]);
    host.advance(50);
    expect(records(observer).map((r) => (r as HopRecord).stanza.id)).toEqual(['after', 'after']);
    host.advance(1000);
    expect(records(observer)).toEqual([]);
  });

  it('begins for a late observer with the state that the ring has lost', () => {
    const { host, login } = fakeNetwork();
    const gone = login('msa@vesa.irc/r');
    const users = ['a', 'b', 'd', 'e', 'f'].map((r) => login(`argl@avalon.irc/${r}`));
    gone.vanish();
    for (const user of users)
      for (let i = 0; i < 1500; i++) user.send(`<message ${c} type="headline" to="argl@avalon.irc"/>`);
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    const seen = records(observer) as { kind: string; seq: number; up?: boolean; address?: string }[];
    expect(seen.slice(0, 8).map((r) => r.kind)).toEqual([
      'link',
      'link',
      'link',
      'session',
      'session',
      'session',
      'session',
      'session',
    ]);
    expect(seen.some((r) => r.address === 'msa@vesa.irc/r')).toBe(false);
    expect(seen.map((r) => r.seq)).toEqual(seen.map((r) => r.seq).sort((a, b) => a - b));
  });

  it('is sent as headlines from the server, of at most 200 records each', () => {
    const { host, login } = fakeNetwork();
    const user = login('argl@avalon.irc/r');
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    observer.take();
    for (let i = 0; i < 450; i++) user.send(`<message ${c} type="headline" to="argl@avalon.irc"/>`);
    host.advance(50);
    const messages = observer.take();
    expect(messages).toHaveLength(3);
    expect(messages[0]?.attrs).toMatchObject({ type: 'headline', from: 'avalon.irc', to: 'observer@avalon.irc/page' });
  });

  it('waits for a slow observer, and skips what the ring has lost meanwhile', () => {
    const { host, login } = fakeNetwork();
    const users = ['a', 'b', 'd', 'e', 'f'].map((r) => login(`argl@avalon.irc/${r}`));
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    observer.take();
    observer.buffered = 1024 * 1024;
    for (const user of users)
      for (let i = 0; i < 1500; i++) user.send(`<message ${c} type="headline" to="argl@avalon.irc"/>`);
    host.advance(1000);
    expect(observer.take()).toEqual([]);
    observer.buffered = 0;
    host.advance(50);
    const late = records(observer);
    expect(late.length).toBeGreaterThanOrEqual(5000);
    expect(late.length).toBeLessThan(7500);
    expect(observer.closed).toBe(false);
  });

  it("counts the observers' own stanzas, without telling of them", () => {
    const { host, login, trace } = fakeNetwork();
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    const before = trace().length;
    observer.send(`<message ${c} to="argl@avalon.irc" type="chat"/>`);
    const hops = trace()
      .slice(before)
      .filter((r): r is HopRecord => r.kind === 'hop');
    expect(hops[0]).toMatchObject({ leg: 'in', n: 3 });
    expect(hops[1]?.leg).toBe('out');
    // bind result, completed, and the snapshot's messages
    expect(hops[1]?.n).toBeGreaterThanOrEqual(4);
  });
});

describe('Reports of nodes', () => {
  const step: StepRecord = {
    kind: 'step',
    t: 1 as never,
    node: 'channel.avalon.irc',
    stream: 's',
    rx: 2,
    tx: [{ n: 2, spec: '0045#7.4' }],
    notes: [],
    appended: 1,
  };
  const state: StatusRecord = {
    kind: 'status',
    t: 1 as never,
    node: 'channel.avalon.irc',
    status: { address: 'channel.avalon.irc', server: 'avalon.irc', rooms: [] },
  };
  const send = (client: WireClient, json: string, to = 'avalon.irc') =>
    client.send(
      `<message ${c} to="${to}" type="headline"><report xmlns="${traceNs}">${json.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</report></message>`,
    );
  const reported = (all: TraceRecord[]) => all.filter((r) => r.kind === 'step' || r.kind === 'status');

  it('are published in order, and an observer who comes later sees them too', () => {
    const { host, login, trace } = fakeNetwork();
    send(login('channel.avalon.irc'), JSON.stringify([step, state]));
    expect(trace().filter((r) => r.kind === 'hop')).toEqual([]);
    expect(reported(trace())).toEqual([step, state]);
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    const seen = records(observer);
    expect(reported(seen)).toEqual([step, state]);
  });

  it('may be about the session itself by any of its names', () => {
    const { login, trace } = fakeNetwork();
    const replica = login('replica@vesa.irc/node');
    for (const node of ['replica@vesa.irc', 'replica@vesa.irc/node'])
      send(replica, JSON.stringify([{ ...step, node }]), 'vesa.irc');
    expect(reported(trace())).toHaveLength(2);
  });

  it.each([
    ['another node', JSON.stringify([{ ...step, node: 'idle.avalon.irc' }])],
    ['one good and one of another node', JSON.stringify([step, { ...step, node: 'x' }])],
    ['no JSON', '[{'],
    ['no array', JSON.stringify(step)],
    ['another kind', JSON.stringify([{ ...step, kind: 'hop', seq: 1 }])],
    ['a missing field', JSON.stringify([{ ...step, tx: undefined }])],
    ['a field of the wrong type', JSON.stringify([{ ...step, notes: [{ spec: 1, what: 'x' }] }])],
    ['a status without rooms', JSON.stringify([{ ...state, status: { address: 'a', server: 'b' } }])],
    ['a null', '[null]'],
    ['a prototype', '[{"__proto__":{"kind":"step"}}]'],
  ])('are dropped with a line in the log: %s', (_, json) => {
    const { host, login, trace } = fakeNetwork();
    const service = send(login('channel.avalon.irc'), json);
    expect(reported(trace())).toEqual([]);
    expect(service.take()).toEqual([]);
    expect(host.lines.at(-1)).toMatch(/report of channel.avalon.irc/);
  });

  it("of another server's session are not taken: they would be another's word", () => {
    const { host, login, trace } = fakeNetwork();
    send(login('channel.avalon.irc'), JSON.stringify([step]), 'vesa.irc');
    host.advance(50);
    expect(reported(trace())).toEqual([]);
  });

  it("cannot break the observers' XML", () => {
    const { host, login } = fakeNetwork();
    send(
      login('channel.avalon.irc'),
      JSON.stringify([{ ...step, input: 'x' }]).replace('"x"', '"\\uFFFE\\u0000\\ud800"'),
    );
    const observer = login('observer@avalon.irc/page');
    execute(observer, 'trace', {});
    host.advance(50);
    expect(records(observer).find((r): r is StepRecord => r.kind === 'step')?.input).toBe('\ufffe\u0000\ud800');
  });
});
