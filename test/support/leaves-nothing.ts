import { afterAll, expect } from 'vitest';

// Files of tests that share a process have this as their setup file: what one of them leaves behind would be there for the
// next, which then passes or fails by what ran before it.

/** All that a test can put into another's way without either of them naming it. Names of Vitest's begin with `__v`, and of a library of Playwright's with `__zod`. */
function surroundings(): ReadonlyMap<string, unknown> {
  const all = new Map<string, unknown>([['process.cwd()', process.cwd()]]);
  const look = (name: string, object: object) => {
    // Node makes some of them when they are first read, so they are read; but the two stores would want a file.
    for (const key of Object.getOwnPropertyNames(object))
      if (!/^__(v|zod)|^(local|session)Storage$/.test(key)) all.set(`${name}.${key}`, Reflect.get(object, key));
  };
  look('globalThis', globalThis);
  look('process.env', process.env);
  look('console', console);
  look('Math', Math);
  look('Date', Date);
  return all;
}

const before = surroundings();
afterAll(() => {
  const after = surroundings();
  const names = [...new Set([...before.keys(), ...after.keys()])];
  expect(
    names.filter((name) => !Object.is(before.get(name), after.get(name))),
    'what this file of tests leaves behind',
  ).toEqual([]);
});
