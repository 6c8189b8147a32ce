type Fields = Readonly<Record<string, unknown>>;

/** Whether two values are the same as plain data, where a field that is undefined is none. */
export function isSameData(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [one, other] = [a as Fields, b as Fields];
  for (const key in one) if (!isSameData(one[key], other[key])) return false;
  for (const key in other) if (other[key] !== undefined && one[key] === undefined) return false;
  return true;
}
