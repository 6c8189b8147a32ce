import type { Openers } from './lab-api.ts';
import type { Session } from './session/session.ts';

let openLab: Openers['openLab'];

/** @param open  shows what was made */
export function editorOpens(open: Openers['openLab']): void {
  openLab = open;
}

/** Shows the scenarios of one's own, and what can be done with them. */
export async function showOwnScenarios(below: Session): Promise<void> {
  const { showOwn } = await import('./views/own-scenarios.ts');
  await showOwn(below, openLab);
}

/** What the address says is edited: `new`, `this`, or the key of one that is saved. */
export async function editAsAddressed(below: Session): Promise<void> {
  const what = new URLSearchParams(location.search).get('edit');
  if (what === null) return;
  const { editAddressed } = await import('./views/own-scenarios.ts');
  await editAddressed(what, below, openLab);
}
