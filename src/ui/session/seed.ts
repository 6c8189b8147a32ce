const key = 'netsplit-sessions';

/**
 * What the ids of all that people send are made from, where the address has `?seed=`: the same in every run. Each session of a
 * tab has another one, for a room knows a message by its id.
 */
export function nextSeed(): string | undefined {
  const seed = new URLSearchParams(location.search).get('seed');
  if (seed === null) return undefined;
  try {
    const sessions = Number(sessionStorage.getItem(key));
    sessionStorage.setItem(key, String(sessions + 1));
    return `${seed} ${sessions}`;
  } catch {
    return undefined;
  }
}
