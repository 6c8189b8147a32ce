import type { Trouble } from '../host/control.ts';
import type { LiveConfig } from '../scenario/live-config-type.ts';
import { databasesOf } from '../scenario/node-names.ts';
import { withoutRealServers } from '../scenario/real-servers.ts';
import { type LabPlace, readLab, withoutSelection } from './address.ts';
import { fetchConfig, isEmbedded, NoServerError, StartError, searchOf, takeToken, whereOf } from './ask-server.ts';
import { classIn } from './classroom/code.ts';
import { type Taught, taughtHere } from './classroom/taught.ts';
import type { Situation, Where } from './lab-api.ts';
import { loadRest } from './load-rest.ts';
import { editAsAddressed, editorOpens } from './open-editor.ts';
import { chooseTrace } from './open-trace.ts';
import {
  endSession,
  leave,
  leaveAddress,
  onOpen,
  onTrace,
  shownLab,
  shownLesson,
  shownScenario,
  shownSession,
  showSession,
  showTrace,
  tellTrouble,
} from './page.ts';
import { loadPreferences } from './preferences.ts';
import { followLease, type HeldLease, withoutNodes } from './session/lease.ts';
import { startLive, websocketOf } from './session/live.ts';
import { onRetry, retryNow } from './session/retry.ts';
import type { Store } from './store.ts';
import { TraceError } from './trace/fields.ts';
import { loadAddress } from './trace/load-trace.ts';
import { allowOwnScripts } from './trusted-types.ts';

const tabKey = 'netsplit-tab';

async function start(): Promise<void> {
  takeToken();
  const { theme } = loadPreferences();
  if (theme !== 'auto') document.documentElement.dataset.theme = theme;
  const code = isEmbedded ? undefined : classIn(location.search);
  if (code !== undefined) return joinClass(code);
  const taught = isEmbedded ? undefined : taughtHere();
  if (taught !== undefined) void teach(taught).catch(() => undefined);
  const query = new URLSearchParams(location.search);
  const trace = query.get('trace');
  if (trace !== null) return showTrace(await loadAddress(trace));
  const lab = readLab(location.hash);
  if (lab) return showLab(lab);
  try {
    await beginWhenThere(whereOf(location.search));
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
    noServer = error.message;
    await showLab({ scenario: '', lesson: { id: 'one-room-one-server', step: 1 } });
  }
}

/** Pages of students follow this one from now on. @param again  the class that this tab taught before it was reloaded */
async function teach(again?: Taught): Promise<void> {
  const { teach: begin } = await import('./classroom/teach.ts');
  await begin(() => fetchConfig({}), again);
}

/** This page follows that of a lecturer. */
async function joinClass(code: string): Promise<void> {
  const { askToJoin } = await import('./classroom/join.ts');
  askToJoin(code, { lab: showLab, live: (search) => openNetwork(whereOf(search)), fetchConfig });
}

/** The address may say that the scenario is edited. */
async function editShown(): Promise<void> {
  const session = shownSession();
  if (session) await editAsAddressed(session);
}

/** Why there are no live rooms: these files come from a web server that knows nothing of them. */
let noServer: string | undefined;
let inLab = false;

async function showLab(place: LabPlace, situation: Situation = {}): Promise<void> {
  const { openLab } = await import('./open-lab.ts');
  // A scenario of one’s own that runs live is there in the Lab, too; a real server is not. In the Lab its link has it.
  const known = shownLab() ? undefined : shownScenario();
  const own = known?.id === place.scenario ? { scenario: withoutRealServers(known) } : {};
  await openLab(place, { ...own, ...situation }, noServer, async () => {
    hasLeft = true;
    inLab = true;
    await leave();
  });
  // The Lab needs no network once it is loaded.
  loadRest();
}

