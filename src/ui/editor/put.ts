/** Where in a scenario: property names and array indices from the root. */
export type Place = readonly (string | number)[];

/** What stands there; undefined if nothing does. */
export function valueAt(of: unknown, at: Place): unknown {
  return at.reduce<unknown>(
    (here, key) =>
      typeof here === 'object' && here !== null ? (here as Record<string | number, unknown>)[key] : undefined,
    of,
  );
}

/**
 * The same with another value at one place. What is around it is made where it is missing.
 *
 * @param value  undefined: the property goes, or the entry of the list
 */
export function put<T>(of: T, at: Place, value: unknown): T {
  return replaced(of, at, value) as T;
}

function replaced(of: unknown, [key, ...rest]: Place, value: unknown): unknown {
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const list = Array.isArray(of) ? of : [];
    if (rest.length === 0 && value === undefined) return list.filter((_, i) => i !== key);
    if (key >= list.length) return [...list, replaced(undefined, rest, value)];
    return list.map((one: unknown, i) => (i === key ? replaced(one, rest, value) : one));
  }
  const { [key]: before, ...others } = (of ?? {}) as Readonly<Record<string, unknown>>;
  const now = replaced(before, rest, value);
  if (now === undefined) return others;
  // A property stays where it is among the others: in the file the change is one line.
  return before === undefined ? { ...others, [key]: now } : { ...(of as object), [key]: now };
}
