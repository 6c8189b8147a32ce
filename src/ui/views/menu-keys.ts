/** Goes through the items of a menu with the arrow keys, Home and End (ARIA, menu pattern). */
export function moveInMenu(event: KeyboardEvent, items: readonly HTMLElement[]): void {
  const at = items.indexOf(document.activeElement as HTMLElement);
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -at, End: items.length - 1 - at }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[(at + step + items.length) % items.length]?.focus();
}
