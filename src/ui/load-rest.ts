/** The parts of the page that are loaded when they are needed, for a page that may be without a network by then. */
async function loadParts(): Promise<void> {
  const parts = await Promise.allSettled([
    import('./lesson/open-lesson.ts'),
    import('./views/lesson-list.ts'),
    import('./views/own-scenarios.ts'),
    import('./views/embed-dialog.ts'),
    import('./views/handout.ts'),
    import('./views/costs.ts'),
    import('../scenario/load.ts'),
    import('../lessons/load.ts'),
    import('./lesson/ground.ts'),
  ]);
  const isWhole = parts.every(({ status }) => status === 'fulfilled');
  if (isWhole) document.documentElement.dataset.loaded = 'whole';
}

/** Loads the rest of the page while nothing else is to be done; `html[data-loaded=whole]` says when all of it is there. */
export function loadRest(): void {
  // Not every browser tells when that is.
  if ('requestIdleCallback' in window) requestIdleCallback(() => void loadParts());
  else setTimeout(() => void loadParts(), 1_000);
}
