import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { Flush } from '../../../src/headless/flush.ts';

it('what one turn writes to a socket leaves at once; what is large leaves in slices, after what is small', () => {
  const turns: (() => void)[] = [];
  const flush = new Flush((fn) => turns.push(fn));
  const left: string[] = [];
  const socket = (name: string) => {
    const one = new Duplex({
      read: () => undefined,
      writev: (chunks, done) => {
        left.push(`${name} ${chunks.length}`);
        done();
      },
    });
    return (bytes: number) => {
      flush.cork(one);
      one.write(Buffer.alloc(bytes));
    };
  };
  const turn = () => {
    for (const fn of turns.splice(0)) fn();
    return left.splice(0);
  };
  const large = [1, 2, 3, 4, 5].map((n) => socket(`large${n}`));
  const [small, late] = [socket('small'), socket('late')];
  for (const write of large) write(400 * 1024);
  small(100);
  small(100);
  expect(left).toEqual([]);
  // Three are more than 1 MiB.
  expect(turn()).toEqual(['large1 1', 'large2 1', 'large3 1', 'small 2']);
  late(100);
  late(100);
  large[3]?.(100);
  expect(turn()).toEqual(['large4 2', 'large5 1', 'late 2']);
  expect(turn()).toEqual([]);
  small(100);
  small(100);
  expect(turn()).toEqual(['small 2']);
});
