import type { LiveConfig } from '../scenario/live-config-type.ts';
import { readEmbedding } from './embed/embedding.ts';
import type { Where } from './lab-api.ts';

/** Why the page cannot start, and what to do about it. */
export class StartError extends Error {
  readonly advice: string;
  /** The server is away, and may come back. */
  readonly isAway: boolean;
  constructor(message: string, advice: string, isAway = false) {
    super(message);
    this.advice = advice;
    this.isAway = isAway;
  }
}

/** The page is served by a web server that has no rooms. */
export class NoServerError extends StartError {}

const tokenKey = 'netsplit-token';

/** Inside of another page, somebody else may lead a person to press something: it takes part as a guest. */
export const isEmbedded = readEmbedding(location.search) !== undefined;

/** The operator's token is in the address that was printed. It is kept for this tab, and leaves the address at once. */
export function takeToken(): void {
  if (isEmbedded) return;
  const token = /(?:^#|&)token=([0-9a-f]+)/.exec(location.hash)?.[1];
  if (token === undefined) return;
  try {
    sessionStorage.setItem(tokenKey, token);
    history.replaceState(null, '', location.pathname + location.search);
  } catch {
    // Without storage the address keeps it.
  }
}

function storedToken(): string | undefined {
  if (isEmbedded) return undefined;
  const inAddress = /(?:^#|&)token=([0-9a-f]+)/.exec(location.hash)?.[1];
  try {
    return sessionStorage.getItem(tokenKey) ?? inAddress;
  } catch {
    return inAddress;
  }
}

/** A network, as an address names it. */
export function whereOf(search: string): Where {
  const query = new URLSearchParams(search);
  const [scenario, instance] = [query.get('scenario'), query.get('room')];
  return { ...(scenario === null ? {} : { scenario }), ...(instance === null ? {} : { instance }) };
}

export function searchOf({ scenario, instance }: Where): string {
  const query = new URLSearchParams({
    ...(scenario === undefined ? {} : { scenario }),
    ...(instance === undefined || instance === '' ? {} : { room: instance }),
  }).toString();
  return query && `?${query}`;
}

/** @param look  only to see what runs: the page has an account already */
export async function fetchConfig(where: Where, look = false): Promise<LiveConfig> {
  const token = storedToken();
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const search = searchOf(where);
  const query = look ? `${search || '?'}&look` : search;
  const response = await fetch(`netsplit.json${query}`, { headers }).catch(() => {
    throw away();
  });
  if (response.status >= 500) throw away();
  const type = response.headers.get('content-type') ?? '';
  const answer: unknown = type.includes('json') ? await response.json().catch(() => undefined) : undefined;
  if (response.ok && answer) return answer as LiveConfig;
  const text = answer && typeof answer === 'object' && 'error' in answer ? String(answer.error) : undefined;
  if (response.status === 404 && text) {
    throw new StartError(text, 'Open the page without “?scenario=…” to get the first scenario.');
  }
  const advice = 'Start it with “npm start” in the project’s folder, and open the address it prints.';
  if (text === undefined) throw new NoServerError('These files are served without Netsplit’s own XMPP server.', advice);
  throw new StartError(text, advice);
}

function away(): StartError {
  const advice =
    'Start it with “npm start” in the project’s folder. This page goes on by itself as soon as the server is there.';
  return new StartError('The server does not answer.', advice, true);
}
