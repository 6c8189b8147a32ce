import type { HopRecord, NodeStatus, StepRecord, TraceRecord } from '../../src/core/node/trace.ts';
import type { Instant } from '../../src/core/xmpp/time.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { Action } from '../../src/ui/session/acts.ts';
import type { ActResult, Session, SessionListener } from '../../src/ui/session/session.ts';

/** A session that plays the records it is told to, and keeps the actions it was asked for. */
export class FakeSession implements Session {
  readonly mode = 'live';
  readonly runsNodes = true;
  readonly joinInfo = [];
  readonly actions: Action[] = [];
  readonly scenario: Scenario;
  readonly #listeners = new Set<SessionListener>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  play(records: readonly TraceRecord[]): void {
    for (const listener of this.#listeners) listener.records(records);
  }

  async startOver(): Promise<ActResult> {
    return { ok: true };
  }
  async act(action: Action): Promise<ActResult> {
    this.actions.push(action);
    return { ok: true };
  }

  async stop(): Promise<void> {}
}

const room = 'wallops@channel.avalon.irc';

export const people = [
  ['argl@killrc.oulubox.irc/laptop', 'Wumpus'],
  ['valdis@killrc.oulubox.irc/desktop', 'Valdis'],
  ['phaedrus@killrc.oulubox.irc/phone', 'Phaedrus'],
  ['squit@eris.dclxvii.irc/jupiter', 'WiZ'],
  ['troy@eris.dclxvii.irc/screwdriver', 'Troy'],
  ['rubenro@vesa.yeggmaex.irc/shaver', 'BigCheese'],
  ['msa@vesa.yeggmaex.irc/bicycle', 'Efchen'],
] as const;

const domainOf = (jid: string) => jid.slice(jid.indexOf('@') + 1).split('/')[0] as string;

/** What the primary of wallops says when all seven are in. */
export function wallopsStatus(t = 0): TraceRecord {
  const status: NodeStatus = {
    address: 'channel.avalon.irc',
    server: 'avalon.irc',
    rooms: [
      {
        room,
        role: 'primary',
        epoch: 1,
        historyLength: 0,
        subject: '',
        occupants: people.map(([jid, nick]) => ({
          nick,
          jid,
          role: 'participant',
          affiliation: 'none',
          home: `replica@${domainOf(jid)}`,
        })),
        peers: [],
      },
    ],
  };
  return { kind: 'status', t: t as Instant, node: 'channel.avalon.irc', status };
}

export interface Told {
  readonly hops: readonly HopRecord[];
  readonly steps: readonly StepRecord[];
}

/** One message of BigCheese, as XEP-0282 §5.2 carries it: every hop the server sees, and every step a node reports. */
export function bigCheeseSpeaks(body: string, firstSeq = 100, t0 = 1_000, firstN = 1): Told {
  const hops: HopRecord[] = [];
  const steps: StepRecord[] = [];
  let seq = firstSeq;
  const stanza = (from: string, to: string) => {
    const xml = `<message from="${from}" to="${to}" type="groupchat" xmlns="jabber:client"><body>${body}</body></message>`;
    return { name: 'message' as const, from, to, type: 'groupchat', xml, bytes: xml.length };
  };
  const hop = (
    leg: HopRecord['leg'],
    from: string,
    to: string,
    said: HopRecord['stanza'],
    more: Partial<HopRecord> = {},
  ) => {
    const record: HopRecord = {
      kind: 'hop',
      seq: seq++,
      t: (t0 + hops.length) as Instant,
      leg,
      from,
      to,
      stanza: said,
      ...(leg === 'link' ? { server: [from, to] as const, arrives: (t0 + hops.length + 20) as Instant } : {}),
      ...more,
    };
    hops.push(record);
    return record.seq;
  };
  const step = (node: string, more: Partial<StepRecord>) =>
    steps.push({
      kind: 'step',
      t: t0 as Instant,
      node,
      stream: `stream of ${node}`,
      tx: [],
      notes: [],
      appended: 0,
      ...more,
    });

  const n = firstN;
  const cheese = 'rubenro@vesa.yeggmaex.irc/shaver';
  const primary = 'channel.avalon.irc';
  const vesa = 'replica@vesa.yeggmaex.irc';
  const said = stanza(cheese, room);
  step(cheese, { input: 'BigCheese says', tx: [{ n, spec: '0045#7.4' }] });
  const submitted = hop('in', cheese, 'vesa.yeggmaex.irc', said, { stream: `stream of ${cheese}`, n });
  hop('out', 'vesa.yeggmaex.irc', vesa, said, { stream: `stream of ${vesa}`, n: 2 * n - 1, cause: submitted });
  step(vesa, { rx: 2 * n - 1, tx: [{ n: 3 * n - 2, spec: '0282#4.8' }] });
  const relayed = hop('in', vesa, 'vesa.yeggmaex.irc', said, { stream: `stream of ${vesa}`, n: 3 * n - 2 });
  const crossing = hop('link', 'vesa.yeggmaex.irc', 'avalon.irc', said, { cause: relayed });
  hop('out', 'avalon.irc', primary, said, { stream: `stream of ${primary}`, n, cause: crossing });
  const replicas = ['killrc.oulubox.irc', 'eris.dclxvii.irc', 'vesa.yeggmaex.irc'];
  step(primary, { rx: n, tx: replicas.map((_, i) => ({ n: 3 * n - 2 + i, spec: '0282#4.9' })) });
  for (const [i, domain] of replicas.entries()) {
    const copy = stanza(`${room}/BigCheese`, `replica@${domain}`);
    const sent = hop('in', primary, 'avalon.irc', copy, { stream: `stream of ${primary}`, n: 3 * n - 2 + i });
    const over = hop('link', 'avalon.irc', domain, copy, { cause: sent });
    const rx = domain === 'vesa.yeggmaex.irc' ? 2 * n : n;
    hop('out', domain, `replica@${domain}`, copy, { stream: `stream of replica@${domain}`, n: rx, cause: over });
    const local = people.filter(([jid]) => domainOf(jid) === domain);
    const firstTx = domain === 'vesa.yeggmaex.irc' ? 3 * n - 1 : local.length * (n - 1) + 1;
    step(`replica@${domain}`, { rx, tx: local.map((_, j) => ({ n: firstTx + j, spec: '0282#4.9' })) });
    for (const [j, [jid]] of local.entries()) {
      const delivered = stanza(`${room}/BigCheese`, jid);
      const given = hop('in', `replica@${domain}`, domain, delivered, {
        stream: `stream of replica@${domain}`,
        n: firstTx + j,
      });
      hop('out', domain, jid, delivered, { stream: `stream of ${jid}`, n, cause: given });
    }
  }
  return { hops, steps };
}
