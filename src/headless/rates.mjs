// The limits of the embedded server as flags: `npm start` and `npm run serve` have the same.

/**
 * @typedef {{ perSecond: number, burst: number | undefined }} GivenRate  burst: undefined is the default one
 * @typedef {object} GivenBudgets  what differs from the default budgets (src/server/budget.ts)
 * @property {GivenRate} [client]
 * @property {GivenRate} [markup]
 * @property {GivenRate} [fanOut]
 * @property {GivenRate} [node]
 * @property {GivenRate} [roomIn]
 * @property {GivenRate} [roomOut]
 * @property {number} [turnsPerSecond]
 * @property {number} [traceBytes]
 */

export const rateUsage = `[--client-rate N[/B]] [--fan-out-rate N[/B]] [--room-rate N[/B]] [--node-rate N[/B]]
                 [--turns-rate N] [--trace-bytes N]`;

export const rateHelp = `  --client-rate N[/B]   bytes a second that a user may send, and at once (default 10000/5242880; 0: unlimited)
  --fan-out-rate N[/B]  the same of what rooms send because of a user, a copy being 1 KiB or more (default 2000000/16777216)
  --room-rate N[/B]     the same of all users of one room together (default 2000000/33554432)
  --node-rate N[/B]     the same of a node's session (default 20000000/268435456)
  --turns-rate N        what all users who keep rooms busy cause a second, before they take turns (default 5000000; 0: unlimited)
  --trace-bytes N       memory for the trace that a page which begins to watch is shown (default 16777216)`;

const names = /** @type {const} */ ({
  'client-rate': 'client',
  'fan-out-rate': 'fanOut',
  'room-rate': 'roomIn',
  'node-rate': 'node',
});

/**
 * Whoever has no limit of bytes has none of markup or of what it causes either.
 *
 * @param {import('./settings.mjs').Values} values  checked by settings-schema.mjs
 * @returns {GivenBudgets}
 */
export function readRates(values) {
  /** @type {GivenBudgets} */
  const budgets = {};
  for (const flag of /** @type {const} */ (['client-rate', 'fan-out-rate', 'room-rate', 'node-rate'])) {
    const text = values[flag];
    if (text === undefined) continue;
    const [perSecond = 0, burst] = String(text).split('/').map(Number);
    const name = names[flag];
    budgets[name] = { perSecond, burst };
    if (perSecond > 0 || name === 'node') continue;
    const unlimited = { perSecond: 0, burst: 0 };
    if (name === 'client') Object.assign(budgets, { markup: unlimited, fanOut: unlimited, turnsPerSecond: 0 });
    else if (name === 'fanOut') budgets.turnsPerSecond = 0;
    else budgets.roomOut = unlimited;
  }
  const { 'turns-rate': turns, 'trace-bytes': trace } = values;
  if (turns !== undefined) budgets.turnsPerSecond = Number(turns);
  if (trace !== undefined) budgets.traceBytes = Number(trace);
  return budgets;
}
