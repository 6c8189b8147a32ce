import type { LiveConfig } from '../scenario/live-config-type.ts';
import { databasesOf } from '../scenario/node-names.ts';
import type { Where } from './lab-api.ts';
import { chooseTrace } from './open-trace.ts';
import { endSession, leave, onOpen, onTrace, showSession, showTrace } from './page.ts';
import { followLease, type HeldLease } from './session/lease.ts';
import { startLive, websocketOf } from './session/live.ts';
import { loadPreferences } from './store.ts';
import { TraceError } from './trace/fields.ts';
import { loadAddress } from './trace/load-trace.ts';
import { allowOwnScripts } from './trusted-types.ts';

/** Why the page cannot start, and what to do about it. */
class StartError extends Error {
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

const tokenKey = 'netsplit-token';
const tabKey = 'netsplit-tab';

/** The operator's token is in the address that was printed. It is kept for this tab, and leaves the address at once. */
function takeToken(): void {
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
  const inAddress = /(?:^#|&)token=([0-9a-f]+)/.exec(location.hash)?.[1];
  try {
    return sessionStorage.getItem(tokenKey) ?? inAddress;
  } catch {
    return inAddress;
  }
}

async function start(): Promise<void> {
  takeToken();
  const { theme } = loadPreferences();
  if (theme !== 'auto') document.documentElement.dataset.theme = theme;
  const query = new URLSearchParams(location.search);
  const trace = query.get('trace');
  if (trace !== null) return showTrace(await loadAddress(trace));
  await begin(whereOf(location.search));
}

/** A network, as an address names it. */
function whereOf(search: string): Where {
  const query = new URLSearchParams(search);
  const [scenario, instance] = [query.get('scenario'), query.get('room')];
  return { ...(scenario === null ? {} : { scenario }), ...(instance === null ? {} : { instance }) };
}

function searchOf({ scenario, instance }: Where): string {
  const query = new URLSearchParams({
    ...(scenario === undefined ? {} : { scenario }),
    ...(instance === undefined || instance === '' ? {} : { room: instance }),
  }).toString();
  return query && `?${query}`;
}

/** Another network in the place of what is shown. */
async function openNetwork(where: Where): Promise<void> {
  const wanted = { ...whereOf(location.search), ...where };
  // One that is not there is refused before this one is left.
  await fetchConfig(wanted, true);
  await leave();
  const query = new URLSearchParams(location.search);
  for (const name of ['scenario', 'room', 'trace']) query.delete(name);
  for (const [name, value] of new URLSearchParams(searchOf(wanted))) query.set(name, value);
  const search = query.toString();
  history.replaceState(null, '', location.pathname + (search && `?${search}`));
  await begin(wanted);
}

/** Shows the network as it is now; again when it is another one. */
async function begin(where: Where): Promise<void> {
  const config = await fetchConfig(where);
  await forgetIfAnew(config);
  let lease: HeldLease | undefined;
  let isOver = false;
  const gone = () => {
    if (isOver) return;
    isOver = true;
    lease?.stop();
    void beginAgain(where);
  };
  // The server has a room of one's own no more that nobody was in for a minute, or since it was started. Asked for, it has one
  // again, which refuses us: then we know.
  const lost = () => void fetchConfig(where, true).catch(() => undefined);
  onTrace(() => {
    isOver = true;
    lease?.stop();
  });
  const show = (mine: LiveConfig) =>
    showSession(startLive(mine, location.origin, gone, lost), config.scenarios, config.instance);
  if (config.credentials.operator !== undefined) {
    lease = followLease(config, websocketOf(config, location.origin), tabToken(), show);
    return;
  }
  show(config);
  if (config.running.length === 0) void joinLater({ ...where, scenario: config.scenario.id });
}

/** The server was started again, or the network has begun anew. What was there is shown until the new one is. */
async function beginAgain(where: Where): Promise<void> {
  // No worker may write into what is about to be deleted.
  await endSession();
  for (;;) {
    try {
      return await begin(where);
    } catch {
      await pause(lookMs);
    }
  }
}

/** What the nodes of this browser have kept of a network that has begun anew meanwhile is gone. */
async function forgetIfAnew({ run, begun, instance, scenario: { id } }: LiveConfig): Promise<void> {
  const key = `netsplit-begun ${id}/${instance}`;
  let seen: { readonly run?: string; readonly begun?: number } = {};
  try {
    seen = JSON.parse(localStorage.getItem(key) ?? '{}');
    localStorage.setItem(key, JSON.stringify({ run, begun }));
  } catch {
    // Without storage nothing is kept either.
  }
  if (begun === (seen.run === run ? seen.begun : 0)) return;
  const prefix = databasesOf({ scenario: id, instance });
  const databases = (await indexedDB.databases?.()) ?? [];
  const names = databases.flatMap(({ name = '' }) => (name.startsWith(prefix) ? [name] : []));
  await Promise.all(names.map(deleted));
}

/** @returns a promise that settles when it is gone, or held by another page */
function deleted(database: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(database);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

/** How often a page that waits for somebody to run the rooms looks whether somebody does. */
const lookMs = 1_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Names this tab for as long as it is open, also after it was reloaded. */
function tabToken(): string {
  const made = crypto.getRandomValues(new Uint32Array(4)).join('-');
  try {
    const token = sessionStorage.getItem(tabKey) ?? made;
    sessionStorage.setItem(tabKey, token);
    return token;
  } catch {
    return made;
  }
}

/** A guest came before anybody ran the rooms: it starts anew once somebody does. */
async function joinLater(where: Where): Promise<void> {
  for (;;) {
    await pause(lookMs);
    const config = await fetchConfig(where, true).catch(() => undefined);
    if (config !== undefined && config.running.length > 0) break;
  }
  if (document.documentElement.dataset.mode === 'live') location.reload();
}

/** @param look  only to see what runs: the page has an account already */
async function fetchConfig(where: Where, look = false): Promise<LiveConfig> {
  const token = storedToken();
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const search = searchOf(where);
  const query = look ? `${search || '?'}&look` : search;
  const response = await fetch(`/netsplit.json${query}`, { headers }).catch(() => {
    throw new StartError(
      'The server does not answer.',
      'Start it with “npm start” in the project’s folder, then reload this page.',
    );
  });
  const type = response.headers.get('content-type') ?? '';
  const answer: unknown = type.includes('json') ? await response.json().catch(() => undefined) : undefined;
  if (response.ok && answer) return answer as LiveConfig;
  const text = answer && typeof answer === 'object' && 'error' in answer ? String(answer.error) : undefined;
  if (response.status === 404 && text) {
    throw new StartError(text, 'Open the page without “?scenario=…” to get the first scenario.');
  }
  throw new StartError(
    text ?? 'These files are served without Netsplit’s own XMPP server.',
    'Start it with “npm start” in the project’s folder, and open the address it prints.',
  );
}

function adviceOn(error: unknown): string {
  if (error instanceof StartError) return error.advice;
  if (error instanceof TraceError) return 'A trace is what “npm run sim -- --seed N --mode M --json” writes.';
  return 'Reload the page. If it fails again, restart the server with “npm start”.';
}

function showFailure(error: unknown): void {
  document.documentElement.dataset.phase = 'failed';
  const section = document.createElement('main');
  section.className = 'failure';
  section.dataset.testid = 'fatal';
  const heading = document.createElement('h1');
  heading.textContent = error instanceof TraceError ? 'The trace cannot be opened' : 'Netsplit could not start';
  const what = document.createElement('p');
  what.textContent = error instanceof Error ? error.message : String(error);
  what.setAttribute('role', 'alert');
  const advice = document.createElement('p');
  advice.textContent = adviceOn(error);
  const buttons = document.createElement('p');
  buttons.className = 'buttons';
  const reload = document.createElement('a');
  reload.href = location.pathname;
  reload.className = 'button primary';
  reload.textContent = 'Open the first scenario';
  // This needs no server.
  const open = document.createElement('button');
  open.type = 'button';
  open.dataset.testid = 'open-trace';
  open.textContent = 'Open a trace…';
  open.addEventListener('click', () =>
    chooseTrace(showTrace, (why) => {
      what.textContent = why;
      advice.textContent = adviceOn(new TraceError(why));
    }),
  );
  buttons.append(reload, open);
  section.append(heading, what, advice, buttons);
  document.querySelector('#app')?.replaceChildren(section);
}

allowOwnScripts();
onOpen(openNetwork);
start().catch(showFailure);
