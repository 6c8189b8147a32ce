import { type VariantId, variantIds } from '../scenario/variant-nodes.ts';
import type { Events } from './fold/events.ts';
import { scales } from './scales.ts';
import type { Store } from './store.ts';
import { type LessonPlace, type Region, regionNames, type Tab, type Thing, tabNames } from './view.ts';

/** The Lab: a scenario, and the seed of all luck in it. */
export interface LabPlace {
  readonly scenario: string;
  /** Absent: 0, or that of the lesson. */
  readonly seed?: number | undefined;
  /** What was done there: share.ts. */
  readonly shared?: string | undefined;
  readonly lesson?: LessonPlace | undefined;
}

/** What the address says of the Lab; undefined if it is not about the Lab. */
export function readLab(hash: string): LabPlace | undefined {
  const of = new URLSearchParams(hash.slice(1));
  const lesson = readLesson(of);
  const scenario = of.get('lab') ?? (lesson && '');
  if (scenario === undefined) return undefined;
  const given = of.get('seed');
  const seed = Number(given ?? '');
  const isSeed = Number.isInteger(seed) && seed >= 0 && seed <= seedMax;
  return {
    scenario,
    seed: isSeed && (given !== null || !lesson) ? seed : lesson ? undefined : 0,
    shared: of.get('s') ?? undefined,
    ...(lesson ? { lesson } : {}),
  };
}

/** What the address says of a lesson; undefined if it is about none. */
function readLesson(of: URLSearchParams): LessonPlace | undefined {
  const id = of.get('lesson');
  if (id === null) return undefined;
  const [step = '1', from = ''] = [of.get('step') ?? undefined, of.get('from') ?? undefined];
  return {
    id,
    step: /^[1-9]\d?$/.test(step) ? Number(step) : 1,
    ...(/^\d{1,7}$/.test(from) ? { from: Number(from) } : {}),
  };
}

/** What the address says of the page after its `#`: a reload keeps it, and whoever opens the link sees the same. */
export interface Place {
  readonly lab?: LabPlace | undefined;
  /** In the Lab: which place of the run is shown, in events; absent: its end. */
  readonly at?: number | undefined;
  /** In the Lab: the protocol with which the run is compared. */
  readonly compared?: VariantId | undefined;
  readonly event?: number | undefined;
  readonly thing?: Thing | undefined;
  readonly tab?: Tab | undefined;
  readonly region?: Region | undefined;
  /** Percent of the usual size of the type, in presenter mode. */
  readonly presenting?: number | undefined;
}

/** Seeds are 32 bits. */
export const seedMax = 0xffff_ffff;
const things: readonly Thing['kind'][] = ['node', 'link', 'server', 'occupant'];
/** Least time between two changes of the address: browsers refuse a hundred of them in a row. */
const addressMs = 350;

/** What the page does not know is not in the result. */
export function readPlace(hash: string): Place {
  const of = new URLSearchParams(hash.slice(1));
  const event = of.get('ev') ?? '';
  const kind = things.find((one) => of.get(one));
  const at = of.get('at') ?? '';
  return {
    lab: readLab(hash),
    at: /^\d{1,7}$/.test(at) ? Number(at) : undefined,
    compared: variantIds.find((one) => one === of.get('compare')),
    event: /^-?\d{1,15}$/.test(event) ? Number(event) : undefined,
    thing: kind && { kind, id: of.get(kind) ?? '' },
    tab: tabNames.find((one) => one === of.get('view')),
    region: regionNames.find((one) => one === of.get('region')),
    presenting: scales.find((one) => String(one) === of.get('present')),
  };
}

/** @returns a hash that says no more than it has to; empty where all is as usual */
export function writePlace({ lab, at, compared, event, thing, tab, region, presenting }: Place): string {
  const parts: (readonly [string, string | number | undefined])[] = [
    ['lab', lab?.scenario],
    ['seed', lab?.lesson ? lab.seed : lab?.seed || undefined],
    ['s', lab?.shared],
    ['lesson', lab?.lesson?.id],
    ['step', lab?.lesson?.step],
    ['from', lab?.lesson?.from],
    ['at', at],
    ['compare', compared],
    ['view', tab === 'log' ? undefined : tab],
    ['region', region === 'topology' ? undefined : region],
    ['present', presenting],
    [thing?.kind ?? '', thing?.id],
    ['ev', event],
  ];
  const said = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(String(value))}`]));
  return said.length === 0 ? '' : `#${said.join('&')}`;
}

