import { type Budgets, defaultBudgets } from '../server/budget.ts';
import type { GivenBudgets } from './rates.mjs';

/** What the flags say, with the default bursts where they say none. */
export function givenBudgets(given: GivenBudgets): Partial<Budgets> {
  const rates = (['client', 'markup', 'fanOut', 'node', 'roomIn', 'roomOut'] as const).flatMap((name) => {
    const { perSecond, burst = defaultBudgets[name].burst } = given[name] ?? {};
    return perSecond === undefined ? [] : [[name, { perSecond, burst }] as const];
  });
  const { turnsPerSecond, traceBytes } = given;
  return {
    ...Object.fromEntries(rates),
    ...(turnsPerSecond === undefined ? {} : { turnsPerSecond }),
    ...(traceBytes === undefined ? {} : { traceBytes }),
  };
}
