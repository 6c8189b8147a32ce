import { describe, expect, it } from 'vitest';
import { el } from '../../src/core/xmpp/xml.ts';
import { difference } from './match.ts';
import { readScript, readStanzas, ScriptError, scriptNs } from './script.ts';

const none = new Map<string, string>();
const read = (xml: string, values = none) => {
  const [stanza] = readStanzas(xml, values);
  if (stanza === undefined) throw new Error('no stanza');
  return stanza;
};
const actual = read(
  `<message from="coven@x/first" id="m1"><body>hail</body><x xmlns="urn:a"><status code="110"/><status code="201"/></x></message>`,
);

describe('matching', () => {
  it.each([
    [
      'only what is named counts, children in any order',
      '<message><x xmlns="urn:a"><status code="201"/></x><body/></message>',
    ],
    ['text', '<message><body>hail</body></message>'],
    ['some value', '<message id="{any}"/>'],
    ['what must not be there is not there', '<message><s:no><subject/></s:no></message>'],
    ['nothing besides', '<message><body/><x xmlns="urn:a"/><s:only/></message>'],
  ])('%s', (_what, expected) => expect(difference(read(expected), actual, new Map())).toBeUndefined());

  it.each([
    ['<presence/>', '<message xmlns="jabber:client"> where <presence xmlns="jabber:client"> was expected'],
    ['<message id="m2"/>', '<message> id is "m1" instead of "m2"'],
    ['<message type="chat"/>', '<message> type is not there'],
    ['<message id="{absent}"/>', '<message> id is "m1", which must not be there'],
    ['<message><body>ho</body></message>', 'the text of <body> is "hail" instead of "ho"'],
    ['<message><x xmlns="urn:b"/></message>', '<message> has no <x xmlns="urn:b">'],
    ['<message><s:no><x xmlns="urn:a"/></s:no></message>', '<message> has <x>, which must not be there'],
    ['<message><body/><s:only/></message>', '<message> has <x> besides'],
    ['<message><body/><body/></message>', '<message> has no <body xmlns="jabber:client">'],
  ])('%s', (expected, why) => expect(difference(read(expected), actual, new Map())).toBe(why));

  it('remembers values, and wants them again', () => {
    const captures = new Map<string, string>();
    expect(difference(read('<message id="{set:id}"/>'), actual, captures)).toBeUndefined();
    expect(difference(read('<message id="{id}"/>', captures), actual, captures)).toBeUndefined();
    expect(read('<message id="{id}"/>', new Map([['id', '<&"']])).attrs['id']).toBe('<&"');
  });

  it('its own elements are of a namespace nobody sends', () => {
    expect(read('<message><s:only/></message>').children).toEqual([el('only', scriptNs)]);
  });
});

describe('scripts', () => {
  const script = (...lines: string[]) => readScript('x.script', lines.join('\n'));

  it('clients, steps with their blocks, differences with theirs', () => {
    const { title, clients, steps, differs } = script(
      '# XEP-0045 §7.4 Title',
      '# differs prosody: it never does',
      '[Client] hag hag66@{host}/pda',
      '-- a remark',
      'hag connects',
      'hag receives in order:',
      '  <message/>',
      'differs prosody,ejabberd: a reason',
      '  hag receives nothing',
    );
    expect([title, [...clients], [...differs]]).toEqual([
      'XEP-0045 §7.4 Title',
      [['hag', 'hag66@{host}/pda']],
      [['prosody', 'it never does']],
    ]);
    expect(steps.map(({ kind, line }) => [kind, line])).toEqual([
      ['connects', 5],
      ['receives', 6],
      ['differs', 8],
    ]);
    expect(steps[2]).toMatchObject({ seats: ['prosody', 'ejabberd'], steps: [{ kind: 'receives nothing' }] });
  });

  it.each([
    [['hag connects'], 'the first line is "# title"'],
    [['# t', 'hag connects'], 'x.script:2: no such client: hag connects'],
    [['# t', '[Client] hag h@x', 'hag sleeps'], 'x.script:3: what is this?: hag sleeps'],
    [['# t', '# differs'], 'x.script:2: "# differs seat: reason" expected'],
  ])('%j', (lines, why) => {
    expect(() => script(...lines)).toThrow(ScriptError);
    expect(() => script(...lines)).toThrow(why);
  });
});
