import type { Sign } from '../core/turn/spec.ts';
import type { Lesson } from '../lessons/lesson.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { VariantId } from '../scenario/variant-nodes.ts';
import { type LabPlace, seedMax } from './address.ts';
import { checkedScenario } from './checked-scenario.ts';
import { effectOf } from './effects.ts';
import { type ExportKind, exported, exportKinds } from './export/exports.ts';
import type { MessageCost } from './fold/costs.ts';
import type { ModelEvent } from './fold/event.ts';
import type { LinkView } from './fold/links.ts';
import type { OccupantView } from './fold/people.ts';
import { comparisonIn, type LabComparisonView } from './lab-comparison.ts';
import { type LabLesson, lessonIn } from './lab-lesson.ts';
import { type Action, mistakeIn } from './session/acts.ts';
import { type ActResult, type LabControls, refuse, type Session, type TimedAct } from './session/session.ts';
import type { Store } from './store.ts';
import { TraceError } from './trace/fields.ts';
import { loadFile } from './trace/load-trace.ts';
import type { Trace } from './trace/trace.ts';
import type { Phase } from './view.ts';
import { roleOf, stateOf } from './words.ts';

/** Which events `events()` returns: those that match every given part. */
export interface EventFilter {
  readonly kind?: ModelEvent['kind'];
  readonly leg?: 'in' | 'link' | 'out';
  readonly stanza?: 'message' | 'presence' | 'iq';
  /** Changes of state that tell of a split, a netjoin, or another meeting of two nodes. */
  readonly sign?: Sign;
  /** Events at this place or later, which `mark()` gave, or the id of an event of the server's. */
  readonly since?: number;
  /** Only events with the same first cause as this one. */
  readonly family?: number;
}

/** A branch of the Lab: what happened with other acts from some place on. */
export interface LabBranchView {
  readonly name: string;
  /** Events in it. */
  readonly events: number;
  readonly shown: boolean;
}

/** Where `counters()` begins to count: at the beginning, or where `mark()` was. */
export type From = Pick<EventFilter, 'since'>;

/** A network of the server's: a room of one's own (`?room=`), a scenario. */
export interface Where {
  readonly instance?: string;
  readonly scenario?: string;
}

export interface LabState {
  readonly phase: Phase;
  readonly paused: boolean;
  readonly nodes: readonly {
    readonly node: string;
    readonly server: string;
    readonly part: string;
    readonly state: string;
    readonly split: boolean;
    /** Of a replica that has noticed that it is cut off. */
    readonly policy?: 'frozen' | 'local';
    readonly phase: string;
    readonly detail: string;
    readonly rooms: readonly unknown[];
  }[];
  readonly occupants: readonly OccupantView[];
  readonly links: readonly LinkView[];
}

export interface LabCounters {
  readonly links: readonly {
    readonly link: string;
    readonly stanzas: number;
    readonly bytes: number;
    readonly dropped: number;
  }[];
  readonly messages: readonly LabMessage[];
}

export interface LabMessage extends MessageCost {
  /** Copies handed to users. */
  readonly deliveries: number;
  /**
   * Of the same message in a plain room: stanzas that crossed a link, those that a cut link lost, copies handed to users. Absent if
   * nobody knows who is in.
   */
  readonly plain?: number;
  readonly plainLost?: number;
  readonly plainDeliveries?: number;
  /** Whether it was delivered to the same users in both; absent while it is under way. */
  readonly sameDeliveries?: boolean;
}

export interface LabBaseline {
  /** Stanzas that crossed a link. */
  readonly distributed: number;
  readonly plain: number;
  readonly deliveries: { readonly distributed: number; readonly plain: number };
  /** Whether all messages were delivered to the same users in both. */
  readonly sameDeliveries: boolean;
}

