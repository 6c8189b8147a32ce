import type { Scenario } from '../scenario/scenario.ts';
import replica from './a-replica-spares-the-link.json' with { type: 'json' };
import entering from './entering-through-a-replica.json' with { type: 'json' };
import instances from './every-instance-fans-out.json' with { type: 'json' };
import thinLink from './fmuc-on-a-thin-link.json' with { type: 'json' };
import type { Lesson } from './lesson.ts';
import netsplit from './netsplit.json' with { type: 'json' };
import modes from './one-order-or-two.json' with { type: 'json' };
import oneServer from './one-room-one-server.json' with { type: 'json' };
import shadow from './source-and-shadow.json' with { type: 'json' };

/**
 * The lessons that come with the product, in the order of the course. Apart from load.ts, so that the page does not carry the
 * validator for files that a test has validated already.
 */
// TypeScript widens what it reads from JSON, hence the detour by unknown.
export const lessons = [
  oneServer,
  replica,
  entering,
  netsplit,
  shadow,
  instances,
  thinLink,
  modes,
  // To the compiler a JSON file has any text where a lesson has one of a few. A test reads each by the schema.
] as unknown as readonly Lesson[];

/** @returns undefined if no lesson that comes with the product has that id */
export function lessonOf(id: string): Lesson | undefined {
  return lessons.find((lesson) => lesson.id === id);
}

/** A scenario that comes with a lesson. */
export function lessonScenario(id: string): Scenario | undefined {
  const all = lessons.flatMap(({ scenario, exercises }) => [scenario, ...exercises.map((one) => one.scenario)]);
  return all.find((one): one is Scenario => typeof one === 'object' && one.id === id);
}
