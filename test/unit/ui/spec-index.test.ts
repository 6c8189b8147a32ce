import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knowsSpec, sayable, specEntry } from '../../../src/ui/spec-index.ts';

const sources = ['src/core', 'src/server', 'src/worker'];

/** Every rule that the code writes into the trace. */
function citedSpecs(): ReadonlySet<string> {
  const cited = new Set<string>();
  for (const folder of sources) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      for (const [, spec] of readFileSync(join(folder, file), 'utf8').matchAll(/'((?:\d{4}|decision)#[\d.]+)'/g)) {
        cited.add(spec as string);
      }
    }
  }
  return cited;
}

describe('Index of the specifications', () => {
  it('knows every section that the code cites', () => {
    const cited = [...citedSpecs()];
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter((spec) => !knowsSpec(spec))).toEqual([]);
  });
  it('numbers sections as the XEPs do', () => {
    expect(specEntry('0282#4.9')).toMatchObject({ label: 'XEP-0282 §4.9', title: 'Message Broadcast' });
    expect(specEntry('0282#4.11.2').title).toBe('Netjoin');
    expect(specEntry('0289#5.2').title).toBe('Sending messages');
    expect(specEntry('0045#7.4').title).toBe('Sending a Message to All Occupants');
    expect(specEntry('6120#8.3').label).toBe('RFC 6120 §8.3');
    expect(specEntry('decision#12').label).toBe('Decision 12');
    expect(sayable('0282#4.9')).toBe('XEP-0282 4.9');
  });
  it('falls back to the section around one that it does not list', () => {
    expect(specEntry('0282#4.9.7').title).toBe('Message Broadcast');
  });
});
