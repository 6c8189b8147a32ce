import { bindKeys } from './keys.ts';
import { installLab, type Where } from './lab-api.ts';
import { RecordedSession } from './session/recorded.ts';
import type { Session } from './session/session.ts';
import { loadPreferences, Store } from './store.ts';
import type { Trace } from './trace/read-trace.ts';
import './views/app.ts';
import type { Part } from './views/base.ts';

/** Least time between two changes of the address: browsers refuse a hundred of them in a row. */
const addressMs = 350;

/** Ends the session that is shown. */
let close: () => Promise<void> = async () => undefined;

/** The session that is shown ends; what it has shown stays. */
export function endSession(): Promise<void> {
  return close();
}

let leaveLive: () => void = () => undefined;

/** @param leave  called when a person opens a trace: from then on the page is not part of the live network */
export function onTrace(leave: () => void): void {
  leaveLive = leave;
}

let openNetwork: (where: Where) => Promise<void>;

/** @param open  shows another network in place of what is shown; rejects, and nothing has changed, where there is none */
export function onOpen(open: (where: Where) => Promise<void>): void {
  openNetwork = open;
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
 */
export function showSession(session: Session, scenarios: Store['scenarios'], instance = ''): Store {
  void close();
  const store = new Store(session, scenarios, loadPreferences(), instance);
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
  const removeLab = installLab(store, () => rendered(app), openNetwork);
  // A link to an event selects it, and selecting an event puts a link to it into the address.
  const wanted = /(?:^#|&)ev=(-?\d+)/.exec(location.hash)?.[1];
  if (wanted) store.reveal(Number(wanted));
  let shown: number | undefined;
  let address: ReturnType<typeof setTimeout> | undefined;
  let changed = Number.NEGATIVE_INFINITY;
  store.subscribe(() => {
    if (store.view.event === shown) return;
    shown = store.view.event;
    clearTimeout(address);
    const show = () => {
      changed = performance.now();
      const hash = shown === undefined ? '' : `#ev=${shown}`;
      history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
    };
    address = setTimeout(show, addressMs - (performance.now() - changed));
  });
  const stop = () => void session.stop();
  addEventListener('pagehide', stop);
  close = async () => {
    clearTimeout(address);
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