/**
 * `window.lab`, for tests and for teachers' consoles. Version 2 has all that version 1 had, and the Lab: nothing here will be removed
 * or change its meaning. It answers
 * with all that the page was told; the picture may be behind. All promises settle after the workers answered and the page has been
 * updated.
 */
export interface Lab {
  readonly version: 2;
  readonly mode: Session['mode'];
  /** All nodes are ready (here or in another page), the script has been played, and nothing is in flight. */
  readonly ready: Promise<void>;
  scenario(): Scenario;
  act(action: Action): Promise<ActResult>;
  state(): LabState;
  events(filter?: EventFilter): readonly ModelEvent[];
  /** The place that the trace has reached: `since` counts from there. */
  mark(): number;
  /**
   * Per link: stanzas and bytes. Per message: stanzas, deliveries, and what a plain room would have sent. With `since`: of what
   * was sent from that place on, as far back as the page keeps events (the last 20,000).
   */
  counters(from?: From): LabCounters;
  /** For the messages so far, or since then: what crossed links, and what a plain room would have sent across them. */
  baseline(from?: From): LabBaseline;
  /**
   * Resolves when there has been no hop and no action for 300 ms, nothing is on the links, everything that was done here
   * has reached the server, and every node has handled what reached it.
   */
  runToQuiet(): Promise<void>;
  /**
   * Resolves when nothing moves in the picture any more, and the page shows all that it was told. At once if the pace is "still", or
   * the system asks for reduced motion.
   */
  pictureAtRest(): Promise<void>;
  /**
   * Begins anew, without anything that was said or counted: resolves when everybody is in again, and `window.lab` is that of the new
   * beginning. Rejects where the page may not operate the network.
   */
  reset(): Promise<void>;
  /**
   * Leaves this network for another: a room of one's own, or that of everybody (`''`), and another scenario. Each is as it was where
   * it is not given. Resolves when everybody is in, and `window.lab` is that of the other network.
   */
  open(where: Where): Promise<void>;
  /**
   * What is shown, as the text of a file: `ndjson` (the trace), `scenario`, `svg` (the picture), `mermaid`, `shiviz`, or `bundle` (a report
   * of a bug). No password or token is in it.
   */
  export(kind: ExportKind): Promise<string>;
  /**
   * Shows a trace, or that in a report of a bug, in place of what is shown, which ends if it is live. Resolves when it is shown; then
   * `window.lab` is that of the trace. Rejects, and nothing has changed, where it is none.
   */
  import(text: string): Promise<void>;
  on(type: 'event', callback: (event: ModelEvent) => void): () => void;
  on(type: 'change', callback: () => void): () => void;
  on(type: 'phase', callback: (phase: Phase) => void): () => void;
  /**
   * Of a recording or the Lab: forward or back by n events, 1 if none is given. In the Lab the next thing happens at the end of the
   * run. A live session rejects.
   */
  step(n?: number): Promise<void>;
  /**
   * Of a recording or the Lab: to the moment of an event, or to a time in milliseconds since the run began. A live session rejects.
   */
  seek(to: { readonly event: number } | { readonly t: number }): Promise<void>;
  /**
   * Opens a scenario in the Lab, from any session: one that comes with Netsplit or a lesson by its id, or any other scenario as data,
   * of whose rooms the passwords are left out. Resolves when everybody is in whom its script sends in, and `window.lab` is that of the
   * Lab. Without a seed it is 0, or that of the lesson. Rejects, and nothing has changed, where the data are no scenario: the message
   * names each fault with its place.
   */
  load(scenario: string | Scenario, options?: { readonly seed?: number }): Promise<void>;
  /** The seed of the Lab's luck; with a number, the same scenario again with another seed. Any other session rejects. */
  seed(seed?: number): Promise<number>;
  /** The Lab goes on for so many milliseconds of its run. Any other session rejects. */
  runFor(ms: number): Promise<void>;
  /**
   * Shows the branch with this name; if there is none, one begins at the place that is shown. Any other session rejects, and so it
   * does where the name is empty.
   */
  branch(name: string): Promise<void>;
  /** The branches of the Lab, of which one is shown; none in any other session. */
  branches(): readonly LabBranchView[];
  /**
   * Compares the Lab's run with the same acts in another protocol; without one, with none. Rejects where the scenario cannot be in
   * that protocol, and in any other session.
   */
  compare(variant?: VariantId): Promise<void>;
  /** Where the lesson is that is shown; undefined if none is. */
  lesson(): LabLesson | undefined;
  /** Both runs at the time that is shown; undefined if the run is compared with none. */
  comparison(): LabComparisonView | undefined;
}

