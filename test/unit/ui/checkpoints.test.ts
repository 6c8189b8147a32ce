import { describe, expect, it } from 'vitest';
import { Checkpoints, placesOf } from '../../../src/ui/checkpoints.ts';
import { Picture } from '../../../src/ui/picture.ts';
import { RecordedSession } from '../../../src/ui/session/recorded.ts';
import { readAll, simulated } from '../../support/traces.ts';

const trace = readAll(simulated(3, '0282'));
const session = new RecordedSession(trace);
const make = () => new Picture(trace.scenario, true);
const tell = (picture: Picture, from: number | undefined, to: number) =>
  session.tell(
    {
      records: (batch) => {
        for (const record of batch) picture.take(record, 0, true);
      },
      node: (progress) => void picture.take({ kind: 'node', progress }, 0, true),
      occupant: (progress) => void picture.take({ kind: 'occupant', progress }, 0, true),
    },
    from,
    to,
  );
const stateOf = ({ told }: Picture) =>
  JSON.stringify([
    told.events.list,
    [...told.network.nodes.values()],
    [...told.network.links.values()],
    told.people.all(),
  ]);

describe('Pictures to go back to', () => {
  it('are as many as a run of that length needs, and no more than memory has room for', () => {
    expect(placesOf(500)).toEqual([]);
    expect(placesOf(1_200)).toEqual([500, 1_000]);
    expect(placesOf(10_000)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000]);
    for (const length of [20_000, 50_000, 100_000]) {
      const places = placesOf(length);
      expect(places.length).toBeGreaterThan(0);
      expect(places.reduce((sum, place) => sum + place, 0)).toBeLessThanOrEqual(80_000);
    }
  });

  it('one and the rest of the way are the same as all of it from the beginning', () => {
    const checkpoints = new Checkpoints(make, tell);
    const { length } = session;
    expect(length).toBeGreaterThan(1_000);
    while (checkpoints.work(length));
    for (const place of [length - 1, 700, 1_003]) {
      const kept = checkpoints.take(place);
      expect(kept?.place).toBe(placesOf(length).findLast((one) => one <= place));
      const picture = kept?.picture ?? make();
      tell(picture, kept?.place, place);
      const whole = make();
      tell(whole, undefined, place);
      expect(stateOf(picture)).toBe(stateOf(whole));
      // It is made again.
      while (checkpoints.work(length));
    }
  });

  it('those that were left last are kept besides, and no more than a few', () => {
    const checkpoints = new Checkpoints(make, tell);
    const pictures = [410, 420, 430, 440].map((place) => ({ place, picture: make() }));
    for (const { place, picture } of pictures) checkpoints.leave(place, picture);
    while (checkpoints.work(session.length));
    expect(checkpoints.take(499)).toEqual(pictures[3]);
    expect(checkpoints.take(439)).toEqual(pictures[2]);
    expect(checkpoints.take(429)).toEqual(pictures[1]);
    expect(checkpoints.take(419)).toBeUndefined();
  });

  it('until others are made, all that were left are kept, as many as there may be', () => {
    const checkpoints = new Checkpoints(make, tell);
    const places = Array.from({ length: 20 }, (_, i) => 300 + i);
    for (const place of places) checkpoints.leave(place, make());
    expect(places.filter((place) => checkpoints.nearest(place) === place)).toEqual(places.slice(-15));
    while (checkpoints.work(session.length));
    expect(places.filter((place) => checkpoints.nearest(place) === place)).toEqual(places.slice(-3));
  });

  it('before the first there is none; of another run there is none', () => {
    const checkpoints = new Checkpoints(make, tell);
    while (checkpoints.work(session.length));
    expect(checkpoints.take(499)).toBeUndefined();
    checkpoints.clear();
    expect(checkpoints.take(session.length)).toBeUndefined();
  });
});
