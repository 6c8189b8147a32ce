import { describe, expect, it } from 'vitest';
import { keyed, percentOf, readSize, sized, usual } from '../../../src/ui/panel-size.ts';

const keys = (...all: string[]) => all.reduce((size, key) => keyed(size, key) ?? size, usual);

describe('The height of the panel', () => {
  it('follows the border, leaves the picture its room, and takes all of it at the top', () => {
    expect(sized(usual, 41.6)).toEqual({ panel: 42, maximised: false });
    expect(sized(usual, 3)).toEqual({ panel: 15, maximised: false });
    expect(sized(usual, 80)).toEqual({ panel: 70, maximised: false });
    expect(sized({ panel: 40, maximised: false }, 92)).toEqual({ panel: 40, maximised: true });
    expect(sized({ panel: 40, maximised: true }, 55)).toEqual({ panel: 55, maximised: false });
  });

  it('has the keys of a window splitter', () => {
    expect(keys('ArrowUp', 'ArrowUp')).toEqual({ panel: 38, maximised: false });
    expect(keys('ArrowDown')).toEqual({ panel: 23, maximised: false });
    expect(keys('Home', 'ArrowDown')).toEqual({ panel: 15, maximised: false });
    expect(keys('End')).toEqual({ panel: 28, maximised: true });
    expect(keys(...Array(20).fill('ArrowUp'))).toEqual({ panel: 70, maximised: true });
    expect(keys('End', 'ArrowDown')).toEqual(usual);
    expect(keys('Enter')).toEqual({ panel: 28, maximised: true });
    expect(keys('Enter', 'Enter')).toEqual(usual);
    expect(keyed(usual, 'a')).toBeUndefined();
  });

  it('is said in percent', () => {
    expect(percentOf(usual)).toBe(28);
    expect(percentOf({ panel: 40, maximised: true })).toBe(100);
  });

  it('is read only if it is one', () => {
    expect(readSize({ panel: 44, maximised: true })).toEqual({ panel: 44, maximised: true });
    expect(readSize({})).toEqual(usual);
    expect(readSize({ panel: 'x', maximised: 'true' })).toEqual(usual);
    expect(readSize({ panel: 4_000 })).toEqual(usual);
  });
});
