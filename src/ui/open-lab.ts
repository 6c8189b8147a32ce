import { builtIn } from '../scenario/built-in.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { withoutRoomPasswords } from '../scenario/without-passwords.ts';
import type { LabPlace } from './address.ts';
import type { Situation } from './lab-api.ts';
import { showSession } from './page.ts';
import { LabSession } from './session/lab.ts';
import { readShared } from './session/share.ts';

/** When every run of the Lab begins, in milliseconds since 1970. */
const labStart = Date.UTC(2026, 0, 1);

/**
 * Shows a scenario in the Lab: it needs no server.
 *
 * @param situation  what it begins with
 * @param leave  ends what is shown
 * @param offline  why there are no live rooms; undefined if there may be
 * @throws Error that says what is wrong with the place; what is shown stays
 */
export async function openLab(
  place: LabPlace,
  { scenario: given, acts = [], lesson }: Situation,
  offline: string | undefined,
  leave: () => Promise<void>,
): Promise<void> {
  const { scenario: id, shared } = place;
  const done = shared === undefined ? undefined : await readShared(shared, labStart);
  const own = done?.scenario === undefined ? undefined : await readScenario(done.scenario);
  const isLesson = lesson !== undefined || place.lesson !== undefined;
  const unknown = given === undefined && builtIn.every((one) => one.id !== id);
  const lessons = isLesson || (own === undefined && unknown) ? await import('./lesson/open-lesson.ts') : undefined;
  const opening = lessons?.openingOf(place, lesson);
  const known = own ?? opening?.scenario ?? builtIn.find((one) => one.id === id) ?? lessons?.lessonScenario(id);
  // Nobody here gives a password, and a link is for everybody.
  const scenario = known ?? (given && withoutRoomPasswords(given));
  if (scenario === undefined) {
    const ids = builtIn.map((one) => one.id).join(', ');
    throw new Error(`There is no scenario ${JSON.stringify(id)}: there are ${ids}.`);
  }
  const isOwn = own !== undefined || known === undefined || opening?.isBuiltIn === false;
  const session = await LabSession.open(scenario, opening?.seed ?? place.seed ?? 0, isOwn);
  const starts = done === undefined && opening ? await lessons?.prepare(session, opening) : undefined;
  const different = (done && (await session.restore(done))) ?? (await session.perform(acts));
  await leave();
  const listed = builtIn.some((one) => one.id === scenario.id) ? builtIn : [scenario, ...builtIn];
  const scenarios = listed.map(({ id: name, title }) => ({ id: name, title }));
  const store = showSession(session, scenarios, '', offline);
  if (opening) lessons?.guide(store, opening, starts ?? new Map());
  if (different) store.toast(different);
}

/** A scenario that comes with a link. @throws Error that says what is wrong with it */
async function readScenario(given: unknown): Promise<Scenario> {
  // The validator is large, and few links need it.
  const { parseScenario } = await import('../scenario/load.ts');
  const parsed = parseScenario(JSON.stringify(given));
  if (parsed.ok) return parsed.scenario;
  const [first] = parsed.errors;
  throw new Error(`The scenario in this link is not as it should be. ${first?.path}: ${first?.message}`);
}
