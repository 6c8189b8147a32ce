import { spaceTimeSvg } from '../spacetime/svg-text.ts';
import type { Store } from '../store.ts';
import { bundleOf, type PageState } from './bundle.ts';
import { mermaidOf } from './mermaid.ts';
import { ndjsonOf } from './ndjson.ts';
import { scenarioText } from './scenario.ts';
import { withoutPasswords } from './secrets.ts';
import { shivizOf } from './shiviz.ts';
import { standAlone } from './svg.ts';

interface Form {
  readonly label: string;
  /** What it is good for. */
  readonly hint: string;
  /** How names of such files end, and their type. */
  readonly ending: string;
  readonly type: string;
  make(store: Store): string | Promise<string>;
}

/** What can be saved of what is shown, in the order of the menu. */
export const forms = {
  ndjson: {
    label: 'Trace (NDJSON)',
    hint: 'every record; “Open a trace…” shows it again',
    ending: 'ndjson',
    type: 'application/x-ndjson',
    make: traceOf,
  },
  scenario: {
    label: 'Scenario (JSON)',
    hint: 'for npm start -- --scenario FILE',
    ending: 'json',
    type: 'application/json',
    make: ({ session }) => scenarioText(session.scenario),
  },
  svg: {
    label: 'Picture (SVG)',
    hint: 'the topology as it is drawn now',
    ending: 'svg',
    type: 'image/svg+xml',
    make: pictureOf,
  },
  'space-time': {
    label: 'Space-time diagram (SVG)',
    hint: 'participants side by side, time downward',
    ending: 'space-time.svg',
    type: 'image/svg+xml',
    make: spaceTimeOf,
  },
  mermaid: {
    label: 'Sequence diagram (Mermaid)',
    hint: 'an arrow for each stanza',
    ending: 'mmd',
    type: 'text/plain',
    make: ({ told }) => mermaidOf(told),
  },
  shiviz: {
    label: 'ShiViz log',
    hint: 'events with vector clocks',
    ending: 'log',
    type: 'text/plain',
    make: ({ told }) => shivizOf(told.events),
  },
  bundle: {
    label: 'Bug report (JSON)',
    hint: 'scenario, trace and what the page shows; no passwords',
    ending: 'report.json',
    type: 'application/json',
    make: async (store) => bundleOf(pageState(store), store.session.scenario, await traceOf(store)),
  },
} as const satisfies Record<string, Form>;

export type ExportKind = keyof typeof forms;

export const exportKinds = Object.keys(forms) as readonly ExportKind[];

/** @throws Error that says what cannot be made of what is shown, and why */
export async function exported(kind: ExportKind, store: Store): Promise<string> {
  return forms[kind].make(store);
}

/** @param now  milliseconds since 1970 */
export function fileName(kind: ExportKind, { session }: Store, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10);
  return `netsplit-${session.scenario.id.replace(/[^a-z0-9-]/gi, '_')}-${day}.${forms[kind].ending}`;
}

/** Has the browser save a file. */
export function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function traceOf({ session, recorder }: Store): Promise<string> {
  if (session.lab) return withoutPasswords(await session.lab.ndjson());
  const trace = session.recording?.trace ?? recorder?.trace();
  if (trace === undefined) throw new Error('nothing is recorded of this session');
  return ndjsonOf(trace);
}

function spaceTimeOf(store: Store): string {
  const { model, session, view } = store;
  const title = session.recording?.label ?? session.scenario.title;
  return spaceTimeSvg(model, { title, when: (t) => store.when(t), ...view });
}

function pictureOf(): string {
  return pictureText(getComputedStyle(document.body).backgroundColor);
}

/**
 * The picture as it is drawn now, in one file.
 *
 * @param ground  CSS colour of what is behind it
 * @throws Error where it is not drawn
 */
export function pictureText(ground: string): string {
  const picture = document.querySelector<SVGSVGElement>('svg.picture');
  if (picture === null || picture.viewBox.baseVal.width <= 1)
    throw new Error('the picture is not drawn yet: show it first');
  return standAlone(picture, ground);
}

function pageState({ session, phase, preferences, view }: Store): PageState {
  const { event, thing, tab, region, presenting } = view;
  const { at, length } = session.recording ?? {};
  return {
    build: new URL(import.meta.url).pathname.split('/').at(-1) ?? '',
    mode: session.mode,
    phase,
    userAgent: navigator.userAgent,
    viewport: { width: innerWidth, height: innerHeight },
    preferences,
    shown: { event, thing, tab, region, presenting, at, length },
  };
}