declare global {
  interface Window {
    lab: Lab;
  }
}

const pollMs = 40;
/** What has no effect by then has none, but for the time that stanzas take on the slowest link. */
const effectMs = 10_000;
/** From a user to the room and back, by way of two nodes. */
const crossings = 4;

/** The Lab does not go on for longer at once, in ms of its run. */
const dayMs = 86_400_000;

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

/** What is said is done when it is sent. In a split that nobody has noticed yet, nothing comes back. */
function isMessage({ act }: Action): boolean {
  return act === 'say' || act === 'subject' || act === 'pm';
}

function labMessage(store: Store, cost: MessageCost): LabMessage {
  const plain = store.baseline.of(cost);
  const sameDeliveries = store.sameDeliveries(cost);
  return {
    ...cost,
    deliveries: cost.recipients.length,
    ...(plain ? { plain: plain.crossed, plainLost: plain.lost, plainDeliveries: plain.recipients.length } : {}),
    ...(sameDeliveries === undefined ? {} : { sameDeliveries }),
  };
}

/** What the Lab begins with. */
export interface Situation {
  /** Takes precedence over one that comes with Netsplit. */
  readonly scenario?: Scenario;
  readonly acts?: readonly TimedAct[];
  /** One that does not come with Netsplit. */
  readonly lesson?: Lesson;
}

/** What leads to another session. */
export interface Openers {
  /** Shows another network; rejects, and nothing has changed, where there is none. */
  openNetwork(where: Where): Promise<void>;
  /** Shows the Lab; rejects, and nothing has changed, where there is no such scenario. */
  openLab(place: LabPlace, situation?: Situation): Promise<void>;
  /** Pages of students follow this one from now on; rejects where this page cannot teach. */
  teach(): Promise<void>;
}

/** A `window.lab`, and the page that it is about: one goes on unseen while the record of its session is shown. */
export interface LabPage {
  /** Makes it the page's. @returns a function that ends that */
  show(): () => void;
}

/**
 * @param updated  the page has been updated
 * @param showTrace  shows a trace in place of what is shown
 */
