import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placeAfter, placeBetween, placeFrom } from '../../../src/core/room/place.ts';
import { instant } from '../../../src/core/xmpp/time.ts';

const time = fc.integer({ min: 1000, max: 1005 });

it('wherever a message is put among others, its place sorts there, and is there once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(time, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 200 }), (given) => {
      const places: string[] = [];
      for (const [at, where] of given) {
        const index = Math.round(where * places.length);
        const next = places[index];
        const place =
          next === undefined
            ? placeAfter(places.at(-1), instant(at))
            : placeBetween(places[index - 1], next, instant(at));
        places.splice(index, 0, place);
      }
      expect(places).toEqual([...new Set(places)].sort((a, b) => (a < b ? -1 : 1)));
    }),
  );
});

it('what is said in its turn stands at its time, and a thousand of one moment take no more room than one', () => {
  let place = placeAfter(undefined, instant(5));
  for (let i = 0; i < 1000; i++) place = placeAfter(place, instant(5));
  expect(place).toHaveLength(placeAfter(undefined, instant(5)).length);
  expect(place.startsWith(placeFrom(instant(5)))).toBe(true);
  expect(place < placeFrom(instant(6))).toBe(true);
});
