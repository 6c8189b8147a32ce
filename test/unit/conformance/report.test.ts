import { describe, expect, it } from 'vitest';
import { reportJson, reportJunit, reportText } from '../../../src/conformance/report.ts';
import type { Result } from '../../../src/conformance/setting.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { message } from '../../../src/core/xmpp/stanza.ts';
import { childrenOf, el, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { parseElement } from '../../../src/server/parser.ts';
import { settingOf } from '../../support/kit.ts';

const setting = settingOf({ protocol: '0289', role: 'joined', peer: jid('room@rooms.peer.lit'), extension: false });
const came = message(
  jid('room@rooms.peer.lit/A'),
  jid('b@kit.lit'),
  { type: 'groupchat' },
  el('body', NS.client, {}, 'Hi <"&\'\u0085\u202e'),
);
const results: readonly Result[] = [
  { id: '0289-joined-a', section: '5.1', requirement: 'First.', verdict: { kind: 'passed' }, tookMs: 1500 },
  {
    id: '0289-joined-b',
    section: '5.2',
    requirement: 'Second <fmuc/>.',
    verdict: { kind: 'failed', expected: 'a message & no more', came: [came] },
    tookMs: 20,
  },
  {
    id: '0289-joined-c',
    section: '5.1',
    requirement: 'Third.',
    verdict: { kind: 'not offered', why: 'it need not' },
    tookMs: 0,
  },
  {
    id: '0289-joined-d',
    section: 'decision 60',
    requirement: 'Fourth.',
    verdict: { kind: 'failed', expected: 'an answer', came: [] },
    tookMs: 10,
  },
];
const reports = [{ setting, results }];

/** As any parser of XML reads it. */
function parsed(text: string): XmlElement {
  expect(text.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n')).toBe(true);
  const read = parseElement(text.slice(text.indexOf('\n') + 1).trim(), {
    ...{ bytes: 1e6, depth: 20, attributes: 20, children: 1000, declarations: 20 },
  });
  if (!read.ok) throw new Error(read.text);
  return read.element;
}

describe('The report of a run', () => {
  it('as text: by section; what was expected and what came; and the numbers', () => {
    expect(
      reportText({ setting, results }),
    ).toBe(`XEP-0289, room@rooms.peer.lit as joined in primary-primary mode, without urn:x-netsplit:sync:0

§5.1
  passed       0289-joined-a: First.
  not offered  0289-joined-c: Third.
                 it need not

§5.2
  failed       0289-joined-b: Second <fmuc/>.
      expected  a message & no more
      came      <message from="room@rooms.peer.lit/A" to="b@kit.lit" type="groupchat"><body>Hi &lt;"&amp;'\\u0085\\u202e</body></message>

decision 60
  failed       0289-joined-d: Fourth.
      expected  an answer
      came      nothing

1 passed, 2 failed, 1 not offered`);
  });

  it('as JUnit’s XML: numbers that add up, a case for each check, what came in its failure', () => {
    const root = parsed(reportJunit(reports));
    expect([root.name, root.attrs]).toEqual([
      'testsuites',
      { name: 'conformance', tests: '4', failures: '2', errors: '0', skipped: '1', time: '1.530' },
    ]);
    const [suite] = childrenOf(root, 'testsuite', '');
    if (suite === undefined) throw new Error('no suite');
    expect(suite.attrs).toMatchObject({ tests: '4', failures: '2', skipped: '1' });
    const cases = childrenOf(suite, 'testcase', '');
    expect(cases.map(({ attrs }) => attrs)).toEqual([
      { classname: 'XEP-0289 joined §5.1', name: '0289-joined-a: First.', time: '1.500' },
      { classname: 'XEP-0289 joined §5.2', name: '0289-joined-b: Second <fmuc/>.', time: '0.020' },
      { classname: 'XEP-0289 joined §5.1', name: '0289-joined-c: Third.', time: '0.000' },
      { classname: 'XEP-0289 joined decision 60', name: '0289-joined-d: Fourth.', time: '0.010' },
    ]);
    const failures = cases.flatMap((one) => childrenOf(one, 'failure', ''));
    expect(failures.map(({ attrs }) => attrs['message'])).toEqual([
      'expected a message & no more',
      'expected an answer',
    ]);
    expect(failures.map(textOf)[0]).toContain('<body>Hi &lt;"&amp;\'');
    expect(cases.flatMap((one) => childrenOf(one, 'skipped', '')).map(({ attrs }) => attrs)).toEqual([
      { message: 'it need not' },
    ]);
  });

  it('as JSON', () => {
    const read = JSON.parse(reportJson(reports));
    expect(read).toMatchObject({ format: 'netsplit-conformance', version: 1 });
    expect(read.runs).toHaveLength(1);
    const [run] = read.runs;
    expect(run).toMatchObject({
      protocol: '0289',
      role: 'joined',
      mode: 'primary-primary',
      extension: false,
      peer: 'room@rooms.peer.lit',
    });
    expect(run.counts).toEqual({ passed: 1, failed: 2, notOffered: 1 });
    expect(run.results.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
      'passed',
      'failed',
      'not offered',
      'failed',
    ]);
    expect(run.results[1]).toMatchObject({ section: '5.2', expected: 'a message & no more', seconds: 0.02 });
    expect(run.results[1].came[0]).toMatch(/^<message from="room@rooms.peer.lit\/A"/);
    expect(run.results[2]).toMatchObject({ why: 'it need not' });
  });

  it('a stanza of any length is cut where it is shown', () => {
    const long = message(jid('a@b.lit'), jid('c@d.lit'), {}, el('body', NS.client, {}, 'x'.repeat(100_000)));
    const verdict = { kind: 'failed', expected: 'little', came: [long] } as const;
    const one: Result = { id: 'x', section: '1', requirement: 'Short.', verdict, tookMs: 0 };
    for (const text of [
      reportText({ setting, results: [one] }),
      reportJson([{ setting, results: [one] }]),
      reportJunit([{ setting, results: [one] }]),
    ])
      expect(text.length).toBeLessThan(5_000);
  });
});
