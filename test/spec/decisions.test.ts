import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knowsSpec } from '../../src/ui/spec-index.ts';

const text = readFileSync('src/core/distribution/decisions.md', 'utf8');
const decisions = [...text.matchAll(/^\*\*#(\d+) /gm)].map(([, number]) => number as string);
const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.endsWith('decisions.test.ts'))
  .map((file) => readFileSync(join('test', file), 'utf8'))
  .join('\n');

/** The sentences of each decision by its number; what stands in backticks or brackets ends none. */
const sentences = [...text.matchAll(/^\*\*#(\d+) [^*]+\*\*([\s\S]*?)\n(?=\n|$)/gm)].map(([, number, body = '']) => ({
  number,
  sentences: body
    .replaceAll(/`[^`]*`/g, 'x')
    .replaceAll(/\([^()]*\)/g, '')
    .split(/[.?!](?=\s)/)
    .filter((sentence) => /\w/.test(sentence)),
}));

describe('src/core/distribution/decisions.md', () => {
  it('numbers each decision once', () => {
    expect(decisions.length).toBeGreaterThan(20);
    expect(new Set(decisions).size).toBe(decisions.length);
  });
  it('says each in at most six sentences', () => {
    expect(sentences.map(({ number }) => number)).toEqual(decisions);
    expect(sentences.filter((one) => one.sentences.length > 6)).toEqual([]);
  });
  it.each(decisions)('#%s has a test named after it, and a title for “Why”', (number) => {
    expect(tests).toMatch(new RegExp(`(?:it|it\\.each|describe)[\\s\\S]{0,400}decisions? #${number}\\b`));
    expect(knowsSpec(`decision#${number}`)).toBe(true);
  });
});
