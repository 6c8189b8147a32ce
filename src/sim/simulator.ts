import type { LinkSettings } from '../core/net/link.ts';
import type { OccupantAct } from '../core/occupant/occupant.ts';
import { affiliations } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, type Stanza } from '../core/xmpp/stanza.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import { el } from '../core/xmpp/xml.ts';
import { forgeries } from './adversary.ts';
import { look } from './archives.ts';
import { bodyText, burstWord, privateText } from './bodies.ts';
import { checkers } from './checkers/all.ts';
import { lastPrivateText } from './checkers/sessions.ts';
import { lastWord } from './checkers/words.ts';
import { evidence } from './evidence.ts';
import type { Faults } from './ground.ts';
import { type Checker, judge } from './judge.ts';
import { soundLink } from './network.ts';
import { isFederated, type Mode, type Plan } from './plan.ts';
import { plan } from './planner.ts';
import { portraitOf } from './portrait.ts';
import { Prng } from './prng.ts';
import type { Protocol } from './protocol.ts';
import { protocols } from './protocols.ts';
import { type Calm, calmed, thinned } from './reduction.ts';
import { type StatusChange, Statuses } from './statuses.ts';
import { faultOf, type Step, stepText } from './step.ts';
import type { SimRecord, Violation } from './trace.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly mode: Mode;
  /** Steps of people and of fate in the first part of the run. */
  readonly events: number;
  /** Absent: the seed chooses some of all faults at random. */
  readonly faults?: Faults;
  /** Only these steps happen, by number: what is left of a run that was shrunk. */
  readonly only?: ReadonlySet<number>;
  /** These people, by number, come online only where a step says so. */
  readonly without?: ReadonlySet<number>;
  /** Trouble that no step causes, and that does not happen in this run. */
  readonly calm?: ReadonlySet<Calm>;
  /** These nodes, which no other node depends on, are left out. */
  readonly absent?: ReadonlySet<Jid>;
  /** Also records the status of every node, for a trace that somebody will look at. It changes nothing about the run. */
  readonly statuses?: boolean;
}

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly trace: readonly SimRecord[];
  readonly plan: Plan;
  /** When it begins: steps count from here. */
  readonly start: Instant;
  /** As they are at the beginning. */
  readonly links: readonly (LinkSettings & { readonly servers: readonly [Jid, Jid] })[];
  /** How the nodes' statuses changed, in order. Empty unless asked for. */
  readonly statuses: readonly StatusChange[];
  /** How often each checker had something to look at. */
  readonly exercised: Readonly<Record<string, number>>;
  /**
   * Records of the trace: one for each hop of a stanza (into a server, over a link, out to a session), append, note, session
   * and act. A timer that fires and a batch that becomes durable are not counted, though the simulator schedules them too.
   */
  readonly events: number;
}

const composing = el('composing', 'http://jabber.org/protocol/chatstates');

/** When the first user comes online, in virtual milliseconds. */
const firstMs = 100;
/** Virtual milliseconds after the end of all faults. By then everything must be at rest. */
const settleMs = 10 * 60_000;
/** And for this long after that, nothing but pings may be sent. */
const quietMs = 5 * 60_000;
/** More than this many events in one part of a run mean that traffic does not stop (G12). */
const eventsMax = 400_000;

/**
 * One run: a network of the seed's own, people and faults; then everything heals and comes to rest; then everybody who
 * is in says one more thing, which must reach everybody; then all nodes start anew and nothing may be different. Same
 * seed, same options: the same run, byte for byte, in every engine.
 */
