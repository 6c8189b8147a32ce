import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followAddress, type Place, readPlace, withoutSelection, writePlace } from '../../../src/ui/address.ts';
import type { Store } from '../../../src/ui/store.ts';

describe('The address', () => {
  it.each<[string, Place]>([
    ['', {}],
    ['#ev=87', { event: 87 }],
    ['#view=counters&ev=87', { tab: 'counters', event: 87 }],
    ['#node=replica@vesa.irc', { thing: { kind: 'node', id: 'replica@vesa.irc' } }],
    ['#link=avalon.irc~vesa.irc', { thing: { kind: 'link', id: 'avalon.irc~vesa.irc' } }],
    ['#occupant=a@b.lit/x%26y%20%C3%A9', { thing: { kind: 'occupant', id: 'a@b.lit/x&y é' } }],
    ['#lab=wallops&compare=0289', { lab: { scenario: 'wallops', seed: 0, shared: undefined }, compared: '0289' }],
    ['#view=outline&region=panel&present=150', { tab: 'outline', region: 'panel', presenting: 150 }],
  ])('%s: is read as it was written', (hash, place) => {
    expect(writePlace(place)).toBe(hash);
    expect(readPlace(hash)).toEqual(
      Object.assign(
        { event: undefined, thing: undefined, tab: undefined, region: undefined, presenting: undefined },
        place,
      ),
    );
  });

  it('says nothing of what is as usual', () => {
    expect(writePlace({ tab: 'log', region: 'topology', event: undefined, thing: undefined })).toBe('');
  });

  it('may hold anything: what the page does not know is left out', () => {
    const place = readPlace('#ev=<img>&view=cellar&region=moon&present=9000&node=&token=ab%');
    expect(Object.values(place).filter((value) => value !== undefined)).toEqual([]);
    expect(readPlace('#ev=1e999').event).toBeUndefined();
  });

  it('of another trace keeps the view, and not what was selected', () => {
    expect(withoutSelection('#view=counters&present=200&node=a&ev=7')).toBe('#view=counters&present=200');
    expect(withoutSelection('#ev=7')).toBe('');
  });
});

describe('The address of a page that shows the Lab', () => {
  const at = { hash: '', pathname: '/', search: '' };
  let listeners: Set<() => void>;
  let hear: (() => void) | undefined;
  const lab = { seed: 7, shared: 'before' };
  const store = {
    session: { mode: 'lab', lab, recording: { at: 0, length: 0 }, scenario: { id: 'wallops' } },
    model: { events: undefined },
    view: { tab: 'log', region: 'topology' },
    set: () => undefined,
    subscribe: (listener: () => void) => {
      hear = listener;
      return () => {
        hear = undefined;
      };
    },
  } as unknown as Store;
  const personOpens = (hash: string) => {
    at.hash = hash;
    for (const listener of [...listeners]) listener();
  };
  const does = (shared: string) => {
    lab.shared = shared;
    hear?.();
  };

  beforeEach(() => {
    vi.useFakeTimers();
    listeners = new Set();
    at.hash = '#lab=wallops&seed=7&s=before';
    lab.shared = 'before';
    vi.stubGlobal('location', at);
    vi.stubGlobal('history', {
      replaceState: (_: unknown, __: unknown, url: string) => {
        at.hash = url.slice(1);
      },
    });
    vi.stubGlobal('addEventListener', (_: string, listener: () => void) => listeners.add(listener));
    vi.stubGlobal('removeEventListener', (_: string, listener: () => void) => listeners.delete(listener));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('has what was done, a moment later, and at the latest when it ends', () => {
    const end = followAddress(store, true);
    does('once');
    vi.advanceTimersByTime(1_000);
    expect(at.hash).toBe('#lab=wallops&seed=7&s=once');
    does('twice');
    end();
    expect(at.hash).toBe('#lab=wallops&seed=7&s=twice');
  });

  it('a link that a person opens stays in it while it is read, whatever was about to be written', () => {
    const end = followAddress(store, true);
    does('once');
    vi.advanceTimersByTime(1_000);
    does('twice');
    end(true);
    personOpens('#lab=wallops&seed=7&s=AAAA');
    vi.advanceTimersByTime(1_000);
    does('meanwhile');
    vi.advanceTimersByTime(1_000);
    end();
    expect(at.hash).toBe('#lab=wallops&seed=7&s=AAAA');
  });
});