/** The same view of another trace, where the numbers of the events mean something else. */
export function withoutSelection(hash: string): string {
  return writePlace({ ...readPlace(hash), event: undefined, thing: undefined });
}

/**
 * Shows what the address says, now and whenever a person changes it, and puts into the address what is shown.
 *
 * @param names  whether the address names the trace that is shown; it does not if the trace is a file of the person's
 * @param reads  whether what the address says is shown first
 * @returns a function that ends it. What is shown by then is in the address, unless it is told that the address is about something else
 */
export function followAddress(store: Store, names: boolean, reads = true): (isAboutElse?: boolean) => void {
  /** As it was when it was last read or written. */
  let known = location.hash;
  const read = () => {
    known = location.hash;
    show(store, readPlace(known));
  };
  if (reads) read();
  let written = writePlace(placeOf(store, names));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let changed = Number.NEGATIVE_INFINITY;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    // Somebody has changed it, and it is about to be read.
    if (location.hash !== known) return;
    changed = performance.now();
    history.replaceState(null, '', `${location.pathname}${location.search}${written}`);
    known = location.hash;
  };
  const off = store.subscribe(() => {
    const hash = writePlace(placeOf(store, names));
    if (hash === written) return;
    written = hash;
    clearTimeout(timer);
    timer = setTimeout(write, addressMs - (performance.now() - changed));
  });
  addEventListener('hashchange', read);
  return (isAboutElse = false) => {
    off();
    removeEventListener('hashchange', read);
    if (timer !== undefined && !isAboutElse) write();
    clearTimeout(timer);
    timer = undefined;
  };
}

/** A link to what is shown: whoever opens it sees the same. */
export function linkTo(store: Store): string {
  return `${location.origin}${location.pathname}${location.search}${writePlace(placeOf(store, true))}`;
}

/**
 * What the pages of a class show with this one: an address from its `?` or `#` on.
 *
 * @returns undefined where what is shown has no address that others could open
 */
export function placeForClass(store: Store): string | undefined {
  const { mode, lab, recording, scenario } = store.session;
  if (mode === 'recorded') return undefined;
  // The end of a run is another one where more has happened. What else there is to look at is each page’s own.
  const own = { at: recording?.at, tab: undefined, region: undefined, presenting: undefined };
  if (lab) return writePlace({ ...placeOf(store, true), ...own });
  const query = new URLSearchParams({ scenario: scenario.id, ...(store.instance ? { room: store.instance } : {}) });
  return `?${query}`;
}

function show(store: Store, { at, compared, event, thing, tab, region, presenting }: Place): void {
  store.set({
    ...(tab ? { tab } : {}),
    ...(region ? { region } : {}),
    ...(presenting ? { presenting } : {}),
    event: undefined,
    thing: undefined,
  });
  if (thing) store.choose(thing);
  const { variants = [], comparison } = store.session.lab ?? {};
  const isOffered = compared === undefined || variants.includes(compared);
  if (isOffered && compared !== comparison?.variant.id) void store.compare(compared);
  if (at !== undefined && store.session.lab) store.session.recording?.seek(at);
  if (event !== undefined) store.reveal(event);
}

function placeOf(store: Store, names: boolean): Place {
  const { session, model, lesson } = store;
  const { event, thing, tab, region, presenting } = store.view;
  const { lab, recording, scenario } = session;
  const inLab = lab &&
    recording && {
      lab: { scenario: scenario.id, seed: lab.seed, shared: lab.shared, lesson: lesson?.place },
      at: recording.at === recording.length ? undefined : recording.at,
      compared: lab.comparison?.variant.id,
    };
  const rest = { ...inLab, tab, region, presenting };
  return names ? { ...rest, event: event === undefined ? undefined : lastingId(model.events, event), thing } : rest;
}

/** What the server did not see is numbered anew by each page, so what came of it stands for it. */
function lastingId(events: Events, id: number): number | undefined {
  if (id >= 0) return id;
  return events.effectsOf(id).find((effect) => effect >= 0) ?? events.pathTo(id).findLast((cause) => cause >= 0);
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/%(?:40|2F|3A)/g, decodeURIComponent);
}