export function run(seed: number, options: RunOptions): RunResult {
  const prng = new Prng(seed);
  const whole = plan(prng.fork(), options.mode, options.events, options.faults);
  const planned = thinned(calmed(whole, options.calm ?? new Set()), options.absent ?? new Set());
  const statuses = options.statuses ? new Statuses() : undefined;
  const protocol: Protocol = protocols[planned.mode];
  const world = new World(planned, prng.fork(), { statuses, tamper: protocol.tamper });
  const start = world.now;
  const links = world.links.map(({ servers, settings }) => ({ servers, ...settings }));
  const violations: Violation[] = [];
  const runFor = (ms: number) => {
    try {
      if (!world.runUntil(plus(world.now, ms), eventsMax))
        violations.push({ invariant: 'G12', what: `more than ${eventsMax} events in ${ms / 1000} s` });
    } catch (error) {
      const at = world.trace.length - 1;
      violations.push({ invariant: 'no exception', what: error instanceof Error ? error.message : String(error), at });
    }
  };
  const { settle } = protocol;
  if (settle !== undefined) world.at(firstMs - 1, () => world.settle(settle(planned, world.seats)));
  for (const [i, { jid }] of planned.people.entries()) {
    const awayMs = planned.emptyUntil.get(domainOf(jid)) ?? 0;
    if (!options.without?.has(i) && awayMs < Number.POSITIVE_INFINITY)
      world.at(awayMs + firstMs + 37 * i, () => world.connect(jid));
  }
  for (const [number, step] of planned.steps.entries())
    if (options.only?.has(number) ?? true) world.at(step.at, () => take(world, step, number));
  runFor(Math.max(0, ...planned.steps.map(({ at }) => at)) + 1 + planned.lingerMs);
  world.heal();
  world.record({ kind: 'phase', t: world.now, phase: 'healed' });
  for (const [i, step] of planned.afterwards.entries()) {
    const number = planned.steps.length + i;
    if (options.only?.has(number) ?? true) world.at(step.at, () => take(world, step, number));
  }
  runFor(settleMs);
  world.record({ kind: 'phase', t: world.now, phase: 'quiet' });
  runFor(quietMs);
  world.record({ kind: 'phase', t: world.now, phase: 'words' });
  // The first round removes ghosts: users who vanished while nobody could be told.
  for (const round of [1, 2]) {
    for (const [i, { jid }] of planned.people.entries())
      world.at(i * 50, () => {
        if (world.users.get(jid)?.half.state().phase === 'joined')
          world.act(jid, { act: 'say', text: bodyText(i, lastWord(round)) });
      });
    runFor(120_000);
  }
  if (planned.people.some(({ device }) => device)) {
    for (const i of planned.people.keys()) world.at(i * 50, () => writeToSeveral(world, i));
    runFor(120_000);
  }
  world.record({ kind: 'phase', t: world.now, phase: 'repeated' });
  const repeat = () => {
    for (const address of world.seats.keys()) {
      world.crash(address);
      world.start(address);
    }
    runFor(120_000);
  };
  // FMUC nodes have histories of their own, and what a split kept back comes with a rejoin, one hop with each (decision
  // #25); then another brings nothing.
  if (isFederated(options.mode)) for (let hops = 1; hops < world.seats.size; hops++) repeat();
  const portrait = () => portraitOf(world.plan, world.seats, world.users);
  const before = portrait();
  repeat();
  world.look();
  const { people } = world.plan;
  const { plan: settled, seats, users, peaks, offers } = world;
  const everLost = (user: Jid) => world.everLost(user);
  const given = evidence(world.trace, people, {
    plan: settled,
    seats,
    users,
    peaks,
    offers,
    before,
    portrait,
    everLost,
  });
  const exercised: Record<string, number> = {};
  for (const [name, verdict] of judge(given, checkersOf(planned))) {
    exercised[name] = verdict.exercised;
    violations.push(...verdict.violations);
  }
  const { trace } = world;
  const changes = statuses?.changes ?? [];
  return { violations, trace, plan: world.plan, start, links, statuses: changes, exercised, events: trace.length };
}

/** The checkers whose invariants hold in this run. */
function checkersOf({ mode, primary }: Plan): Readonly<Record<string, Checker>> {
  const protocol: Protocol = protocols[mode];
  const all = { ...checkers, ...protocol.checkers };
  if (primary !== 'hostile') return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => protocol.despitePrimary?.includes(name)));
}

