import { linkTo } from './address.ts';
import { formsOfPage, toggleLink, toggleNode, toggleReplica } from './commands.ts';
import { stepOn } from './presenting.ts';
import { nextScale } from './scales.ts';
import type { Store } from './store.ts';
import { tabs } from './views/app.ts';
import type { Help } from './views/help.ts';
import type { Topology } from './views/topology.ts';

/** Single-key shortcuts for the whole page: off while somebody types, while a dialog or menu is open, or by preference. */
export function bindKeys(store: Store): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.key === 'Escape') return stepBack(store, target);
    if (!store.preferences.keys || typing(target) || document.querySelector('dialog[open], [popover]:popover-open'))
      return;
    // A focused control keeps the keys that work it.
    const control = target.closest('button, a, summary, [role=tab]') !== null;
    if (event.key === ' ' && control) return;
    const action = actionOf(store, event, target);
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function actionOf(store: Store, { key, shiftKey: shift }: KeyboardEvent, target: Element): (() => void) | undefined {
  const { recording } = store.session;
  if (recording && store.led !== undefined) {
    const { led } = store;
    if ([' ', '.', 'ArrowRight', 'ArrowLeft', 'c', 'x', 'k', 'r'].includes(key)) return () => store.toast(led);
  } else if (recording) {
    if (key === ' ' || key === '.') return () => store.play();
    if (key === 'ArrowRight' && shift && store.session.lab) return () => store.toQuiet();
    if (key === 'c' && store.session.lab) return () => store.toggleComparison();
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step !== undefined) return () => store.seek(recording.at + step);
    const { fixed } = recording;
    if (fixed !== undefined && ['x', 'k', 'r'].includes(key)) return () => store.toast(fixed);
  }
  if (key === ' ' || key === '.') return () => void store.act({ act: 'pause', paused: !store.model.paused });
  if (key === 'w') return () => store.onRewind();
  if (key === '/') {
    return () => {
      store.set({ tab: 'log', region: 'panel' });
      // The tab has to be there before it can have the focus.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => document.querySelector<HTMLElement>('#log-filter')?.focus()),
      );
    };
  }
  if (key === '0') return () => document.querySelector<Topology>('ns-topology')?.putBack();
  if (key === '?') return () => document.querySelector<Help>('ns-help')?.open();
  const tab = tabs[Number(key) - 1];
  if (tab && /^[1-9]$/.test(key)) return () => store.open(tab[0]);
  if (key === 's' && store.session.lab) return () => void store.copy(linkTo(store));
  if (key === 'm') return () => store.prefer({ maximised: !store.preferences.maximised });
  const presenting = presenterKey(store, key);
  if (presenting) return presenting;
  const focused = target.closest<SVGElement>('[data-link],[data-node],[data-vacancy]')?.dataset;
  const forms = formsOfPage();
  const { thing } = store.view;
  if (key === 'x') {
    const link = store.model.network.links.get(focused?.link ?? (thing?.kind === 'link' ? thing.id : ''));
    return link && (() => toggleLink(store, link));
  }
  if (key === 'k') {
    const node = store.model.network.nodes.get(focused?.node ?? (thing?.kind === 'node' ? thing.id : ''));
    return node && (() => toggleNode(store, node, forms));
  }
  if (key === 'r') {
    const node = store.model.network.nodes.get(focused?.node ?? (thing?.kind === 'node' ? thing.id : ''));
    const server = focused?.vacancy ?? (thing?.kind === 'server' ? thing.id : undefined);
    if (server !== undefined) return () => toggleReplica(store, undefined, server, forms);
    return node && (() => toggleReplica(store, node, node.server, forms));
  }
  return undefined;
}

function presenterKey(store: Store, key: string): (() => void) | undefined {
  const scale = store.view.presenting;
  if (key === 'p') return () => store.present(scale === undefined ? store.preferences.scale : undefined);
  if (scale === undefined) return undefined;
  if (key === '+' || key === '=') return () => store.present(nextScale(scale, 1));
  if (key === '-') return () => store.present(nextScale(scale, -1));
  if (key === 'PageDown') return () => stepOn(store, 1);
  if (key === 'PageUp') return () => stepOn(store, -1);
  return undefined;
}

/** Closes one thing at a time; dialogs and menus close themselves. */
function stepBack(store: Store, target: Element): void {
  if (document.querySelector('dialog[open], [popover]:popover-open')) return;
  // A menu that the last key asked for and that is not drawn yet: it must not open after this key.
  if (store.view.menu) store.set({ menu: undefined });
  else if (store.view.filter && target.closest('ns-log')) store.set({ filter: '' });
  else if (typing(target)) (target as HTMLElement).blur();
  else if (store.view.toast) store.set({ toast: undefined });
  else if (store.view.event !== undefined || store.view.thing) store.set({ event: undefined, thing: undefined });
  else if (store.view.presenting && store.view.drawer) store.set({ drawer: false });
  else if (store.view.presenting) store.present(undefined);
}

function typing(target: Element): boolean {
  return target.closest('input:not([type=range]), textarea, select, [contenteditable]') !== null;
}
