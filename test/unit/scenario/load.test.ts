import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import { formatErrors, parseScenario, type ScenarioError } from '../../../src/scenario/load.ts';

const source = (id: string) => readFileSync(new URL(`../../../src/scenario/${id}.json`, import.meta.url), 'utf8');
const wallops = source('wallops');
const wonderland = source('wonderland');
const coven = source('coven');

function errorsOf(text: string): readonly ScenarioError[] {
  const parsed = parseScenario(text);
  return parsed.ok ? [] : parsed.errors;
}

/** The file with one place changed; the place must be there. */
function changed(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, () => to);
}
const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

describe('built-in scenarios', () => {
  it('start with the default and have unique ids', () => {
    expect(builtIn.map(({ id }) => id)).toEqual([
      'wallops',
      'growing',
      'frozen',
      'local',
      'wonderland',
      'mirror',
      'chain',
      'ring',
      'coven',
      'plain',
    ]);
    expect(builtInScenario('wonderland')?.xep).toBe('0289');
    expect(builtInScenario('nowhere')).toBeUndefined();
  });

  for (const scenario of builtIn) {
    it(`${scenario.id}: the file is valid and is what the page imports`, () => {
      expect(parseScenario(source(scenario.id))).toEqual({ ok: true, scenario });
    });
  }

  it('wallops: the dramatis personae of XEP-0282', () => {
    const cast = builtInScenario('wallops')?.occupants.map(({ nick, jid }) => `${nick} ${jid}`);
    expect(cast?.sort()).toEqual([
      'BigCheese rubenro@vesa.yeggmaex.irc/shaver',
      'Efchen msa@vesa.yeggmaex.irc/bicycle',
      'Phaedrus phaedrus@killrc.oulubox.irc/phone',
      'Troy troy@eris.dclxvii.irc/screwdriver',
      'Valdis valdis@killrc.oulubox.irc/desktop',
      'WiZ squit@eris.dclxvii.irc/jupiter',
      'Wumpus argl@killrc.oulubox.irc/laptop',
    ]);
  });

  it('wonderland: nobody in Denmark joins by the script, so nothing crosses the link', () => {
    expect(builtInScenario('wonderland')?.script).toEqual([
      { act: 'join', who: 'alice@wonderland.lit/priam-ubuntu-vm' },
    ]);
  });
});

describe('mistakes of form name their line and path', () => {
  it('a value outside its enumeration', () => {
    const [error, ...others] = errorsOf(changed(wallops, '"xep": "0282"', '"xep": "0283"'));
    expect(others).toEqual([]);
    expect(error).toEqual({ path: '$.xep', line: 8, message: expect.stringContaining('"0282"') });
  });

  it('a number out of range, deep inside', () => {
    const text = changed(wallops, '"at": [0.83, 0.24]', '"at": [0.83, 24]');
    expect(errorsOf(text)).toEqual([
      { path: '$.servers[2].at[1]', line: lineOf(text, '0.83, 24'), message: '24 is greater than 1' },
    ]);
  });

  it('a missing property: the object that lacks it', () => {
    const text = changed(wallops, '"nick": "WiZ", ', '');
    expect(errorsOf(text)).toEqual([
      {
        path: '$.occupants[3]',
        line: lineOf(text, '{ "jid": "squit@eris.dclxvii.irc/jupiter"'),
        message: 'lacks the property "nick"',
      },
    ]);
  });

  it('a mistyped property', () => {
    const text = changed(wallops, '"whois"', '"who-is"');
    expect(errorsOf(text)).toEqual([
      { path: '$.nodes[0].rooms[0]["who-is"]', line: lineOf(text, '"who-is"'), message: 'unknown property "who-is"' },
    ]);
  });

  it('a kind of node that does not exist', () => {
    const text = changed(wallops, '"kind": "replica"', '"kind": "shadow"');
    expect(errorsOf(text)).toMatchObject([{ path: '$.nodes[1].kind', line: lineOf(text, '"shadow"') }]);
  });

  it('a property that stands there twice', () => {
    const text = changed(wallops, '"title":', '"title": "x",\n  "title":');
    expect(errorsOf(text)).toMatchObject([{ path: '$.title', message: 'the property "title" is listed twice' }]);
  });

  it('several mistakes at once', () => {
    const text = changed(changed(wallops, '"version": 1', '"version": 2'), '"act": "join"', '"act": "fly"');
    expect(errorsOf(text).map(({ path }) => path)).toEqual(['$.version', '$.script[0].act']);
  });
});

