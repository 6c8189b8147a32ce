import { bindKeys } from './keys.ts';
import { installLab } from './lab-api.ts';
import type { Session } from './session/session.ts';
import { loadPreferences, Store } from './store.ts';
import './views/app.ts';
import type { Part } from './views/base.ts';

/** Shows a session. Whatever runs it, the page is the same. */
export function showSession(session: Session, scenarios: Store['scenarios']): Store {
  const store = new Store(session, scenarios, loadPreferences());
  const app = document.createElement('ns-app') as unknown as Part;
  app.store = store;
  document.title = `Netsplit: ${session.scenario.title}`;
  document.querySelector('#app')?.replaceChildren(app);
  const applyTheme = () => {
    const { theme } = store.preferences;
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  applyTheme();
  store.subscribe(applyTheme);
  bindKeys(store);
  installLab(store, () => rendered(app));
  // A link to an event selects it, and choosing one makes a link to it.
  const wanted = /(?:^#|&)ev=(-?\d+)/.exec(location.hash)?.[1];
  if (wanted) store.select(Number(wanted));
  let shown: number | undefined;
  store.subscribe(() => {
    if (store.view.event === shown) return;
    shown = store.view.event;
    history.replaceState(
      null,
      '',
      `${location.pathname}${location.search}${shown === undefined ? '' : `#ev=${shown}`}`,
    );
  });
  addEventListener('pagehide', () => void session.stop());
  return store;
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
