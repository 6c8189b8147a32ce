import type { LinkSettings, LinkState } from '../core/net/link.ts';
import { type Form, readBoolean } from '../core/xep/xep0004.ts';
import { type CommandAnswer, readCommand, writeCommandAnswer } from '../core/xep/xep0050.ts';
import { type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iqResult, message } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import { limits, type Role } from './config.ts';
import type { AnsweringServer, Envelope, OperatedNetwork } from './envelope.ts';
import { leaseMs } from './lease.ts';
import type { Session } from './session.ts';

/** Values of a submitted form by field name; a field left out is absent. */
type Fields = ReadonlyMap<string, string>;

interface FieldSpec {
  readonly name: string;
  readonly label: string;
  readonly type: 'text-single' | 'boolean' | 'list-single' | 'jid-single';
  readonly options?: readonly string[];
}

interface Command {
  readonly node: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly fields: readonly FieldSpec[];
  /** @returns what was done, in words or as fields, or why not */
  run(server: AnsweringServer, session: Session, fields: Fields): string | Done | StanzaError;
}

/** What a command has to tell, by field. */
interface Done {
  readonly fields: Readonly<Record<string, string>>;
}

/** The operator's interface: what one may do to the network while it runs (XEP-0050). */
const commands: readonly Command[] = [
  {
    node: `${NS.operator}#link`,
    name: 'Change the link between two servers',
    roles: ['operator'],
    fields: [
      { name: 'a', label: 'Domain of a server', type: 'text-single' },
      { name: 'b', label: 'Domain of another server', type: 'text-single' },
      { name: 'state', label: 'State', type: 'list-single', options: ['up', 'bounce', 'silent'] },
      { name: 'latency', label: 'Latency in milliseconds', type: 'text-single' },
      { name: 'jitter', label: 'Jitter in milliseconds', type: 'text-single' },
      { name: 'bandwidth', label: 'Bytes per second, 0 for unlimited', type: 'text-single' },
    ],
    run: (server, _, fields) => changeLink(server.network, fields),
  },
  {
    node: `${NS.operator}#pause`,
    name: 'Hold back delivery between servers',
    roles: ['operator'],
    fields: [{ name: 'paused', label: 'Paused', type: 'boolean' }],
    run: (server, _, fields) => {
      const given = fields.get('paused');
      const paused = given === undefined ? undefined : readBoolean([given]);
      if (paused === undefined) return badField(fields, 'paused', 'true or false');
      server.network.pause(paused);
      return paused ? 'paused' : 'running';
    },
  },
  {
    node: `${NS.operator}#trace`,
    name: 'Watch the network',
    roles: ['operator', 'observer'],
    fields: [],
    run: (server, session) => {
      watch(server, session);
      return 'the trace follows as messages';
    },
  },
  {
    node: `${NS.operator}#lease`,
    name: 'Run the nodes, until another may',
    roles: ['operator'],
    fields: [
      { name: 'token', label: 'Whatever names whoever asks', type: 'text-single' },
      { name: 'release', label: 'Run them no more', type: 'boolean' },
    ],
    run: (server, session, fields) => askLease(server.network, session, fields),
  },
  {
    node: `${NS.operator}#start-over`,
    name: 'Begin anew, without anything of what was',
    roles: ['operator'],
    fields: [],
    run: ({ network: { host, startOver } }) => {
      if (startOver === undefined) return stanzaError('cancel', 'feature-not-implemented', 'the nodes run elsewhere');
      // Its answer is sent first.
      host.setTimer(host.now(), startOver);
      return 'it begins anew';
    },
  },
  {
    node: `${NS.operator}#disconnect`,
    name: 'Close a session',
    roles: ['operator'],
    fields: [
      { name: 'stream', label: 'Stream id', type: 'text-single' },
      { name: 'jid', label: 'or address', type: 'jid-single' },
    ],
    run: (server, _, fields) => disconnect(server.network, fields),
  },
];

/** What the commands node lists to this session (XEP-0050 §2.2: only what it may execute). */
export function commandItems(
  session: Session | undefined,
): readonly { readonly node: string; readonly name: string }[] {
  return session === undefined ? [] : commands.filter((command) => command.roles.includes(session.account.role));
}

/** One stage: executed with the form it succeeds or fails, without one it answers the form. XEP-0050 §2.4. */
export function answerCommand(server: AnsweringServer, envelope: Envelope, payload: XmlElement) {
  const { stanza, origin } = envelope;
  const request = readCommand(payload);
  const { node = '', action, form } = request ?? {};
  const command = commands.find((known) => known.node === node);
  if (command === undefined)
    return server.bounce(envelope, stanzaError('cancel', 'item-not-found', `no command ${node.slice(0, 200)}`));
  if (origin === undefined || !command.roles.includes(origin.account.role))
    return server.bounce(envelope, stanzaError('auth', 'forbidden', `${node} is not for ${stanza.from}`));
  const sessionid = request?.sessionid ?? server.network.host.randomId();
  const answer = (rest: Omit<CommandAnswer, 'node' | 'sessionid'>) =>
    server.reply(envelope, iqResult(stanza, writeCommandAnswer({ node, sessionid, ...rest })), '0050#2.4');

  if (action === 'cancel') return answer({ status: 'canceled' });
  if (action !== 'execute' && action !== 'complete' && action !== 'next')
    return server.bounce(envelope, stanzaError('modify', 'bad-request', `action: ${action?.slice(0, 80)}`));
  if (form?.type === 'cancel') return answer({ status: 'canceled' });
  if (form === undefined && command.fields.length > 0)
    return answer({ status: 'executing', actions: ['complete'], form: formOf(command) });
  const result = command.run(server, origin, fieldsOf(form));
  if (typeof result === 'string') return answer({ status: 'completed', note: result });
  if (!('fields' in result)) return server.bounce(envelope, result);
  const told = Object.entries(result.fields).map(([name, value]) => ({ var: name, values: [value] }));
  answer({ status: 'completed', form: { type: 'result', fields: told } });
}

