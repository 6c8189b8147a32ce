import { builtIn } from '../scenario/built-in.ts';
import { withoutRoomPasswords } from '../scenario/without-passwords.ts';
import { type LabPlace, readLab, readPlace, withoutSelection, writePlace } from './address.ts';
import { checkedScenario } from './checked-scenario.ts';
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
  const linked =
    done?.scenario === undefined ? undefined : await checkedScenario(done.scenario, 'The scenario in this link');
  const itself = builtIn.find((one) => one.id === id);
  const isLesson = lesson !== undefined || place.lesson !== undefined;
  const isUnknown = linked === undefined && given === undefined && itself === undefined;
  const lessons = isLesson || isUnknown ? await import('./lesson/open-lesson.ts') : undefined;
  const opening = lessons?.openingOf(place, lesson);
  const known = opening?.scenario ?? itself ?? lessons?.lessonScenario(id);
  // Nobody here gives a password, and a link is for everybody.
  const scenario = linked ?? (given && withoutRoomPasswords(given)) ?? known;
  if (scenario === undefined) {
    const ids = builtIn.map((one) => one.id).join(', ');
    throw new Error(`There is no scenario ${JSON.stringify(id)}: there are ${ids}.`);
  }
  const isOwn = opening?.isBuiltIn === false || JSON.stringify(scenario) !== JSON.stringify(known);
  const seed = opening?.seed ?? place.seed ?? 0;
  const session = await LabSession.open(scenario, seed, isOwn);
  const starts = done === undefined && opening ? await lessons?.prepare(session, opening) : undefined;
  const different = (done && (await session.restore(done))) ?? (await session.perform(acts));
  await leave();
  const said = readLab(location.hash);
  const isSaid = opening
    ? place.lesson !== undefined && said?.lesson?.id === place.lesson.id && said.lesson.step === place.lesson.step
    : said?.scenario === scenario.id &&
      (said.seed ?? 0) === seed &&
      said.shared === shared &&
      !(isOwn && shared === undefined);
  // What the address says of another run, such as an event that is selected, would be shown in this one.
  if (!isSaid) {
    const lab = opening ? place : { scenario: scenario.id, seed, shared: isOwn ? session.shared : shared };
    const hash = writePlace({
      ...readPlace(withoutSelection(location.hash)),
      at: undefined,
      lab,
      ...(opening ? { compared: undefined } : {}),
    });
    history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
  }
  const isListed = !isOwn && builtIn.some((one) => one.id === scenario.id);
  const scenarios = [
    ...(isListed ? [] : [scenario]),
    ...builtIn.filter((one) => one.id !== scenario.id || isListed),
  ].map(({ id: name, title }) => ({ id: name, title }));
  const store = showSession(session, scenarios, '', offline);
  if (opening) await lessons?.guide(store, opening, starts ?? new Map());
  if (different) store.toast(different);
}
