import type { Trouble } from '../host/control.ts';
import { followAddress } from './address.ts';
import { bindKeys } from './keys.ts';
import { installLab, type Openers } from './lab-api.ts';
import { RecordedSession } from './session/recorded.ts';
import type { LabControls, Session } from './session/session.ts';
import { loadPreferences, Store } from './store.ts';
import type { Trace } from './trace/read-trace.ts';
import './views/app.ts';
import type { Part } from './views/base.ts';

let shown: Store | undefined;
/** Ends the session that is shown, and takes it off the page. */
let close: () => Promise<void> = async () => undefined;

/** The session that is shown ends; what it has shown stays, and the page says why. */
export async function endSession(why: Trouble): Promise<void> {
  shown?.close();
  tellTrouble(why);
  await shown?.session.stop();
}

/** @returns false if no session is shown that could say so */
export function tellTrouble(trouble: Trouble): boolean {
  shown?.set({ trouble });
  return shown !== undefined;
}

/** The Lab, if it is shown. */
export function shownLab(): LabControls | undefined {
  return shown?.session.lab;
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
  const store = new Store(session, scenarios, loadPreferences(), instance, offline);
  shown = store;
  store.onTrace = showTrace;
  const app = document.createElement('ns-app') as unknown as Part;
  app.store = store;
  const root = document.documentElement;
  document.title = `Netsplit: ${session.scenario.title}`;
  document.querySelector('#app')?.replaceChildren(app);
  const applyTheme = () => {
    const { theme } = store.preferences;
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    const { presenting } = store.view;
    if (presenting === undefined) delete root.dataset.presenting;
    else root.dataset.presenting = String(presenting);
  };
  applyTheme();
  store.subscribe(applyTheme);
  const showTime = () => {
    if (session.recording) root.dataset.simTime = String(session.recording.ms);
    else delete root.dataset.simTime;
  };
  showTime();
  store.subscribe(showTime);
  const unbindKeys = bindKeys(store);
  const removeLab = installLab(store, () => rendered(app), openers);
  const isFile = session.mode === 'recorded' && !new URLSearchParams(location.search).has('trace');
  const leaveAddress = followAddress(store, !isFile);
  const stop = () => void session.stop();
  addEventListener('pagehide', stop);
  close = async () => {
    leaveAddress();
    removeEventListener('pagehide', stop);
    unbindKeys();
    removeLab();
    store.close();
    await session.stop();
  };
  return store;
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
async function rendered(app: Part): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (document.visibilityState === 'visible') await new Promise((resolve) => requestAnimationFrame(resolve));
  await app.updateComplete;
  await Promise.all(
    [...app.querySelectorAll('*')].map((part) => ('updateComplete' in part ? part.updateComplete : undefined)),
  );
}
