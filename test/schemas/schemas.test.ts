import { describe, expect, it } from 'vitest';
import type { XmlElement } from '../../src/core/xmpp/xml.ts';
import { modes } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';
import { Performance, readDialogues } from '../scenario/play.ts';
import { howMany } from '../support/long.ts';
import { findXmllint } from './find-xmllint.mjs';
import { faults, judged } from './valid.ts';
import { xmllint } from './xmllint.ts';

describe('The schemas of src/core/xep', () => {
  it('take all that nodes say in the golden dialogues', () => {
    const elements: XmlElement[] = [];
    for (const { file, source } of readDialogues()) {
      const performance = new Performance(file, source);
      for (const { sent } of performance.steps())
        for (const each of sent)
          if (performance.world.senderOf(each) !== undefined) elements.push(...judged(each.stanza.payloads));
    }
    expect(elements.length).toBeGreaterThan(500);
    expect(faults(elements)).toEqual([]);
  }, 120_000);

  it.each(modes.filter((mode) => mode !== 'plain'))(
    'take all that honest nodes say in runs of the simulator, mode %s',
    (mode) => {
      const elements: XmlElement[] = [];
      for (let seed = 1; seed <= howMany(2, 20); seed++) {
        const { trace, plan } = run(seed, { mode, events: 120 });
        const honest = new Set(plan.layout.nodes.map(({ address }) => address));
        if (plan.hostileNode !== undefined) honest.delete(plan.hostileNode);
        for (const record of trace)
          if (record.kind === 'in' && honest.has(record.by)) elements.push(...judged(record.stanza.payloads));
      }
      expect(elements.length).toBeGreaterThan(300);
      expect(faults(elements)).toEqual([]);
    },
    120_000,
  );
});

describe('xmllint', () => {
  it('is the one that XMLLINT_PATH names, else one on the path', () => {
    const none = () => false;
    expect(findXmllint({ XMLLINT_PATH: '/opt/xmllint', PATH: '/usr/bin' }, () => true)).toBe('/opt/xmllint');
    expect(() => findXmllint({ XMLLINT_PATH: '/opt/xmllint' }, none)).toThrow(/names \/opt\/xmllint, which does not/);
    expect(findXmllint({ PATH: '/a:/b' }, (path) => path === '/b/xmllint')).toBe('/b/xmllint');
    expect(findXmllint({ PATH: '/a' }, none)).toBeUndefined();
  });
  it('names the line of what is not well-formed', () => {
    expect(xmllint('<a>\n<b>\n</a>')).toEqual(expect.arrayContaining([expect.stringMatching(/^-:3: .*error/)]));
  });
});
