import { describe, expect, it } from 'vitest';
import { type Place, readPlace, withoutSelection, writePlace } from '../../../src/ui/address.ts';

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
