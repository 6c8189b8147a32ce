/**
 * How wide a text is about to be, in units of its own size: by DejaVu Sans, the widest of the page's fonts, and rounded up, so
 * that what fits by this fits in the others too. A layout that had to ask the browser could not be tested without one.
 */
const widths: readonly (readonly [RegExp, number])[] = [
  [/[ijlI.,:;'|!’ ]/, 0.33],
  [/[frtJ()[\]"*/-]/, 0.43],
  [/[cksvxyz]/, 0.6],
  [/[mW@%…—]/, 1.01],
  [/[wM]/, 0.88],
  [/[A-Z&]/, 0.78],
  [/[\u0020-\u024f\u0370-\u058f]/, 0.65],
];

/** What is bold is wider. */
export const bold = 1.13;

/** @returns pixels */
export function widthOf(text: string, size: number): number {
  let em = 0;
  for (const letter of text) em += widths.find(([kind]) => kind.test(letter))?.[1] ?? 1.2;
  return em * size;
}

/** The text, shortened where it would be wider than `room`. */
export function fitted(text: string, size: number, room: number): string {
  if (widthOf(text, size) <= room) return text;
  const letters = [...text];
  while (letters.length > 1 && widthOf(`${letters.join('')}…`, size) > room) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}

/** The size, or less where the text would be wider than `room`. */
export function sizeFor(text: string, size: number, room: number): number {
  return Math.min(size, (size * room) / widthOf(text, size));
}
