import type { LiveConfig } from '../scenario/live-config-type.ts';
import { nodeLock } from '../scenario/node-lock.ts';
import { chooseTrace } from './open-trace.ts';
import { showSession, showTrace } from './page.ts';
import { startLive } from './session/live.ts';
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
  const config = await fetchConfig(query.get('scenario'));
  const mine = await mayRun(config);
  showSession(startLive(mine, location.origin), config.scenarios);
  if (mine !== config) void takeOverLater(config.scenario.id);
  else if (config.credentials.operator === undefined && config.running.length === 0) void joinLater(config.scenario.id);
}

const pollMs = 250;
/** A page that was just reloaded still finds its own old sessions for a moment. */
const polls = 8;
/** How often a page that only takes part checks whether the one that runs the nodes is still there. */
const lookMs = 3_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The configuration with which this page should start: without the nodes' passwords where another browser runs them, so
 * that it takes part instead of fighting for them. Between tabs of one browser the Web Locks decide (node.worker.ts).
 */
async function mayRun(config: LiveConfig): Promise<LiveConfig> {
  const { id } = config.scenario;
  let { running } = config;
  // A page without the operator's token never runs nodes.
  if (Object.keys(config.credentials.nodes).length === 0) return config;
  for (let i = 0; running.length > 0 && i < polls; i++) {
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    const ours = held.map(({ name }) => name);
    if (config.scenario.nodes.some(({ address }) => ours.includes(nodeLock(id, address)))) return config;
    await pause(pollMs);
    running = (await fetchConfig(id, true)).running;
  }
  return running.length === 0 ? config : { ...config, credentials: { ...config.credentials, nodes: {} } };
}

/** The page that ran the nodes is gone: this one starts anew and runs them. */
async function takeOverLater(scenario: string): Promise<void> {
  for (let gone = 0; gone < 2; ) {
    await pause(lookMs);
    const config = await fetchConfig(scenario, true).catch(() => undefined);
    gone = config?.running.length === 0 ? gone + 1 : 0;
  }
  // A person who has opened a trace meanwhile is left with it.
  if (document.documentElement.dataset.mode === 'live') location.reload();
}

/** A guest came before anybody ran the rooms: it starts anew once somebody does. */
async function joinLater(scenario: string): Promise<void> {
  for (;;) {
    await pause(lookMs);
    const config = await fetchConfig(scenario, true).catch(() => undefined);
    if (config !== undefined && config.running.length > 0) break;
  }
  if (document.documentElement.dataset.mode === 'live') location.reload();
}

/** @param look  only to see what runs: the page has an account already */
async function fetchConfig(scenario: string | null, look = false): Promise<LiveConfig> {
  const query = new URLSearchParams({
    ...(scenario === null ? {} : { scenario }),
    ...(look ? { look: '' } : {}),
  }).toString();
  const token = storedToken();
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`/netsplit.json${query && `?${query}`}`, { headers }).catch(() => {
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
start().catch(showFailure);
