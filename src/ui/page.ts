import type { Trouble } from '../host/control.ts';
import type { Lesson } from '../lessons/lesson.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { followAddress } from './address.ts';
import { type Embedding, readEmbedding } from './embed/embedding.ts';
import { playEmbedded } from './embed/player.ts';
import { bindKeys } from './keys.ts';
import { type LabPage, makeLab, type Openers } from './lab-api.ts';
import { loadPreferences } from './preferences.ts';
import { RecordedSession } from './session/recorded.ts';
import { RewoundSession } from './session/rewound.ts';
import type { LabControls, Session } from './session/session.ts';
import { Store } from './store.ts';
import type { Trace } from './trace/trace.ts';
import type { LessonPlace } from './view.ts';
import './views/app.ts';
import type { Part } from './views/base.ts';
import './views/embedded.ts';

/** A session with what it needs on the page. */
interface Shown {
  readonly store: Store;
  readonly lab: LabPage;
  /** The address is about something else from now on: what is shown writes nothing to it any more. */
  readonly leaveAddress: () => void;
  /** Takes the page away from it, but goes on. */
  detach: () => void;
}

/** The page is inside of another one. */
const embedding: Embedding | undefined = readEmbedding(location.search)?.embedding;

let shown: Shown | undefined;
/** The live session whose record is shown. */
let behind: Shown | undefined;
/** One element for all that is shown on a network, so that what moved in it stays where it is. */
let app: Part | undefined;

/** The session that is shown ends; what it has shown stays, and the page says why. */
export async function endSession(why: Trouble): Promise<void> {
  backToLive();
  shown?.store.close();
  tellTrouble(why);
  await shown?.store.session.stop();
}

/** @returns false if no session is shown that could say so */
export function tellTrouble(trouble: Trouble): boolean {
  const live = behind ?? shown;
  live?.store.set({ trouble });
  return live !== undefined;
}

export function shownSession(): Session | undefined {
  return shown?.store.session;
}

/** The scenario of what is shown. */
export function shownScenario(): Scenario | undefined {
  return shown?.store.session.scenario;
}

/** The step of a lesson that is shown, as the address says it. */
export function shownLesson(): LessonPlace | undefined {
  return shown?.store.lesson?.place;
}

/** The Lab, if it is shown. */
export function shownLab(): LabControls | undefined {
  return shown?.store.session.lab;
}

/** What is shown. */
export function shownStore(): Store | undefined {
  return shown?.store;
}

let onShown: (store: Store) => void = () => undefined;

/** @param tell  called with all that is shown from now on */
export function watchShown(tell: (store: Store) => void): void {
  onShown = tell;
  if (shown) tell(shown.store);
}

let leaveLive: () => void = () => undefined;

/** @param leave  called when a person opens a trace: from then on the page is not part of the live network */
export function onTrace(leave: () => void): void {
  leaveLive = leave;
}

let openers: Openers;

/** @param open  shows something else in place of what is shown; rejects, and nothing has changed, where there is none */
export function onOpen(open: Openers): void {
  openers = open;
}

/** What is shown is no longer part of a live network, and ends. */
export function leave(): Promise<void> {
  leaveLive();
  return close();
}

/**
 * Shows a session in place of the one before. The page is the same, whatever runs the session.
 *
 * @param instance  of the network, where there are several side by side
 * @param offline  why there are no live rooms; undefined if there may be
 */
export function showSession(
  session: Session,
  scenarios: Store['scenarios'],
  instance = '',
  offline: string | undefined = undefined,
): Store {
  void close();
  const store = new Store(session, scenarios, loadPreferences(), { instance, offline });
  store.onTrace = showTrace;
  store.onRewind = rewind;
  store.onLesson = openStep;
  // Both are such parts, which the compiler does not know by their names.
  app = document.createElement(embedding ? 'ns-embedded' : 'ns-app') as unknown as Part;
  app.store = store;
  document.querySelector('#app')?.replaceChildren(app);
  shown = attach(store, { readsAddress: true });
  addEventListener('pagehide', endWithPage);
  return store;
}

/** A step of a lesson that begins in another run than the one that is shown. */
function openStep(lesson: Lesson, step: number, isBuiltIn: boolean): void {
  const { id } = lesson;
  const at = isBuiltIn ? `#lesson=${id}&step=${step}` : '';
  history.replaceState(null, '', `${location.pathname}${location.search}${at}`);
  openers
    .openLab({ scenario: '', lesson: { id, step } }, isBuiltIn ? {} : { lesson })
    .catch(({ message }: Error) => shown?.store.toast(message));
}

