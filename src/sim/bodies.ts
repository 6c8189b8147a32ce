/** A body that `bodyText` made: the author's number, and which of their words it is. */
export interface Said {
  readonly user: number;
  readonly n: number;
}

/** A body that names its author (by number: no canary) and is said once: what the checkers know it by. */
export function bodyText(user: number, n: number): string {
  return `#${user}:${n}`;
}

/** Which of its author's words it is that is said in a step of many. */
export function burstWord(step: number, k: number): number {
  return 5_000_000 + step * 100 + k;
}

/** The text of a private message, said once. */
export function privateText(n: number): string {
  return `private ${n}`;
}

export function isPrivateText(text: string): boolean {
  return text.startsWith('private ');
}

export function readBody(text: string | undefined): Said | undefined {
  const match = text?.startsWith('#') ? /^#(\d+):(\d+)( x+)?$/.exec(text) : null;
  return match ? { user: Number(match[1]), n: Number(match[2]) } : undefined;
}