/** Carries out a step, as far as it makes sense at this moment. */
function take(world: World<Plan>, step: Step, number: number): void {
  const fault = faultOf(step);
  const told = { t: world.now, step: number, what: stepText(step) };
  const cause = world.record(fault === undefined ? { kind: 'act', ...told } : { kind: 'fault', ...told, fault });
  switch (step.kind) {
    case 'link': {
      const { servers, state, loss, twice, forMs } = step;
      const link = world.link(...servers);
      if (link === undefined) return;
      const faulty = { state, loss, twice };
      link.fault = faulty;
      return world.at(forMs, () => {
        if (link.fault === faulty) link.fault = soundLink;
      });
    }
    case 'reconnect':
      return world.link(...step.servers)?.reconnect(step.latencyMs);
    case 'crash':
      if (!world.seats.has(step.node)) return;
      // Some nodes have just saved a snapshot and start from that alone.
      if (step.luck % 4 === 0) world.seats.get(step.node)?.compact();
      world.crash(step.node);
      return world.at(step.forMs, () => world.start(step.node));
    case 'freeze': {
      const seat = world.seats.get(step.node);
      seat?.freeze();
      return world.at(step.forMs, () => seat?.thaw());
    }
    case 'compact':
      return world.seats.get(step.node)?.compact();
    case 'clock':
      return world.setClock(step.node, step.byMs);
    case 'vanish':
      return world.vanish(step.user);
    case 'linger':
      return world.linger(step.user, step.forMs);
    default:
      return person(world, step, number, cause);
  }
}

/** Somebody does something. A user who is offline comes online instead, and one who is not in the room enters. */
function person(
  world: World<Plan>,
  step: Exclude<Extract<Step, { readonly user: Jid }>, { readonly kind: 'vanish' | 'linger' }>,
  number: number,
  cause: number,
): void {
  const user = world.users.get(step.user);
  if (!user || user.lingers !== undefined) return;
  if (step.kind === 'anew') {
    world.vanish(step.user);
    world.connect(step.user);
    return enterAs(world, step.user, step.nick, cause);
  }
  if (step.kind === 'replicas') {
    world.connect(step.user);
    return world.sendRaw(configuration(world, step, `{${NS.ext}}dmuc_replicas`, step.nodes), '0045#10.2', cause);
  }
  if (step.kind === 'peerhosts') {
    world.connect(step.user);
    return world.sendRaw(configuration(world, step, `{${NS.ext}}dmuc_peerhosts`, step.nodes), '0045#10.2', cause);
  }
  if (step.kind === 'look') {
    world.connect(step.user);
    return world.sendRaw(look(step, user.person.room), '0313#4.1', cause);
  }
  if (step.kind === 'share') {
    world.connect(step.user);
    const nick = world.users.get(step.with)?.half.state().nick ?? '';
    if (user.half.state().phase !== 'joined') return enterAs(world, step.user, nick, cause);
    return world.act(step.user, { act: 'nick', nick }, cause);
  }
  if (!user.online) return world.connect(step.user);
  const i = world.plan.people.findIndex(({ jid }) => jid === step.user);
  if (step.kind === 'forge') {
    const prng = new Prng(step.luck);
    let said = 0;
    const { person } = user;
    const at = {
      user: person.jid,
      room: person.room,
      nick: user.half.state().nick,
      others: world.plan.people.map(({ jid, nick }) => ({ jid, nick })),
      nodes: [...world.seats.keys()],
      body: () => `!${i}:${number * 1000 + said++}`,
    };
    for (const stanza of forgeries[step.what]?.(at, prng) ?? []) world.sendRaw(stanza, step.what, cause);
    return;
  }
  const { phase } = user.half.state();
  if (phase === 'online' || phase === 'joining') return world.act(step.user, joinOf(world, step.user), cause);
  switch (step.kind) {
    case 'say':
      // Some clients say first that somebody is writing (XEP-0085).
      if (step.luck % 4 === 0)
        world.sendRaw(
          message(step.user, user.person.room, { type: 'groupchat', id: `c${step.luck}` }, composing),
          '0085',
          cause,
        );
      return world.act(step.user, { act: 'say', text: bodyText(i, number) }, cause);
    case 'burst':
      for (let k = 0; k < step.words; k++)
        world.act(step.user, { act: 'say', text: bodyText(i, burstWord(number, k)) }, cause);
      return;
    case 'leave':
      return world.act(step.user, { act: 'leave' }, cause);
    case 'nick':
      return world.act(step.user, { act: 'nick', nick: step.nick }, cause);
    case 'presence':
      return world.act(
        step.user,
        {
          act: 'presence',
          show: step.show,
          ...(step.bytes === undefined ? {} : { status: 'away, '.repeat(step.bytes / 6) }),
        },
        cause,
      );
    case 'subject':
      return world.act(step.user, { act: 'subject', text: step.text }, cause);
    case 'pm':
      return world.act(step.user, { act: 'pm', to: step.nick, text: privateText(number) }, cause);
    case 'whisper': {
      const to = world.users.get(step.target)?.half.state().nick ?? '';
      return world.act(step.user, { act: 'pm', to, text: privateText(number) }, cause);
    }
    case 'moderate':
      return world.sendRaw(moderation(world, step), '0045#8', cause);
  }
}

