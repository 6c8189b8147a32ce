import { describe, expect, it } from 'vitest';
import { listOf, partFor, parts } from '../../../src/conformance/parts.ts';
import type { Result } from '../../../src/conformance/setting.ts';
import { kitDomain, wrong } from '../../support/kit.ts';
import { protocolOf, type Trial, tryOurs } from '../../support/kit-peers.ts';

/** What our nodes do not offer, and need not: it is known one by one, so that nothing goes untried unnoticed. */
const notOffered: readonly (readonly [Trial, readonly string[]])[] = [
  [{ role: 'source', extension: false }, []],
  [{ role: 'source', extension: true }, []],
  [{ role: 'shadow', extension: false }, []],
  [{ role: 'shadow', extension: true }, []],
  [{ role: 'primary', extension: true }, []],
  [{ role: 'replica', extension: true }, []],
  // Decision #62: no node is made to kick by another. Decision #161: a peer without EXT is told of no kick.
  [{ role: 'joined', extension: false }, ['0289-joined-kick-in', '0289-joined-kick-out']],
  [{ role: 'joined', extension: true }, ['0289-joined-kick-in']],
  [{ role: 'joined', extension: false, mode: 'primary-replica' }, ['0289-joined-kick-in', '0289-joined-kick-out']],
  [{ role: 'joined', extension: true, mode: 'primary-replica' }, ['0289-joined-kick-in']],
  [{ role: 'joining', extension: false }, ['0289-joining-kick-in']],
  [{ role: 'joining', extension: true }, ['0289-joining-kick-in']],
  [{ role: 'joining', extension: false, mode: 'primary-replica' }, ['0289-joining-kick-in']],
  [{ role: 'joining', extension: true, mode: 'primary-replica' }, ['0289-joining-kick-in']],
];

const idsOf = (results: readonly Result[], kind: Result['verdict']['kind']) =>
  results.filter(({ verdict }) => verdict.kind === kind).map(({ id }) => id);
const nameOf = ({ role, extension, mode }: Trial) =>
  `as ${role}, ${extension ? 'with' : 'without'} our extension${mode ? `, ${mode}` : ''}`;

// Whole runs: seconds on an idle core.
describe('The kit finds nothing in our own nodes', { timeout: 120_000 }, () => {
  it.each(notOffered.map(([trial, known]) => [nameOf(trial), trial, known] as const))('%s', (_, trial, known) => {
    const results = tryOurs(trial);
    expect(wrong(results)).toEqual([]);
    expect(idsOf(results, 'not offered')).toEqual(known);
    expect(idsOf(results, 'passed').length).toBeGreaterThan(18);
  });

  it('XEP-0282 by itself creates no replica: without our extension there is nothing to try', () => {
    for (const role of ['primary', 'replica'] as const) {
      const results = tryOurs({ role, extension: false });
      expect(wrong(results)).toEqual([]);
      expect(idsOf(results, 'not offered')).toContain(
        role === 'primary' ? '0282-primary-replica' : '0282-replica-created',
      );
      // What rests on it is said to.
      expect(
        results.filter(({ verdict }) => verdict.kind === 'not offered' && verdict.why.startsWith('it rests on')).length,
      ).toBeGreaterThan(10);
    }
  });

  it('users of our own domain are enough, but for the checks that say otherwise', () => {
    const results = tryOurs({ role: 'primary', extension: true, users: kitDomain });
    expect(wrong(results)).toEqual([]);
    const untried = results.flatMap(({ verdict }) => (verdict.kind === 'not offered' ? [verdict.why] : []));
    expect(new Set(untried)).toEqual(new Set(['it needs users of another domain than that of our node (--users)']));
    expect(idsOf(results, 'passed').length).toBeGreaterThan(15);
  });

  it('what was chosen is all that is tried', () => {
    const only = (id: string) => id === '0289-joined-nick';
    expect(tryOurs({ role: 'joined', extension: false }, { only }).map(({ id }) => id)).toEqual(['0289-joined-nick']);
  });
});

describe('The list of checks', () => {
  it('every id is its own, and begins with the XEP and the role', () => {
    const ids = parts.flatMap((part) => listOf(part).map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const part of parts) for (const { id } of listOf(part)) expect(id).toMatch(new RegExp(`^${part.protocol}-`));
  });

  it('every requirement is a sentence, with the section that it is from', () => {
    for (const { requirement, section } of parts.flatMap(listOf)) {
      expect(requirement).toMatch(/^[A-ZÄ<].*\.(\)\.)?$/);
      expect(section).toMatch(/^(\d+(\.\d+)*|decision \d+)$/);
    }
  });

  it('a run without our extension has none of its checks', () => {
    const ids = tryOurs({ role: 'joined', extension: false }).map(({ section }) => section);
    expect(ids.filter((section) => section.startsWith('decision'))).toEqual([]);
    expect(listOf(partFor(protocolOf('joined'), 'joined')).some(({ section }) => section.startsWith('decision'))).toBe(
      true,
    );
  });
});
