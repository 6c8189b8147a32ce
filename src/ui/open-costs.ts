import type { Store } from './store.ts';

/** Shows what a room costs at any size; loaded when somebody asks for it. */
export async function openCosts(store: Store): Promise<void> {
  const { showCosts } = await import('./views/costs.ts');
  showCosts(store);
}
