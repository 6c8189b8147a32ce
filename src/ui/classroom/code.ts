/** Letters and digits that nobody takes for each other, on a projected page, too. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
const codeLength = 6;

/** A code that students can type. */
export function newCode(): string {
  // A multiple of its length would be fairer, by less than a hundredth.
  const numbers = crypto.getRandomValues(new Uint16Array(codeLength));
  return Array.from(numbers, (n) => alphabet[n % alphabet.length]).join('');
}

/** What shows that a page is the lecturer’s. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The code of the class that an address names; undefined: none. */
export function classIn(search: string): string | undefined {
  const code = new URLSearchParams(search).get('class')?.toLowerCase() ?? '';
  return /^[a-z0-9]{6,12}$/.test(code) ? code : undefined;
}

/** What students open. */
export function classLink({ origin, pathname }: Pick<Location, 'origin' | 'pathname'>, code: string): string {
  return `${origin}${pathname}?class=${code}`;
}
