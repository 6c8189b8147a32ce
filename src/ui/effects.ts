import { bareOf, type Jid, parseNick } from '../core/xmpp/jid.ts';
import type { StreamPosition } from '../host/stanza-link.ts';
import { sourcesOf } from '../scenario/instances.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ModelEvent } from './fold/event.ts';
import type { LinkSettings } from './fold/links.ts';
import type { Model } from './fold/model.ts';
import type { NodeView } from './fold/network.ts';
import type { OccupantView } from './fold/people.ts';
import { refusalIn } from './fold/summary.ts';
import type { Action, ActionOf, ActName } from './session/acts.ts';

/** How many of the last events may hold the answer to an act. */
const lookedAt = 2_000;

/** What an act comes to, as the page is told. */
export interface Effect {
  /** Whether the page was told of it. */
  shown(): boolean;
  /** Why it will not come, as a room or a server has answered; undefined as long as nobody has. */
  refusal(): string | undefined;
  /** Stanzas were sent for it, and the server has taken them: it is done, whether anything comes of it or not. */
  isSent(): boolean;
  /** What there is to see, as it goes on after "that". */
  readonly what: string;
}

interface Way<A extends Action> {
  /** What the trace says when the act is done. */
  shown(model: Model, act: A, sent: Sent): boolean;
  what(act: A): string;
}

/** What came of the stanzas that somebody sent for an act. */
interface Sent {
  /** The server has taken all of them. */
  readonly taken: boolean;
  /** Stanzas that the person was handed because of them. */
  readonly answers: readonly ModelEvent[];
  readonly errors: readonly ModelEvent[];
  /** A message that a user was handed because of them. */
  readonly handed: boolean;
}