/** Whether what the Lab shows is what the address is about. */
function isShown({ scenario, seed, shared, lesson }: LabPlace): boolean {
  const known = shownLab();
  const [{ id, step } = {}, at] = [lesson, shownLesson()];
  return (
    inLab &&
    shownScenario()?.id === scenario &&
    known?.seed === seed &&
    known?.shared === shared &&
    at?.id === id &&
    at?.step === step
  );
}

/** A person has changed the address, or pressed a link to another mode. */
async function follow(): Promise<void> {
  const place = readLab(location.hash);
  if (place && !isShown(place)) {
    leaveAddress();
    return showLab(place);
  }
  if (place || !inLab) return;
  inLab = false;
  hasLeft = false;
  await leave();
  await beginWhenThere(whereOf(location.search));
}

/** Another network in the place of what is shown. */
async function openNetwork(where: Where): Promise<void> {
  const wanted = { ...whereOf(location.search), ...where };
  // One that is not there is refused before this one is left.
  await fetchConfig(wanted, true);
  await leave();
  hasLeft = false;
  const query = new URLSearchParams(location.search);
  for (const name of ['scenario', 'room', 'trace']) query.delete(name);
  for (const [name, value] of new URLSearchParams(searchOf(wanted))) query.set(name, value);
  const search = query.toString();
  history.replaceState(null, '', location.pathname + (search && `?${search}`));
  await begin(wanted);
}

/** A person has opened a trace: the page is not part of the live network any more. */
let hasLeft = false;

/** Begins, as soon as the server is there. @throws what no waiting helps against */
async function beginWhenThere(where: Where): Promise<void> {
  while (!hasLeft) {
    try {
      return await begin(where);
    } catch (error) {
      if (!(error instanceof StartError && error.isAway)) throw error;
      if (!tellTrouble({ kind: 'offline', text: 'The server does not answer' })) showFailure(error);
      await lookLater();
    }
  }
}

/** Shows the network as it is now; again when it is another one. */
async function begin(where: Where): Promise<void> {
  const config = await fetchConfig(where);
  await forgetIfAnew(config);
  if (hasLeft) return;
  let lease: HeldLease | undefined;
  let isOver = false;
  const gone = () => {
    if (isOver) return;
    isOver = true;
    lease?.stop();
    beginAgain(where).catch(showFailure);
  };
  // The server has a room of one's own no more that nobody was in for a minute, or since it was started. Asked for, it has one
  // again, which refuses us: then we know.
  const lost = () => void fetchConfig(where, true).catch(() => undefined);
  onTrace(() => {
    hasLeft = true;
    isOver = true;
    lease?.stop();
  });
  const show = (mine: LiveConfig) => {
    const store = showSession(startLive(mine, location.origin, gone, lost), config.scenarios, config.instance);
    lookWhileAway(store, where, config, gone);
  };
  if (config.credentials.operator !== undefined && !isEmbedded) {
    lease = followLease(config, websocketOf(config, location.origin), tabToken(), show);
    return;
  }
  show(withoutNodes(config));
  if (config.running.length === 0) void joinLater({ ...where, scenario: config.scenario.id });
}

/** The server was started again, or the network has begun anew. What was there is shown until the new one is. */
async function beginAgain(where: Where): Promise<void> {
  // No worker may write into what is about to be deleted.
  await endSession({ kind: 'loading', text: 'The network has begun anew: this page joins it again' });
  // Its events are numbered anew.
  history.replaceState(null, '', `${location.pathname}${location.search}${withoutSelection(location.hash)}`);
  if (await isOutdated()) location.reload();
  else await beginWhenThere(where);
}

/** Whether the server has another version of this page by now: of what this one is made of the name tells the version. */
async function isOutdated(): Promise<boolean> {
  const own = await fetch(import.meta.url, { method: 'HEAD', cache: 'no-store' }).catch(() => undefined);
  return own !== undefined && own.status < 500 && own.headers.get('content-type')?.includes('javascript') !== true;
}