function formOf({ name: title, fields }: Command): Form {
  return {
    type: 'form',
    title,
    fields: fields.map(({ name, label, type, options = [] }) => ({
      ...{ var: name, label, type, values: [] },
      options: options.map((option) => [option, option] as const),
    })),
  };
}

function fieldsOf(form: Form | undefined): Fields {
  const given = form?.fields ?? [];
  return new Map(
    given.flatMap(({ var: name, values: [value] }) => (value === undefined ? [] : [[name, value.trim()]])),
  );
}

function badField(fields: Fields, name: string, expected: string): StanzaError {
  const value = fields.get(name);
  const given = value === undefined ? 'is missing' : `is ${JSON.stringify(value.slice(0, 80))}`;
  return stanzaError('modify', 'bad-request', `${name} ${given}: ${expected} expected`);
}

function changeLink(network: OperatedNetwork, fields: Fields): string | StanzaError {
  const domains: Jid[] = [];
  for (const name of ['a', 'b']) {
    const domain = parseJid(fields.get(name) ?? '');
    if (domain === undefined || !network.stations.some((station) => station.domain === domain))
      return badField(fields, name, `one of ${network.stations.map((station) => station.domain).join(', ')}`);
    domains.push(domain);
  }
  const [a, b] = domains as [Jid, Jid];
  if (a === b) return badField(fields, 'b', `a server other than ${a}`);

  const settings: { -readonly [K in keyof LinkSettings]?: LinkSettings[K] } = {};
  const state = fields.get('state');
  if (state !== undefined) {
    if (!states.has(state)) return badField(fields, 'state', 'up, bounce or silent');
    settings.state = state as LinkState;
  }
  for (const [name, key, max] of numbers) {
    const text = fields.get(name);
    if (text === undefined) continue;
    const value = Number(text);
    if (text === '' || !Number.isFinite(value) || value < 0 || value > max)
      return badField(fields, name, `a number from 0 to ${max}`);
    settings[key] = value;
  }
  if (!network.changeLink(a, b, settings))
    return stanzaError('cancel', 'item-not-found', `no link between ${a} and ${b}`);
  return `${a} – ${b}: ${
    Object.entries(settings)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ') || 'unchanged'
  }`;
}
const states: ReadonlySet<string> = new Set<LinkState>(['up', 'bounce', 'silent']);
const numbers = [
  ['latency', 'latencyMs', 60_000],
  ['jitter', 'jitterMs', 60_000],
  ['bandwidth', 'bytesPerSecond', 1e12],
] as const;

/** Answers with what the passwords of the nodes end with, and how long that is so, in milliseconds. */
function askLease(network: OperatedNetwork, session: Session, fields: Fields): string | Done | StanzaError {
  const release = fields.get('release');
  if (release !== undefined && readBoolean([release]) === undefined)
    return badField(fields, 'release', 'true or false');
  if (release !== undefined && readBoolean([release])) {
    network.giveUpLease(session);
    return 'the lease is over';
  }
  const token = fields.get('token') ?? '';
  if (!/^[!-~]{8,100}$/.test(token)) return badField(fields, 'token', '8 to 100 characters');
  const secret = network.lease(session, token);
  if (secret === undefined) return stanzaError('cancel', 'conflict', 'another page runs the nodes');
  return { fields: { secret, ms: String(leaseMs) } };
}

function disconnect(network: OperatedNetwork, fields: Fields): string | StanzaError {
  const stream = fields.get('stream') || undefined;
  const address = fields.get('jid') ? parseJid(fields.get('jid') as string) : undefined;
  if (stream === undefined && address === undefined)
    return badField(fields, fields.has('jid') ? 'jid' : 'stream', 'a stream id or an address');
  const ended = network.disconnect({
    ...(stream === undefined ? {} : { stream }),
    ...(address === undefined ? {} : { address }),
  });
  if (ended === 0) return stanzaError('cancel', 'item-not-found', `no session ${stream ?? address}`);
  return ended === 1 ? 'closed' : `closed ${ended} sessions`;
}

/** Sends the trace to a session until it ends; asked again, it begins again with a new snapshot. */
function watch(server: AnsweringServer, session: Session): void {
  for (const cancel of session.atEnd) cancel();
  session.atEnd.clear();
  const cancel = server.network.trace.subscribe({
    ready: () => session.peer.buffered() < limits.bufferedBytesForTrace,
    batch: (json) =>
      server.deliver(session, {
        stanza: message(server.domain, session.address, { type: 'headline' }, el('trace', NS.trace, {}, json)),
        hidden: true,
      }),
  });
  session.atEnd.add(cancel);
}