export function makeLab(
  store: Store,
  updated: () => Promise<unknown>,
  { openNetwork, openLab }: Openers,
  showTrace: (trace: Trace) => void,
): LabPage {
  const { session } = store;
  const { recording } = session;
  const onEvent = new Set<(event: ModelEvent) => void>();
  const onChange = new Set<() => void>();
  const onPhase = new Set<(phase: Phase) => void>();
  store.onEvents = (events) => {
    for (const event of events) for (const callback of onEvent) callback(event);
  };
  store.subscribe(() => {
    for (const callback of onChange) callback();
  });
  let phase: Phase | undefined;
  // Nothing announces that it is quiet, so poll.
  const showPhase = () => {
    store.settle();
    if (window.lab === lab) document.documentElement.dataset.picture = store.isAtRest ? 'rest' : 'moving';
    const now = store.phase;
    if (now === phase) return;
    phase = now;
    if (window.lab === lab) document.documentElement.dataset.phase = now;
    for (const callback of onPhase) callback(now);
  };
  const rendered = async () => {
    await updated();
    showPhase();
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, pollMs));
    await rendered();
  };
  const perform = async (action: Action): Promise<ActResult> => {
    const done = await store.perform(action);
    if (!done.ok) return refuse(done.error);
    // It stands still: what comes of it happens when the run goes on.
    if (session.lab) return { ok: true };
    const { shown, refusal, isSent, what } = effectOf(store.told, action, done.sent);
    const links = [...store.told.network.links.values()];
    const waitMs = effectMs + crossings * Math.max(0, ...links.map((link) => link.latencyMs + link.jitterMs));
    const late = Date.now() + waitMs;
    for (;;) {
      if (shown()) return { ok: true };
      const why = refusal();
      if (why !== undefined) return refuse(why);
      if (Date.now() > late && isMessage(action) && isSent()) return { ok: true };
      if (Date.now() > late) return refuse(`nothing has shown within ${Math.round(waitMs / 1000)} s that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
  const runToQuiet = async () => {
    await session.lab?.toQuiet();
    await until(() => store.quiet(Date.now()));
  };
  const inLab = (what: string): LabControls => {
    if (session.lab) return session.lab;
    const why = recording ? 'this run is over' : 'a live session runs in real time on real connections';
    throw new Error(
      `${what}: ${why}, so it cannot be done. lab.load(${JSON.stringify(session.scenario.id)}) opens the Lab.`,
    );
  };
  const live = (what: string) =>
    new Error(
      `${what}: a live session runs in real time on real connections, so it cannot be stepped. Rewind shows its record, which can.`,
    );
  const goTo = async (place: number) => {
    store.seek(place);
    await rendered();
  };

  /** Another session is shown, and everybody is in. */
  const next = async () => {
    while (window.lab === lab) await new Promise((resolve) => setTimeout(resolve, pollMs));
    await window.lab.ready;
  };

  const messagesSince = (since = 0) =>
    store.told.costs.messages.filter(({ id }) => id >= since).map((cost) => labMessage(store, cost));

  const lab: Lab = {
    version: 2,
    mode: session.mode,
    ready: until(() => store.started && (store.told.paused || store.quiet(Date.now()))),
    scenario: () => session.scenario,
    act: async (action) => {
      const mistake = store.fixed === undefined ? mistakeIn(action, store.known) : undefined;
      const result = mistake === undefined ? await perform(action) : refuse(mistake);
      await rendered();
      return result;
    },
    state: () => {
      const { told: model } = store;
      return structuredClone({
        phase: store.phase,
        paused: model.paused,
        nodes: [...model.network.nodes.values()].map((node) => {
          const state = stateOf(model, node);
          return {
            node: node.address,
            server: node.server,
            part: roleOf(node),
            state: state.word,
            split: state.split,
            ...(state.policy ? { policy: state.policy } : {}),
            phase: node.phase,
            detail: node.detail,
            rooms: model.network.roomsOf(node),
          };
        }),
        occupants: model.people.all(),
        links: [...model.network.links.values()],
      });
    },
    events: (filter = {}) => {
      const { told: model } = store;
      const family = filter.family === undefined ? undefined : model.events.family(filter.family);
      return structuredClone(
        model.events.list.filter(
          (event) =>
            (filter.kind === undefined || event.kind === filter.kind) &&
            (filter.sign === undefined || event.sign === filter.sign) &&
            (filter.leg === undefined || event.leg === filter.leg) &&
            (filter.stanza === undefined || event.stanza?.name === filter.stanza) &&
            (filter.since === undefined || model.events.isSince(event.id, filter.since)) &&
            (family === undefined || family.has(event.id)),
        ),
      );
    },
    mark: () => store.told.events.mark(),
    counters: ({ since } = {}) =>
      structuredClone({
        links: store.told.linksSince(since).map(({ key, stanzas, bytes, dropped }) => ({
          link: key,
          stanzas,
          bytes,
          dropped,
        })),
        messages: messagesSince(since),
      }),
    baseline: ({ since } = {}) => {
      const messages = messagesSince(since);
      const sum = (of: (message: LabMessage) => number | undefined) =>
        messages.reduce((all, message) => all + (of(message) ?? 0), 0);
      return {
        distributed: sum(({ crossed }) => crossed),
        plain: sum(({ plain }) => plain),
        deliveries: {
          distributed: sum(({ deliveries }) => deliveries),
          plain: sum(({ plainDeliveries }) => plainDeliveries),
        },
        sameDeliveries: messages.every(({ sameDeliveries }) => sameDeliveries === true),
      };
    },
    runToQuiet,
    pictureAtRest: () => until(() => store.isAtRest),
    reset: async () => {
      const result = await session.startOver();
      if (!result.ok) throw new Error(result.error);
      await next();
    },
    open: async (where) => {
      await openNetwork(where);
      await next();
    },
    export: async (kind) => {
      if (!exportKinds.includes(kind)) throw new Error(`“${kind}” is not one of ${exportKinds.join(', ')}`);
      return exported(kind, store);
    },
    import: async (text) => {
      const trace = await loadFile(new Blob([text])).catch((error: unknown) => {
        throw error instanceof TraceError ? new Error(`${error.message} ${error.advice}`) : error;
      });
      showTrace(trace);
      await updated();
    },
    on: (type: 'event' | 'change' | 'phase', callback: never) => {
      const set: Set<never> = (type === 'event' ? onEvent : type === 'change' ? onChange : onPhase) as never;
      set.add(callback);
      return () => set.delete(callback);
    },
    step: async (n = 1) => {
      if (!recording) throw live('step');
      if (!session.lab) return goTo(recording.at + n);
      await session.lab.step(n);
      await rendered();
    },
    seek: async (to) => {
      if (!recording) throw live('seek');
      await session.lab?.settled();
      await goTo('event' in to ? recording.placeOf(to.event) : recording.placeAt(to.t));
    },
    load: async (scenario, { seed } = {}) => {
      if (seed !== undefined && (!isWhole(seed) || seed > seedMax))
        throw new Error(`load: seed is ${seed}, and has to be a whole number from 0 to ${seedMax}`);
      if (typeof scenario === 'string') await openLab({ scenario, seed });
      else {
        const given = await checkedScenario(scenario, 'load: the scenario');
        await openLab({ scenario: given.id, seed }, { scenario: given });
      }
      await window.lab.ready;
    },
    seed: async (seed) => {
      const { seed: now } = inLab('seed');
      if (seed !== undefined) await lab.load(session.scenario, { seed });
      return seed ?? now;
    },
    runFor: async (ms) => {
      const controls = inLab('runFor');
      if (!(ms >= 0 && ms <= dayMs)) throw new Error(`runFor: ms is ${ms}, and has to be a number from 0 to ${dayMs}`);
      await controls.runFor(ms);
      await rendered();
    },
    branch: async (name) => {
      const controls = inLab('branch');
      if (name.trim() === '') throw new Error('branch: a branch has a name');
      const known = controls.branches.find((one) => one.name === name);
      await (known ? controls.select(known.id) : controls.begin(name));
      await rendered();
    },
    branches: () => {
      const { branches = [], branch } = session.lab ?? {};
      return branches.map(({ id, name, length }) => ({ name, events: length, shown: id === branch }));
    },
    compare: async (variant) => {
      const { variants } = inLab('compare');
      if (variant !== undefined && !variants.includes(variant))
        throw new Error(`compare: ${session.scenario.id} can be compared with ${variants.join(', ')}, not ${variant}`);
      await store.compare(variant);
      await rendered();
    },
    lesson: () => lessonIn(store),
    comparison: () => comparisonIn(store),
  };
  return {
    show: () => {
      window.lab = lab;
      document.documentElement.dataset.mode = session.mode;
      phase = undefined;
      showPhase();
      const timer = setInterval(showPhase, pollMs);
      return () => clearInterval(timer);
    },
  };
}
