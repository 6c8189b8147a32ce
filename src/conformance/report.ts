/** What came of a run, for people and for programs. */
import { stanzaText } from '../core/xmpp/stanza.ts';
import { el, serialize, type XmlElement } from '../core/xmpp/xml.ts';
import type { Result, Setting } from './setting.ts';

export interface Report {
  readonly setting: Setting;
  readonly results: readonly Result[];
}

/** A stanza of a stranger is shown up to so many characters. */
const shownMax = 1_500;

/** What came, one stanza each; without what a terminal would take for more than text. */
function cameOf({ verdict }: Result): readonly string[] {
  if (verdict.kind !== 'failed') return [];
  return verdict.came.map((stanza) => {
    const text = plain(stanzaText(stanza));
    return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
const control = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function plain(text: string): string {
  return text.replace(control, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `§5.1` of the XEP, or `decision 60` of ours. */
export function sectionName({ section }: Pick<Result, 'section'>): string {
  return section.startsWith('decision') ? section : `§${section}`;
}

export function counts(results: readonly Result[]) {
  const of = (kind: Result['verdict']['kind']) => results.filter(({ verdict }) => verdict.kind === kind).length;
  return { passed: of('passed'), failed: of('failed'), notOffered: of('not offered') };
}

export function titleOf({ protocol, role, peer, mode, extension }: Setting): string {
  const modes = protocol === '0289' ? ` in ${mode} mode` : '';
  return `XEP-${protocol}, ${peer} as ${role}${modes}, ${extension ? 'with' : 'without'} urn:x-netsplit:sync:0`;
}

/** One line, and what is to be said of it below. */
export function resultText(result: Result): string {
  const { verdict, id, requirement } = result;
  const line = `  ${verdict.kind.padEnd(11)}  ${id}: ${requirement}`;
  if (verdict.kind === 'passed') return line;
  if (verdict.kind === 'not offered') return `${line}\n                 ${plain(verdict.why)}`;
  const came = cameOf(result);
  const what = came.length === 0 ? ['nothing'] : came;
  return [line, `      expected  ${plain(verdict.expected)}`, ...what.map((text) => `      came      ${text}`)].join(
    '\n',
  );
}

/** By section, in the order in which the sections first come. */
export function reportText({ setting, results }: Report): string {
  const sections = new Map<string, Result[]>();
  for (const result of results) {
    const name = sectionName(result);
    sections.set(name, [...(sections.get(name) ?? []), result]);
  }
  const blocks = [...sections].map(([name, of]) => [name, ...of.map(resultText)].join('\n'));
  return [titleOf(setting), ...blocks, summary(results)].join('\n\n');
}

export function summary(results: readonly Result[]): string {
  const { passed, failed, notOffered } = counts(results);
  return `${passed} passed, ${failed} failed, ${notOffered} not offered`;
}

/** For programs: the same as data. */
export function reportJson(reports: readonly Report[]): string {
  const runs = reports.map(({ setting, results }) => {
    const { protocol, role, mode, extension, peer, domain, users } = setting;
    return {
      ...{ protocol, role, ...(protocol === '0289' ? { mode } : {}), extension, peer, domain, users },
      counts: counts(results),
      results: results.map((result) => {
        const { id, section, requirement, verdict, tookMs } = result;
        const said =
          verdict.kind === 'failed'
            ? { expected: verdict.expected, came: cameOf(result) }
            : verdict.kind === 'not offered'
              ? { why: verdict.why }
              : {};
        return { id, section, requirement, verdict: verdict.kind, seconds: tookMs / 1000, ...said };
      }),
    };
  });
  return `${JSON.stringify({ format: 'netsplit-conformance', version: 1, runs }, undefined, 2)}\n`;
}

/** JUnit's XML, as continuous integration reads it: a suite for each run, and a class of tests for each section. */
export function reportJunit(reports: readonly Report[]): string {
  const all = reports.flatMap(({ results }) => results);
  const suites = reports.map(({ setting, results }) =>
    el(
      'testsuite',
      '',
      { name: titleOf(setting), ...numbers(results) },
      ...results.map((one) => testcase(setting, one)),
    ),
  );
  const root = el('testsuites', '', { name: 'conformance', ...numbers(all) }, ...suites);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialize(root)}\n`;
}

function numbers(results: readonly Result[]) {
  const { failed, notOffered } = counts(results);
  const time = seconds(results.reduce((sum, { tookMs }) => sum + tookMs, 0));
  return { tests: String(results.length), failures: String(failed), errors: '0', skipped: String(notOffered), time };
}

function testcase({ protocol, role }: Setting, result: Result): XmlElement {
  const { id, requirement, verdict, tookMs } = result;
  const attrs = {
    classname: `XEP-${protocol} ${role} ${sectionName(result)}`,
    name: `${id}: ${requirement}`,
    time: seconds(tookMs),
  };
  if (verdict.kind === 'passed') return el('testcase', '', attrs);
  if (verdict.kind === 'not offered')
    return el('testcase', '', attrs, el('skipped', '', { message: plain(verdict.why) }));
  const message = `expected ${plain(verdict.expected)}`;
  const text = cameOf(result).map((came) => `came ${came}`);
  return el('testcase', '', attrs, el('failure', '', { message }, [message, ...text].join('\n')));
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
