import { describe, expect, it } from 'vitest';
import { peekChildren } from '../../../src/ui/trace/peek.ts';

describe('Children of a stanza', () => {
  it('are named, with their attributes and the text directly in them', () => {
    const xml = `<message from='a'><body xml:lang="en">1 &lt; 2 &amp;amp;<b>not this</b> &#x41;</body><x a = '"' b=">"/><delay stamp='s'/></message>`;
    expect(peekChildren(xml)).toEqual([
      { name: 'body', attrs: { 'xml:lang': 'en' }, text: '1 < 2 &amp; A' },
      { name: 'x', attrs: { a: '"', b: '>' }, text: '' },
      { name: 'delay', attrs: { stamp: 's' }, text: '' },
    ]);
  });

  it.each([
    ['tags that never close', '<a'.repeat(100_000)],
    ['a quote that never closes', `<m><a b="${'x'.repeat(200_000)}`],
    ['an attribute without a value', `<m><a ${'b'.repeat(200_000)}></m>`],
    ['attributes without values', `<m><a ${'b '.repeat(100_000)}></m>`],
    ['deep nesting', '<a>'.repeat(80_000)],
    ['closing tags alone', '</a>'.repeat(60_000)],
    ['references that never end', `<m><a>${'&#x1'.repeat(60_000)}</a></m>`],
    ['blanks', `<m><a${' '.repeat(200_000)}></m>`],
  ])('of what is no XML are what there is of them, soon: %s', (_, xml) => {
    const began = performance.now();
    expect(peekChildren(xml).length).toBeLessThan(2);
    // Squared, these would take minutes.
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
