import { describe, expect, it } from 'vitest';
import { embedRegions, readEmbedding } from '../../../src/ui/embed/embedding.ts';
import { readRequest, stepMax } from '../../../src/ui/embed/remote.ts';
import { embedAddress, snippetOf, wholeAddress } from '../../../src/ui/embed/snippet.ts';

describe('what an address says of embedding', () => {
  const read = (search: string) => readEmbedding(search);

  it('nothing: it is the whole page', () => {
    for (const search of ['', '?scenario=wallops', '?embed', '?embed=0', '?region=topology'])
      expect(read(search)).toBeUndefined();
  });

  it('usually the picture and the transport, with keys, and it waits', () => {
    expect(read('?embed=1')).toEqual({
      embedding: { regions: ['topology', 'transport'], keys: true, autoplay: false },
      wrong: undefined,
    });
  });

  it('which regions, in whatever order; whether keys work, and whether it plays by itself', () => {
    expect(read('?scenario=coven&embed=1&region=log,topology&keys=0&autoplay=1')).toEqual({
      embedding: { regions: ['topology', 'log'], keys: false, autoplay: true },
      wrong: undefined,
    });
  });

  it('a region that there is not is named with those there are; the others are shown', () => {
    const { embedding, wrong } = read(`?embed=1&region=log,${'x'.repeat(500)}`) ?? {};
    expect(embedding?.regions).toEqual(['log']);
    expect(wrong).toContain('“xxx');
    expect(wrong).toContain(embedRegions.join(', '));
    expect(wrong?.length).toBeLessThan(250);
    expect(read('?embed=1&region=sidebar')?.embedding.regions).toEqual(['topology', 'transport']);
  });

  it('a switch that is neither 0 nor 1 is named', () => {
    expect(read('?embed=1&keys=no')?.wrong).toBe('keys=no is neither 0 nor 1.');
    expect(read('?embed=1&autoplay=')?.wrong).toBe('autoplay= is neither 0 nor 1.');
  });
});

describe('what the page around an embedded one may ask', () => {
  it('play, pause, step and seek', () => {
    for (const request of [
      { netsplit: 'play' },
      { netsplit: 'pause' },
      { netsplit: 'step' },
      { netsplit: 'step', by: -3 },
      { netsplit: 'step', by: stepMax },
      { netsplit: 'seek', at: 0 },
      { netsplit: 'seek', at: 87 },
    ])
      expect(readRequest(request)).toEqual(request);
  });

  it.each([
    ['a word', 'play'],
    ['nothing', null],
    ['a list', ['play']],
    ['a list with the field', Object.assign([], { netsplit: 'play' })],
    [
      'something of another kind',
      new (class {
        readonly netsplit = 'play';
      })(),
    ],
    ['something without a kind', Object.assign(Object.create(null), { netsplit: 'play' })],
    ['what it inherits', Object.create({ netsplit: 'play' })],
    ['another word', { netsplit: 'act' }],
    ['a word of another kind', { netsplit: ['play'] }],
    ['one field more', { netsplit: 'pause', by: 1 }],
    ['the field of another request', { netsplit: 'step', at: 1 }],
    ['no step', { netsplit: 'step', by: 0 }],
    ['half a step', { netsplit: 'step', by: 0.5 }],
    ['too many steps', { netsplit: 'step', by: -stepMax - 1 }],
    ['a number as text', { netsplit: 'seek', at: '1' }],
    ['no place', { netsplit: 'seek' }],
    ['a place before the beginning', { netsplit: 'seek', at: -1 }],
    ['a place that is no number', { netsplit: 'seek', at: Number.NaN }],
  ])('not %s', (_, data) => {
    expect(readRequest(data)).toBeUndefined();
  });
});

describe('the HTML to copy', () => {
  const embedding = { regions: ['topology', 'log'], keys: false, autoplay: false } as const;
  const address = 'https://a.example/x/?scenario=wallops&token=no&embed=1&keys=1#lab=wallops&seed=7&s=aB-_9&at=12';

  it('has the present address, and says how it is embedded', () => {
    expect(embedAddress(address, embedding)).toBe(
      'https://a.example/x/?scenario=wallops&token=no&embed=1&region=topology,log&keys=0&autoplay=0#lab=wallops&seed=7&s=aB-_9&at=12',
    );
  });

  it('the whole page is at the same address without that', () => {
    expect(wholeAddress(embedAddress(address, embedding))).toBe(
      'https://a.example/x/?scenario=wallops&token=no#lab=wallops&seed=7&s=aB-_9&at=12',
    );
  });

  it('is one frame, whatever the title says', () => {
    const title = '"><script>alert(1)</script>&';
    const html = snippetOf(address, { ...embedding, width: 800, height: 480, title });
    expect(html).toMatch(/^<iframe [^<>]*(?:&lt;|>)[^<]*><\/iframe>$/);
    expect(html).toContain('title="&quot;>&lt;script>alert(1)&lt;/script>&amp;"');
    expect(html).toContain('width="800" height="480"');
    expect(html).toContain('sandbox="allow-scripts allow-same-origin');
    expect(html).not.toMatch(/allow-(?:top-navigation|modals|downloads)/);
  });
});