describe('text that is no scenario is refused, never thrown at', () => {
  for (const [what, text, line] of [
    ['the empty text', '', 1],
    ['an open brace', '{\n\n', 3],
    ['a comment', '// hello\n{}', 1],
    ['something after the end', `${wallops}\n!`, lineOf(`${wallops}\n!`, '\n!') + 1],
    ['deep nesting', `[\n${'['.repeat(500_000)}`, 2],
    ['a prototype', '{"__proto__": {"format": "netsplit-scenario"}}', 1],
    ['a lone surrogate as a key', '{"\\ud800": 1}', 1],
    ['a bare number', '1', 1],
  ] as const) {
    it(what, () => {
      expect(errorsOf(text)[0]?.line).toBe(line);
    });
  }

  it('a megabyte too much', () => {
    expect(errorsOf(wallops + ' '.repeat(1024 * 1024))[0]?.message).toMatch(/longer than/);
  });

  it('a control character inside a string', () => {
    expect(errorsOf(changed(wallops, 'one primary', 'one\u0001primary')).length).toBeGreaterThan(0);
  });
});

describe('names must refer to what exists', () => {
  const cases: readonly [what: string, text: string, path: string, message: RegExp][] = [
    [
      'a node on an unknown server',
      changed(wallops, '"server": "avalon.irc"', '"server": "avalon.lit"'),
      '$.nodes[0].server',
      /no server avalon\.lit/,
    ],
    [
      'a link to an unknown server',
      changed(wonderland, '["denmark.lit", "wonderland.lit"]', '["denmark.lit", "oz.lit"]'),
      '$.links[0].between[1]',
      /no server oz\.lit/,
    ],
    [
      'a link from a server to itself',
      changed(wonderland, '["denmark.lit", "wonderland.lit"]', '["denmark.lit", "denmark.lit"]'),
      '$.links[0].between',
      /two different servers/,
    ],
    [
      'two servers of one name',
      changed(wonderland, '{ "domain": "wonderland.lit"', '{ "domain": "denmark.lit"'),
      '$.servers[1].domain',
      /twice/,
    ],
    [
      'a malformed domain',
      changed(wonderland, '{ "domain": "wonderland.lit"', '{ "domain": "wonder land"'),
      '$.servers[1].domain',
      /not a JID/,
    ],
    [
      'a domain with a localpart',
      changed(wonderland, '{ "domain": "wonderland.lit"', '{ "domain": "a@wonderland.lit"'),
      '$.servers[1].domain',
      /not a plain domain/,
    ],
    [
      'an address that is not prepared',
      changed(wallops, '"jid": "troy@eris.dclxvii.irc/screwdriver"', '"jid": "Troy@eris.dclxvii.irc/screwdriver"'),
      '$.occupants[4].jid',
      /write "troy@/,
    ],
    [
      'a service at the domain of a server',
      changed(wallops, '"address": "channel.avalon.irc"', '"address": "avalon.irc"'),
      '$.nodes[0].address',
      /is already a server/,
    ],
    [
      'two nodes of one address',
      changed(wallops, '"address": "replica@killrc.oulubox.irc"', '"address": "replica@vesa.yeggmaex.irc"'),
      '$.nodes[2].address',
      /twice/,
    ],
    [
      'a room of another service',
      changed(wallops, '"jid": "wallops@channel.avalon.irc"', '"jid": "wallops@avalon.irc"'),
      '$.nodes[0].rooms[0].jid',
      /not a room of the service/,
    ],
    [
      'two affiliations for one JID',
      changed(wallops, '"squit@eris.dclxvii.irc", "aff', '"troy@eris.dclxvii.irc", "aff'),
      '$.nodes[0].rooms[0].affiliations[2].jid',
      /already/,
    ],
    [
      'a replica of an unknown room',
      changed(wallops, '"replicaOf": "wallops@', '"replicaOf": "walops@'),
      '$.nodes[1].replicaOf',
      /no room walops@/,
    ],
    [
      'a replica that its primary does not list',
      changed(wallops, '{ "jid": "replica@vesa.yeggmaex.irc"', '{ "jid": "other@vesa.yeggmaex.irc"'),
      '$.nodes[1].address',
      /does not list/,
    ],
    [
      'a replica that serves more than it may',
      changed(wallops, '"serves": ["vesa.yeggmaex.irc"]\n', '"serves": ["avalon.irc"]\n'),
      '$.nodes[1].serves[0]',
      /does not let/,
    ],
    [
      'a replica away from its server',
      changed(wallops, '"server": "vesa.yeggmaex.irc"', '"server": "avalon.irc"'),
      '$.nodes[1].address',
      /not an account of its server/,
    ],
    [
      'two replicas for one domain',
      changed(wallops, '"serves": ["eris.dclxvii.irc"] }', '"serves": ["eris.dclxvii.irc", "vesa.yeggmaex.irc"] }'),
      '$.nodes[0].rooms[0].distribution.replicas[2].serves[1]',
      /served by replica@vesa/,
    ],
    [
      'a replica of a plain room',
      changed(wallops, '"kind": "primary"', '"kind": "fmuc"').replace(
        /"replicas": \[[\s\S]*?\n {12}\]/,
        '"allowedNodes": []',
      ),
      '$.nodes[1].replicaOf',
      /not distributed as a primary/,
    ],
    [
      'an FMUC join of an unknown room',
      changed(wonderland, '"outbound": "rabbithole@', '"outbound": "rabithole@'),
      '$.nodes[0].rooms[0].distribution.outbound',
      /no room rabithole@/,
    ],
    [
      'an FMUC join that is not allowed',
      changed(wonderland, '"allowedNodes": ["elsinore@talk', '"allowedNodes": ["kronborg@talk'),
      '$.nodes[0].rooms[0].distribution.outbound',
      /does not list elsinore@/,
    ],
    [
      'an FMUC node that joins itself',
      changed(wonderland, '"allowedNodes": [', '"outbound": "rabbithole@rooms.wonderland.lit", "allowedNodes": ['),
      '$.nodes[1].rooms[0].distribution.outbound',
      /cannot join itself/,
    ],
    [
      'a shadow at an unknown service',
      changed(coven, '"peerhosts": ["rooms.macbeth.lit"', '"peerhosts": ["rooms.mackbeth.lit"'),
      '$.nodes[0].rooms[0].distribution.peerhosts[0]',
      /no service rooms\.mackbeth\.lit/,
    ],
    [
      'a shadow at something that is no service',
      changed(coven, '"peerhosts": ["rooms.macbeth.lit"', '"peerhosts": ["theroom@rooms.macbeth.lit"'),
      '$.nodes[0].rooms[0].distribution.peerhosts[0]',
      /not a plain domain/,
    ],
    [
      'a shadow at a service that does not replicate',
      changed(coven, '"firsthosts": ["chat.shakespeare.lit"]', '"firsthosts": []'),
      '$.nodes[0].rooms[0].distribution.peerhosts[0]',
      /rooms\.macbeth\.lit does not list chat\.shakespeare\.lit/,
    ],
    [
      'a shadow beside its source',
      changed(coven, '"peerhosts": ["rooms.macbeth.lit"', '"peerhosts": ["chat.shakespeare.lit"'),
      '$.nodes[0].rooms[0].distribution.peerhosts[0]',
      /hosts the room already/,
    ],
    [
      'a service that replicates itself',
      changed(
        coven,
        '"firsthosts": ["chat.shakespeare.lit"]',
        '"firsthosts": ["chat.shakespeare.lit", "rooms.macbeth.lit"]',
      ),
      '$.nodes[1].hosting.firsthosts[1]',
      /cannot replicate its own rooms/,
    ],
    [
      'two rooms whose shadows have one name',
      changed(
        coven,
        '"rooms": [\n',
        '"rooms": [ { "jid": "theroom@chat.shakespeare.lit", "distribution": { "kind": "source", "peerhosts": ["rooms.macbeth.lit"] } },\n',
      ),
      '$.nodes[0].rooms[1].distribution.peerhosts[0]',
      /theroom@rooms\.macbeth\.lit is already a shadow of theroom@chat/,
    ],
    [
      'new rooms whose shadows would all have one name',
      changed(
        coven,
        '"hosting": {',
        '"onDemand": { "kind": "source", "peerhosts": [], "id": { "text": "x" } }, "hosting": {',
      ),
      '$.nodes[1].onDemand.id',
      /cannot all have the same name/,
    ],
    [
      'new rooms with a shadow beside them',
      changed(
        coven,
        '"hosting": {',
        '"onDemand": { "kind": "source", "peerhosts": ["rooms.macbeth.lit"] }, "hosting": {',
      ),
      '$.nodes[1].onDemand.peerhosts[0]',
      /hosts the room already/,
    ],
    [
      'an occupant of an unknown domain',
      changed(wallops, '"jid": "msa@vesa.yeggmaex.irc/bicycle"', '"jid": "msa@yeggmaex.irc/bicycle"'),
      '$.occupants[6].jid',
      /no server yeggmaex\.irc/,
    ],
    [
      'an occupant without a resource',
      changed(wallops, '"jid": "msa@vesa.yeggmaex.irc/bicycle"', '"jid": "msa@vesa.yeggmaex.irc"'),
      '$.occupants[6].jid',
      /not a full JID/,
    ],
    [
      'an occupant with the account of a replica',
      changed(wallops, '"jid": "msa@vesa.yeggmaex.irc/bicycle"', '"jid": "replica@vesa.yeggmaex.irc/x"'),
      '$.occupants[6].jid',
      /a node's account/,
    ],
    [
      'a nick that belongs to another',
      changed(wallops, '"nick": "Efchen"', '"nick": "Wumpus"'),
      '$.occupants[6].nick',
      /taken by argl@/,
    ],
    [
      'a nick that belongs to another, elsewhere in the FMUC set',
      changed(wonderland, '"nick": "Ophelia"', '"nick": "Alice"'),
      '$.occupants[3].nick',
      /taken by alice@/,
    ],
    [
      'a nick that the same user has at another node',
      changed(
        wonderland,
        '"jid": "ophelia@denmark.lit/priam-ubuntu-vm", "nick": "Ophelia"',
        '"jid": "alice@wonderland.lit/laptop", "nick": "Alice"',
      ),
      '$.occupants[3].nick',
      /taken by alice@/,
    ],
    [
      'a nick that is no resourcepart',
      changed(wallops, '"nick": "Efchen"', '"nick": "\\u200b"'),
      '$.occupants[6].nick',
      /cannot be a nick/,
    ],
    [
      'an occupant of an unknown room',
      changed(wonderland, '"nick": "Ophelia", "room": "elsinore@', '"nick": "Ophelia", "room": "kronborg@'),
      '$.occupants[3].room',
      /no room kronborg@/,
    ],
    [
      'an act of an unknown occupant',
      changed(wonderland, '"who": "alice@', '"who": "queen@'),
      '$.script[0].who',
      /no occupant queen@/,
    ],
    [
      'a leave before the join',
      changed(wonderland, '"act": "join"', '"act": "leave"'),
      '$.script[0]',
      /has not joined/,
    ],
    [
      'a second join',
      changed(
        wallops,
        '{ "act": "join", "who": "argl@',
        '{ "act": "join", "who": "valdis@killrc.oulubox.irc/desktop" },\n{ "act": "join", "who": "argl@',
      ),
      '$.script[2]',
      /has already joined/,
    ],
  ];
  for (const [what, text, path, message] of cases) {
    it(what, () => {
      expect(errorsOf(text)).toContainEqual({
        path,
        line: expect.any(Number),
        message: expect.stringMatching(message),
      });
    });
  }

  it('decision #140: a user may be listed for each of their devices, with one nick in one room', () => {
    const efchen = '{ "jid": "msa@vesa.yeggmaex.irc/bicycle", "nick": "Efchen", "room": "wallops@channel.avalon.irc" }';
    const phone = efchen.replace('bicycle', 'phone');
    expect(errorsOf(changed(wallops, efchen, `${efchen}, ${phone}`))).toEqual([]);
  });

  it('formatErrors writes file, line and path as compilers do', () => {
    const text = changed(wallops, '"server": "avalon.irc"', '"server": "avalon.lit"');
    expect(formatErrors('my.json', errorsOf(text))).toMatch(
      /^my\.json:19: \$\.nodes\[0\]\.server: no server avalon\.lit/,
    );
  });
});
