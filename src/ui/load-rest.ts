/** The parts of the page that are loaded when they are needed, for a page that may be without a network by then. */
function parts(): Promise<unknown> {
  return Promise.allSettled([
    import('./lesson/open-lesson.ts'),
    import('./views/lesson-list.ts'),
    import('./views/own-scenarios.ts'),
    import('./views/embed-dialog.ts'),
    import('./views/handout.ts'),
    import('../scenario/load.ts'),
    import('../lessons/load.ts'),
    import('./lesson/ground.ts'),
  ]);
}

/** Loads the rest of the page while nothing else is to be done. */
export function loadRest(): void {
  // Not every browser tells when that is.
  if ('requestIdleCallback' in window) requestIdleCallback(() => void parts());
  else setTimeout(() => void parts(), 1_000);
}