/** While the server is away, looks whether it is back; and whether it is the one that this page knows, and has what it shows. */
function lookWhileAway(store: Store, where: Where, { run, begun, scenario }: LiveConfig, gone: () => void): void {
  const isAway = ({ kind }: Partial<Trouble> = {}) => kind === 'offline' || kind === 'failed';
  let isLooking = false;
  store.subscribe(async () => {
    if (isLooking) return;
    isLooking = true;
    while (!hasLeft && isAway(store.view.trouble)) {
      await lookLater();
      const now = await fetchConfig({ ...where, scenario: scenario.id }, true).catch(refusal);
      if (now === 'refused' || (now !== 'away' && (now.run !== run || now.begun !== begun))) return gone();
      if (now !== 'away') retryNow();
    }
    isLooking = false;
  });
}

/** Whether a server that did not give the page a network said so itself. */
function refusal(error: unknown): 'refused' | 'away' {
  return error instanceof StartError && !error.isAway ? 'refused' : 'away';
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
  const names = (await databaseNames()).filter((name) => name.startsWith(prefix));
  await Promise.all(names.map(deleted));
}

async function databaseNames(): Promise<readonly string[]> {
  try {
    const databases = (await indexedDB.databases?.()) ?? [];
    return databases.map(({ name = '' }) => name);
  } catch {
    return []; // where there is no storage nothing is kept either
  }
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

/** Settles when it is time to look again; at once when somebody asks for that. */
async function lookLater(): Promise<void> {
  let end: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    end = onRetry(resolve);
  });
  await Promise.race([pause(lookMs), asked]);
  end();
}

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

function adviceOn(error: unknown): string {
  if (error instanceof StartError || error instanceof TraceError) return error.advice;
  return 'Load the page again. If it fails again, restart the server with “npm start”.';
}

function showFailure(error: unknown): void {
  const isAway = error instanceof StartError && error.isAway;
  document.documentElement.dataset.phase = isAway ? 'offline' : 'failed';
  // Whoever is on the button stays there.
  if (isAway && document.querySelector('[data-testid=fatal]')) return;
  void endSession({ kind: 'failed', text: 'the network is not there any more' });
  const section = document.createElement('main');
  section.className = 'failure';
  section.dataset.testid = 'fatal';
  const heading = document.createElement('h1');
  heading.textContent = headingOf(error);
  const what = document.createElement('p');
  what.textContent = error instanceof Error ? error.message : String(error);
  what.setAttribute('role', 'alert');
  const advice = document.createElement('p');
  advice.textContent = adviceOn(error);
  const buttons = document.createElement('p');
  buttons.className = 'buttons';
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'primary';
  again.dataset.testid = 'try-again';
  again.textContent = isAway ? 'Try again now' : 'Load the page again';
  again.addEventListener('click', () => (isAway ? retryNow() : location.reload()));
  const first = document.createElement('a');
  first.href = location.pathname;
  first.className = 'button';
  first.textContent = 'Open the first scenario';
  // This needs no server.
  const open = document.createElement('button');
  open.type = 'button';
  open.dataset.testid = 'open-trace';
  open.textContent = 'Open a trace…';
  open.addEventListener('click', () =>
    chooseTrace(
      showTrace,
      (lesson) => void showLab({ scenario: '', lesson: { id: lesson.id, step: 1 } }, { lesson }).catch(showFailure),
      (why) => {
        heading.textContent = headingOf(why);
        what.textContent = why.message;
        advice.textContent = adviceOn(why);
      },
    ),
  );
  buttons.append(again, first, open);
  section.append(heading, what, advice, buttons);
  document.querySelector('#app')?.replaceChildren(section);
}

function headingOf(error: unknown): string {
  if (error instanceof TraceError) return 'The trace cannot be opened';
  return error instanceof StartError && error.isAway ? 'Netsplit is offline' : 'Netsplit could not start';
}

allowOwnScripts();
onOpen({ openNetwork, openLab: showLab, teach: () => teach() });
editorOpens(showLab);
addEventListener('hashchange', () => void follow().catch(showFailure));
start().then(editShown).catch(showFailure);