/** A person has put something else into the address: until it is shown, or is said to be none, it stays there. */
export function leaveAddress(): void {
  shown?.leaveAddress();
}

/** Ends what is shown, and what goes on behind it. */
async function close(): Promise<void> {
  const all = [shown, behind];
  shown?.detach();
  [shown, behind] = [undefined, undefined];
  removeEventListener('pagehide', endWithPage);
  for (const one of all) one?.store.close();
  await Promise.all(all.map((one) => one?.store.session.stop()));
}

function endWithPage(): void {
  for (const one of [shown, behind]) void one?.store.session.stop();
}

/** Shows the record of the live session, at the selected event or at its end. The session goes on behind it. */
function rewind(): void {
  if (behind !== undefined) return backToLive();
  const recorder = shown?.store.recorder;
  if (shown === undefined || recorder === undefined) return;
  const live = shown;
  const session = new RewoundSession(recorder);
  const { store: from } = live;
  const store = new Store(session, from.scenarios, from.preferences, from);
  store.onTrace = showTrace;
  store.onLesson = openStep;
  store.onRewind = rewind;
  store.onLab = (acts) => {
    openers
      .openLab({ scenario: session.scenario.id, seed: 0 }, { acts })
      .catch(({ message }: Error) => store.toast(message));
  };
  session.seek(from.view.event === undefined ? session.length : session.placeOf(from.view.event));
  store.takeOver(from);
  // What the plain rooms make of it comes to the live session.
  const off = from.subscribe(() => store.changed());
  live.detach();
  behind = live;
  shown = swap(store);
  const { detach } = shown;
  shown.detach = () => {
    off();
    detach();
  };
}

function backToLive(): void {
  if (behind === undefined || shown === undefined) return;
  const [record, live] = [shown, behind];
  record.detach();
  behind = undefined;
  live.store.takeOver(record.store);
  record.store.close();
  void record.store.session.stop();
  shown = swap(live.store, live.lab);
}

/** Shows another session of the same network in the elements that are there. */
function swap(store: Store, lab?: LabPage): Shown {
  if (app) app.store = store;
  store.changed();
  return attach(store, { readsAddress: false, ...(lab ? { lab } : {}) });
}

/** Binds title, theme, keys, `window.lab` and the address to what is shown. */
function attach(store: Store, { readsAddress, lab: known }: { readsAddress: boolean; lab?: LabPage }): Shown {
  const { session } = store;
  const root = document.documentElement;
  document.title = `Netsplit: ${session.scenario.title}`;
  const show = () => {
    const { theme } = store.preferences;
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    const { presenting } = store.view;
    if (presenting === undefined) delete root.dataset.presenting;
    else root.dataset.presenting = String(presenting);
    if (session.recording) root.dataset.simTime = String(session.recording.ms);
    else delete root.dataset.simTime;
  };
  show();
  const lab = known ?? makeLab(store, rendered, openers, showTrace);
  const isFile = session.mode === 'recorded' && session.recording?.kept === undefined;
  const named = !isFile || new URLSearchParams(location.search).has('trace');
  const endAddress = followAddress(store, named, readsAddress);
  const off = [store.subscribe(show), lab.show(), endAddress];
  if (embedding?.keys !== false) off.push(bindKeys(store));
  if (embedding) off.push(playEmbedded(store, embedding));
  store.onTeach = () => void openers.teach().catch(({ message }: Error) => store.toast(message));
  onShown(store);
  return {
    store,
    lab,
    leaveAddress: () => endAddress(true),
    detach: () => {
      for (const end of off.toReversed()) end();
    },
  };
}

/** Shows a run that is over: at its first violation, or at its end if it has none. */
export function showTrace(trace: Trace): void {
  leaveLive();
  const session = new RecordedSession(trace);
  const store = showSession(session, []);
  if (store.view.event !== undefined) return;
  const violation = trace.violations.find(({ seq }) => seq !== undefined);
  if (violation?.seq === undefined) session.seek(session.length);
  else store.reveal(violation.seq);
}

/** After the next render of the whole page. */
async function rendered(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  shown?.store.flush();
  if (document.visibilityState === 'visible') await new Promise((resolve) => requestAnimationFrame(resolve));
  await app?.updateComplete;
  await Promise.all(
    [...(app?.querySelectorAll('*') ?? [])].map((part) => ('updateComplete' in part ? part.updateComplete : undefined)),
  );
}