/** Somebody who is in writes to the nick of somebody who has several sessions. */
function writeToSeveral(world: World<Plan>, i: number): void {
  const { people } = world.plan;
  const devices = people.filter(({ device }) => device);
  const [user, target] = [people[i]?.jid as Jid, devices[i % devices.length]?.jid as Jid];
  if (world.users.get(user)?.half.state().phase !== 'joined') return;
  const to = world.users.get(target)?.half.state().nick ?? '';
  world.act(user, { act: 'pm', to, text: lastPrivateText(i) });
}

/** A client that is not in enters under this nick. */
function enterAs(world: World<Plan>, user: Jid, nick: string, cause: number): void {
  world.act(user, { act: 'nick', nick }, cause);
  world.act(user, joinOf(world, user), cause);
}

function joinOf(world: World<Plan>, user: Jid): OccupantAct {
  const { password } = world.users.get(user)?.person ?? {};
  return { act: 'join', ...(password === undefined ? {} : { password }) };
}

/** A form of an owner's (§10.2) that sets one field. */
function configuration(
  world: World<Plan>,
  { user, luck }: Pick<Extract<Step, { kind: 'replicas' | 'peerhosts' }>, 'user' | 'luck'>,
  name: string,
  values: readonly string[],
): Stanza {
  const room = world.users.get(user)?.person.room as Jid;
  const field = (key: string, texts: readonly string[], type?: string) =>
    el('field', NS.dataForms, { var: key, type }, ...texts.map((text) => el('value', NS.dataForms, {}, text)));
  const fields = [field('FORM_TYPE', ['http://jabber.org/protocol/muc#roomconfig'], 'hidden'), field(name, values)];
  const query = el('query', NS.mucOwner, {}, el('x', NS.dataForms, { type: 'submit' }, ...fields));
  return iq(user, room, { type: 'set', id: `m${luck}` }, query);
}

/** What a moderator's, admin's or owner's client sends (XEP-0045 §8, §9, §10.2). */
function moderation(world: World<Plan>, { user, target, what, luck }: Extract<Step, { kind: 'moderate' }>): Stanza {
  const room = world.users.get(user)?.person.room as Jid;
  const nick = world.users.get(target)?.half.state().nick ?? '';
  const id = `m${luck}-${what}`;
  const admin = (item: Readonly<Record<string, string>>) =>
    iq(user, room, { type: 'set', id }, el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item)));
  const form = (name: string, value: string) => configuration(world, { user, luck }, name, [value]);
  const yes = luck % 2 === 0;
  switch (what) {
    case 'kick':
      return admin({ nick, role: 'none' });
    case 'mute':
      return admin({ nick, role: 'visitor' });
    case 'voice':
      return admin({ nick, role: yes ? 'participant' : 'moderator' });
    case 'ban':
      return admin({ jid: bareOf(target), affiliation: 'outcast' });
    case 'pardon':
      return admin({ jid: bareOf(target), affiliation: 'none' });
    case 'member':
      return admin({ jid: bareOf(target), affiliation: 'member' });
    case 'admin':
      return admin({ jid: bareOf(target), affiliation: affiliations[luck % 2] as string });
    case 'moderated':
      return form('muc#roomconfig_moderatedroom', yes ? '1' : '0');
    case 'membersOnly':
      return form('muc#roomconfig_membersonly', yes ? '1' : '0');
    case 'historyMax':
      return form('muc#maxhistoryfetch', String(luck % 50));
  }
}
