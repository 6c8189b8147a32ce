import { describe, expect, it } from 'vitest';
import { Pending } from '../../../src/core/distribution/pending.ts';
import { instant } from '../../../src/core/xmpp/time.ts';

const at = (ms: number) => instant(ms);

describe('what is held back for another node to decide', () => {
  it('is taken out once, by its key', () => {
    const pending = new Pending<string, string>(10);
    pending.add('alice', 'to enter', at(0), at(100));
    expect(pending.get('alice', at(100))).toBe('to enter');
    expect(pending.take('alice', at(100))).toBe('to enter');
    expect(pending.take('alice', at(100))).toBeUndefined();
  });

  it('counts no more once its deadline has passed', () => {
    const pending = new Pending<string, string>(10);
    pending.add('alice', 'to enter', at(0), at(100));
    pending.add('hatter', 'to speak', at(0));
    expect(pending.get('alice', at(101))).toBeUndefined();
    expect(pending.find(at(101))).toBe('to speak');
    expect(pending.takeLate(at(101))).toEqual(['to enter']);
    expect(pending.size).toBe(1);
  });

  it('beyond its bound the oldest makes way, and whoever asked for it is known', () => {
    const pending = new Pending<string, string>(2);
    expect(pending.add('a', '1', at(0))).toEqual([]);
    expect(pending.add('b', '2', at(0))).toEqual([]);
    expect(pending.full).toBe(true);
    expect(pending.add('c', '3', at(0))).toEqual(['1']);
    expect(pending.add('d', '4', at(0), at(5))).toEqual(['2']);
    expect(pending.takeAll()).toEqual(['3', '4']);
    expect(pending.size).toBe(0);
  });

  it('what is too late makes way before anything else does', () => {
    const pending = new Pending<string, string>(2);
    pending.add('a', '1', at(0), at(5));
    pending.add('b', '2', at(0));
    expect(pending.add('c', '3', at(10))).toEqual(['1']);
    expect(pending.takeAll()).toEqual(['2', '3']);
  });

  it('who asks again is behind the others, with the new wish alone', () => {
    const pending = new Pending<string, string>(10);
    pending.add('alice', 'as Alice', at(0));
    pending.add('hatter', 'as Hatter', at(0));
    pending.add('alice', 'as Queen', at(0));
    expect(pending.takeAll()).toEqual(['as Hatter', 'as Queen']);
  });
});