/** For each act: what the trace says once it is done. */
const ways: { readonly [N in ActName]: Way<ActionOf<N>> } = {
  say: {
    shown: (_, __, { answers }) => answers.some(isGroupchat),
    what: ({ who }) => `the room has given ${who} back what they said`,
  },
  subject: {
    shown: (model, { who, text }, { answers }) =>
      answers.some(isGroupchat) && jidsOf(model, who).every((jid) => isSubject(model, personOf(model, jid), text)),
    what: () => 'the room has the subject',
  },
  pm: {
    shown: (_, __, { handed }) => handed,
    what: ({ to }) => `${to} has got it`,
  },
  kick: {
    shown: (_, __, { answers }) => answers.some(({ stanza }) => stanza?.name === 'iq' && stanza.type === 'result'),
    what: ({ nick }) => `the room has put ${nick} out`,
  },
  join: { shown: (model, { who }) => isIn(model, who), what: ({ who }) => `${who} is in the room` },
  accept: { shown: (model, { who }) => isIn(model, who), what: ({ who }) => `${who} is in the room` },
  decline: {
    shown: (model, { who }) => model.people.progressOf(who)?.offer === undefined,
    what: ({ who }) => `${who} stays outside`,
  },
  leave: {
    shown: (model, { who }) =>
      jidsOf(model, who).every(
        (jid) => model.people.progressOf(jid)?.phase !== 'joined' && !model.people.isServed(jid),
      ),
    what: ({ who }) => `${who} is out of the room`,
  },
  nick: {
    shown: (model, { who, nick }, { taken }) =>
      taken && jidsOf(model, who).every((jid) => personOf(model, jid)?.nick === parseNick(nick)),
    what: ({ who, nick }) => `${who} is called ${nick}`,
  },
  presence: {
    shown: (model, { who, show }, { answers }) =>
      answers.some(({ stanza }) => stanza?.name === 'presence') &&
      // Of several devices the room shows one, which may be another.
      jidsOf(model, who).every((jid) => {
        const person = personOf(model, jid);
        return person === undefined || person.devices.length > 1 || person.show === show;
      }),
    what: ({ who, show }) => `${who} is ${show || 'available'}`,
  },
  cut: {
    shown: (model, { link, how }) => isLink(model, link, { state: how }),
    what: ({ link }) => `the link ${link.join(' – ')} is cut`,
  },
  heal: {
    shown: (model, { link }) => isLink(model, link, { state: 'up' }),
    what: ({ link }) => `the link ${link.join(' – ')} is up`,
  },
  slow: {
    shown: (model, { link, latencyMs, jitterMs, bytesPerSecond }) =>
      isLink(model, link, { latencyMs, jitterMs, bytesPerSecond }),
    what: ({ link }) => `the link ${link.join(' – ')} is so`,
  },
  pause: {
    shown: (model, { paused }) => model.paused === paused,
    what: ({ paused }) => `the links are ${paused ? 'paused' : 'released'}`,
  },
  crash: {
    shown: ({ network }, { node }) =>
      isNode(network.nodes.get(node), ({ phase, connected }) => phase === 'down' && !connected),
    what: ({ node }) => `${node} is down`,
  },
  restart: {
    shown: (model, { node }) => isUp(model, model.network.nodes.get(node)),
    what: ({ node }) => `${node} is up and in contact with its peers`,
  },
  'add-replica': {
    shown: (model, { server, room }) =>
      model.network.replicasOn(server, room).some(({ address }) => isUp(model, model.network.nodes.get(address))),
    what: ({ server }) => `a replica on ${server} is up and in contact with its primary`,
  },
  'remove-replica': {
    shown: ({ network }, { node }) =>
      !network.nodes.has(node) &&
      [...network.nodes.values()].every((one) =>
        network.roomsOf(one).every(({ replicas }) => !replicas?.includes(node)),
      ),
    what: ({ node }) => `${node} is no replica any more`,
  },
  'add-shadow': {
    shown: ({ network, scenario }, { node, room }) =>
      isNode(network.nodes.get(node), (service) =>
        sourcesAt(scenario, room).some((source) =>
          network.shadowOf(service, source)?.peers.some(({ peer, state }) => peer === source && state === 'live'),
        ),
      ),
    what: ({ node }) => `${node} has a shadow`,
  },
  'remove-shadow': {
    shown: ({ network, scenario }, { node, room }) =>
      sourcesAt(scenario, room).some((source) => {
        const service = network.nodes.get(node);
        const isAsked = network.sourceStatus(source)?.instance?.peerhosts?.includes(node);
        return !isAsked && (service === undefined || network.shadowOf(service, source) === undefined);
      }),
    what: ({ node }) => `${node} has no shadow`,
  },
  configure: {
    shown: ({ network }, { room, split = {}, distributed }) => {
      const status = [...network.nodes.values()]
        .flatMap((node) => network.roomsOf(node))
        // A replica that is cut off hears of it later.
        .filter(
          (one) => one.room === room && (one.role !== 'replica' || one.peers.some(({ state }) => state === 'live')),
        );
      return (
        status.length > 0 &&
        status.every((one) =>
          Object.entries(split).every(([name, value]) => one.split?.[name as 'policy'] === value),
        ) &&
        (distributed === undefined || network.sourceStatus(room)?.instance?.distributed === distributed)
      );
    },
    what: ({ room }) => `${room} is configured so`,
  },
};

/**
 * What an act that a session has done comes to.
 *
 * @param positions  of the stanzas that were sent for it
 */
export function effectOf(model: Model, act: Action, positions: readonly StreamPosition[] = []): Effect {
  // A table of functions, each for one kind of act: that it is the one for this act the compiler cannot see.
  const way = ways[act.act] as Way<Action>;
  const sent = () => sentBy(model, 'who' in act ? act.who : '', positions);
  return {
    shown: () => {
      const now = sent();
      // What is held on the links comes later, and nobody knows when.
      return way.shown(model, act, now) || (model.paused && positions.length > 0 && now.taken);
    },
    refusal: () => {
      const [error] = sent().errors;
      return error?.stanza && refusalIn(error.stanza);
    },
    isSent: () => positions.length > 0 && sent().taken,
    what: way.what(act),
  };
}

