import type { ClassQuestion } from '../../core/xep/classroom.ts';

/** Of this tab, so that a page that is reloaded goes on teaching. No name of a student is in it. */
const taughtKey = 'netsplit-class';
export interface Taught {
  readonly code: string;
  readonly key: string;
  /** What the lecturer asks, if they ask something of their own. */
  readonly question?: ClassQuestion;
}

/** The class that this tab teaches, also after a reload; undefined: none. */
export function taughtHere(): Taught | undefined {
  try {
    const { code, key, question } = JSON.parse(sessionStorage.getItem(taughtKey) ?? '{}') as Partial<Taught>;
    if (code === undefined || key === undefined) return undefined;
    return { code, key, ...(question === undefined ? {} : { question }) };
  } catch {
    return undefined;
  }
}

/** @param taught  undefined: it teaches no more */
export function keepTaught(taught: Taught | undefined): void {
  try {
    if (taught) sessionStorage.setItem(taughtKey, JSON.stringify(taught));
    else sessionStorage.removeItem(taughtKey);
  } catch {
    // Without storage a reload ends the class.
  }
}
