import { builtIn } from '../scenario/built-in.ts';
import type { LabPlace } from './address.ts';
import { showSession } from './page.ts';
import { LabSession } from './session/lab.ts';

/**
 * Shows a scenario in the Lab: it needs no server.
 *
 * @param leave  ends what is shown
 * @param offline  why there are no live rooms; undefined if there may be
 * @throws Error if there is no such scenario
 */
export async function openLab(
  { scenario: id, seed }: LabPlace,
  offline: string | undefined,
  leave: () => Promise<void>,
): Promise<void> {
  const scenario = builtIn.find((one) => one.id === id);
  if (scenario === undefined)
    throw new Error(
      `There is no scenario ${JSON.stringify(id)}: there are ${builtIn.map((one) => one.id).join(', ')}.`,
    );
  const session = await LabSession.open(scenario, seed);
  await leave();
  const scenarios = builtIn.map(({ id: name, title }) => ({ id: name, title }));
  showSession(session, scenarios, '', offline);
}