function sentBy(model: Model, who: string, positions: readonly StreamPosition[]): Sent {
  const { events, network } = model;
  const ids = positions.flatMap((position) => model.taken(position) ?? []);
  const own = jidsOf(model, who);
  const out = ids
    .flatMap((id) => [...events.family(id)].flatMap((one) => events.get(one) ?? []))
    .filter(({ leg }) => leg === 'out');
  const toThem = out.filter(({ to }) => own.includes(to));
  // Something else may have shown that it came to nothing, such as the bounce of what another user said.
  const late = events.list.slice(-lookedAt).filter(({ leg, to, stanza }) => {
    const isTheirs = leg === 'out' && own.includes(to) && stanza?.type === 'error' && stanza.id !== undefined;
    return isTheirs && ids.some((id) => events.get(id)?.stanza?.id === stanza.id);
  });
  return {
    taken: ids.length === positions.length,
    answers: toThem.filter(({ stanza }) => stanza?.type !== 'error'),
    errors: [...toThem.filter(({ stanza }) => stanza?.type === 'error'), ...late],
    handed: out.some(({ to, stanza }) => stanza?.name === 'message' && stanza.type !== 'error' && !network.isNode(to)),
  };
}

/** Full JIDs: those of a guest whose account is given, else the one that is given. */
function jidsOf(model: Model, who: string): readonly string[] {
  if (who !== bareOf(who as Jid)) return [who];
  return [...model.people.jids()].filter((jid) => bareOf(jid as Jid) === who);
}

function personOf(model: Model, jid: string): OccupantView | undefined {
  return model.people.all().find(({ devices }) => devices.some((device) => device.jid === jid));
}

function isIn(model: Model, who: string): boolean {
  const { people } = model;
  return jidsOf(model, who).some((jid) => people.progressOf(jid)?.phase === 'joined' && people.isServed(jid));
}

function isGroupchat({ stanza }: ModelEvent): boolean {
  return stanza?.name === 'message' && stanza.type === 'groupchat';
}

/** Whether the node that serves a person says that this is the subject. It tells the beginning of a long one. */
function isSubject({ network }: Model, person: OccupantView | undefined, text: string): boolean {
  const node = network.nodes.get(person?.node ?? '');
  const { subject } = (node && network.roomsOf(node).find(({ room }) => room === person?.room)) ?? {};
  return subject === text || (subject?.endsWith('…') === true && text.startsWith(subject.slice(0, -1)));
}

function isLink({ network }: Model, ends: readonly [string, string], settings: Partial<LinkSettings>): boolean {
  const link = network.linkBetween(...ends);
  return Object.entries(settings).every(([name, value]) => link?.[name as keyof LinkSettings] === value);
}

function isNode(node: NodeView | undefined, is: (node: NodeView) => boolean): boolean {
  return node !== undefined && is(node);
}

/**
 * It runs, and it and its peers say that they are in contact; who cannot be reached stays split. A replica that has been on the list
 * before first says what it was then, and its primary may hear of it later than the page does.
 */
function isUp(model: Model, node: NodeView | undefined): boolean {
  const { network } = model;
  return isNode(node, (one) => {
    const own = network.roomsOf(one).flatMap(({ peers }) => peers);
    const isUnderWay = own.some(({ state }) => state === 'joining' || state === 'syncing' || state === 'rejected');
    const isSplit = own.some(({ peer, state }) => state === 'split' && isReachable(model, one, network.nodeOf(peer)));
    const isMissed = [...network.nodes.values()].some(
      (other) =>
        isReachable(model, one, other) &&
        network
          .roomsOf(other)
          .some(({ peers }) => peers.some(({ peer, state }) => state === 'split' && network.nodeOf(peer) === one)),
    );
    return one.phase === 'ready' && one.connected && one.told && !isUnderWay && !isSplit && !isMissed;
  });
}

/** Stanzas get from one to the other. */
function isReachable({ network, paused }: Model, from: NodeView, to: NodeView | undefined): boolean {
  if (to === undefined || (to.phase !== 'ready' && to.phase !== 'elsewhere')) return false;
  const link = network.linkBetween(from.server, to.server);
  return !paused && (link === undefined || link.state === 'up');
}

/** The source that is meant; every one if none is named. */
function sourcesAt(scenario: Scenario, room: string | undefined): readonly string[] {
  return room === undefined ? sourcesOf(scenario).map(({ room: { jid } }) => jid) : [room];
}
