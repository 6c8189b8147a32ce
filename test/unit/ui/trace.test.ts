import { describe, expect, it } from 'vitest';
import { modes } from '../../../src/sim/plan.ts';
import { readAll, simulated, small, type Written, written } from '../../support/traces.ts';

describe('A trace of the simulator', () => {
  it.each(modes)('%s: is read to its end, in pieces of any length', (mode) => {
    const text = simulated(4, mode);
    const trace = readAll(text, 997);
    expect(trace.lines).toHaveLength(text.trimEnd().split('\n').length - 1);
    expect(trace.skipped.size).toBe(0);
    expect(trace).toEqual(readAll(text.trimEnd()));
    expect(trace.label).toBe(`seed 4, mode ${mode}`);
    expect(trace.scenario).toMatchObject({
      xep: { plain: '0045', '0281': '0281', '0282': '0282', '0289pp': '0289', '0289pr': '0289' }[mode],
      script: [],
    });
  });

  it('has each server at a place of its own, all within the picture', () => {
    for (const count of [1, 2, 3, 4, 5, 12]) {
      const { header } = small();
      const servers = ['a.sim', 'b.sim', ...Array.from({ length: 10 }, (_, i) => `s${i}.sim`)].slice(
        0,
        Math.max(2, count),
      );
      const places = readAll(written({ header: { ...header, servers }, lines: [] })).scenario.servers.map(
        ({ at }) => at,
      );
      expect(new Set(places.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`)).size).toBe(servers.length);
      for (const [x, y] of places) expect([x >= 0, x <= 1, y >= 0, y <= 1]).toEqual([true, true, true, true]);
    }
  });

  it('tells in words what only a recorded run has', () => {
    const told = readAll(written(small())).lines.flatMap(({ record }) => (record.kind === 'told' ? [record] : []));
    expect(told.map(({ as, text }) => `${as}: ${text}`)).toEqual([
      'act: step 0: u@a.sim speaks',
      'append: writes to its log: message accepted',
      'link: one way up, the other silent; 50 % vanish',
      'fault: these appends are lost (1)',
      'state: healed: nothing breaks from here on',
    ]);
  });

  it('may have lines of a kind that nobody knows: they are left out, and counted', () => {
    const trace = small();
    trace.lines.splice(2, 0, { kind: 'omen', t: trace.lines[1]?.['t'] }, { kind: 'omen', t: trace.lines[1]?.['t'] });
    for (const line of trace.lines) delete line['cause'];
    const { lines, skipped } = readAll(written(trace));
    expect([...skipped]).toEqual([['omen', 2]]);
    expect(lines).toHaveLength(small().lines.length);
  });

  it('may come after what npm writes before what it runs', () => {
    const banner = '\n> netsplit@0.1.0 sim\n> node src/headless/setup.mjs sim --seed 3 --json\n\n';
    expect(readAll(banner + written(small()))).toEqual(readAll(written(small())));
    expect(() => readAll(`${'\n'.repeat(9)}${written(small())}`)).toThrow('It is not a trace: line 9 is not JSON.');
    const torn = written(small()).replace('"kind":"act"', '"kind":7');
    expect(() => readAll(banner + torn)).toThrow('Line 8: “kind” is not text.');
  });

  it('may have fields that nobody knows: they are not looked at', () => {
    const { header, lines } = small();
    const more = { colour: 'blue', __proto__: null };
    expect(
      readAll(written({ header: { ...header, ...more }, lines: lines.map((line) => ({ ...line, ...more })) })),
    ).toEqual(readAll(written({ header, lines })));
  });
});

it('a status of a file may say what has changed, as a server’s does', () => {
  const { header, lines } = small();
  const change = lines[1] as { status: { rooms: object[] } };
  const rooms = change.status.rooms.map((room) => ({
    ...room,
    changes: true,
    goneOccupants: ['nick1'],
    gonePeers: [],
  }));
  const changed = { ...change, changes: true, goneRooms: ['x@rooms.a.sim'], status: { ...change.status, rooms } };
  const read = readAll(written({ header, lines: lines.with(1, changed) }));
  expect(read.lines[1]?.record).toMatchObject({ changes: true, goneRooms: ['x@rooms.a.sim'], status: { rooms } });
});

describe('A file that is no trace, or a hostile one, is refused with one sentence', () => {
  /** What the reader says of the small trace after it was spoilt. */
  function refusal(spoil: (trace: Written) => void): string {
    const trace = small();
    spoil(trace);
    return refusalOf(written(trace));
  }

  function refusalOf(text: string): string {
    try {
      readAll(text);
    } catch (error) {
      return (error as Error).message;
    }
    return 'not refused';
  }

  const line = (number: number, change: object) => (trace: Written) => {
    trace.lines[number - 2] = { ...trace.lines[number - 2], ...change };
  };
  const header = (change: object) => (trace: Written) => {
    trace.header = { ...trace.header, ...change };
  };
  const stanzaOf = (change: object) => (trace: Written) => {
    const hop = trace.lines[3] as { stanza: object };
    trace.lines[3] = { ...hop, stanza: { ...hop.stanza, ...change } };
  };
  const statusOf = (change: object) => (trace: Written) => {
    const { status } = trace.lines[1] as { status: { rooms: object[] } };
    trace.lines[1] = { ...trace.lines[1], status: { ...status, rooms: [{ ...status.rooms[0], ...change }] } };
  };

  it('as it is, it is read', () => {
    expect(refusal(() => undefined)).toBe('not refused');
  });

  it.each([
    ['nothing', '', 'It is empty.'],
    ['blank lines alone', '\n\n', 'It is empty.'],
    ['no JSON', 'Hello\n', 'It is not a trace: line 1 is not JSON.'],
    ['a page', '<!doctype html><script>alert(1)</script>', 'It is not a trace: line 1 is not JSON.'],
    ['a list', '[]\n', 'Line 1: it is not an object.'],
    ['null', 'null\n', 'Line 1: it is not an object.'],
    ['another object', '{}\n', 'It is not a trace: its first line is not the header of one.'],
  ])('%s', (_, text, message) => {
    expect(refusalOf(text)).toBe(message);
  });

  it.each<[string, (trace: Written) => void, string]>([
    ['another format', header({ format: 'dmuc' }), 'It is not a trace: its first line is not the header of one.'],
    [
      'another version',
      header({ version: 2 }),
      'It is a trace of version 2, which is newer than this page: it reads version 1.',
    ],
    ['a version in words', header({ version: '1' }), 'Line 1: “version” is not a whole number.'],
    ['no servers', header({ servers: undefined }), 'Line 1: “servers” is missing.'],
    [
      'servers without end',
      header({ servers: Array(5_000).fill('a') }),
      'Line 1: “servers” has 5000 entries, more than 12.',
    ],
    ['a server twice', header({ servers: ['a.sim', 'b.sim', 'a.sim'] }), 'Line 1: “servers” names something twice.'],
    [
      'a server that is none',
      header({ servers: ['a.sim', 7] }),
      'Line 1: “servers” holds something that is not an address.',
    ],
    [
      'a node elsewhere',
      header({ servers: ['a.sim'], links: [] }),
      'Line 1: “nodes[1].server” is a server that the header does not name.',
    ],
    [
      'a node of a kind of its own',
      header({ nodes: [{ kind: 'ghost' }] }),
      'Line 1: “nodes[0].kind” is not one of service, replica.',
    ],
    ['people without end', header({ people: Array(301).fill({}) }), 'Line 1: “people” has 301 entries, more than 300.'],
    ['a person without a nick', header({ people: [{ jid: 'u@a.sim/r' }] }), 'Line 1: “people[0].nick” is missing.'],
    [
      'a link to nowhere',
      header({ links: [{ between: ['a.sim', 'c.sim'] }] }),
      'Line 1: “links[0].between” names a server that the header does not.',
    ],
    ['a violation that is text', header({ violations: ['G3'] }), 'Line 1: “violations[0]” is not an object.'],
    ['a run that begins never', header({ start: 1e99 }), 'Line 1: “start” is not a time.'],
    ['a line without a time', (trace) => trace.lines.push({}), 'Line 13: “t” is missing.'],
    ['a line without a kind', line(3, { kind: undefined }), 'Line 3: “kind” is missing.'],
    [
      'a line that is missing',
      (trace) => line(5, { seq: 7 })(trace),
      'Line 5: “seq” is not 4, though this is line 4 after the header.',
    ],
    ['time that runs back', line(5, { t: 5 }), 'Line 5: “t” is earlier than that of the line before.'],
    ['time without end', line(5, { t: 9e15 }), 'Line 5: “t” is not a time.'],
    ['a cause of later', line(5, { cause: 4 }), 'Line 5: “cause” is not an earlier line.'],
    ['a hop without a stanza', line(5, { stanza: undefined }), 'Line 5: “stanza” is missing.'],
    ['a leg of its own', line(5, { leg: 'up' }), 'Line 5: “leg” is not one of in, link, out.'],
    [
      'a link that nobody has',
      line(6, { server: ['a.sim', 'x.sim'] }),
      'Line 6: “server” names a server that the header does not.',
    ],
    ['a link with itself', line(6, { server: ['a.sim', 'a.sim'] }), 'Line 6: “server” is not a pair of servers.'],
    ['bytes that are text', stanzaOf({ bytes: '101' }), 'Line 5: “stanza.bytes” is not a whole number.'],
    ['fewer than no bytes', stanzaOf({ bytes: -1 }), 'Line 5: “stanza.bytes” is less than 0.'],
    ['a stanza that is another', stanzaOf({ xml: '<iq/>' }), 'Line 5: “stanza.xml” is not a message stanza.'],
    [
      'a stanza that declares entities',
      stanzaOf({ xml: '<message/><!DOCTYPE x>' }),
      'Line 5: “stanza.xml” has a declaration or a comment, which no stanza may have.',
    ],
    [
      'a stanza of 1 MB',
      stanzaOf({ xml: `<message>${'x'.repeat(1_000_000)}` }),
      'Line 5: “stanza.xml” has 1000009 characters, more than 262144.',
    ],
    [
      'a stanza of 10 MB',
      stanzaOf({ xml: `<message>${'<a>'.repeat(3_500_000)}` }),
      'Line 5: it has more than 2,000,000 characters.',
    ],
    ['a name without end', line(5, { from: 'x'.repeat(4_000) }), 'Line 5: “from” has 4000 characters, more than 3071.'],
    [
      'a room in a part of its own',
      statusOf({ role: 'king' }),
      'Line 3: “status.rooms[0].role” is not one of plain, primary, replica, fmuc, source, shadow.',
    ],
    [
      'occupants without end',
      statusOf({ occupants: Array(501).fill({}) }),
      'Line 3: “status.rooms[0].occupants” has 501 entries, more than 500.',
    ],
    [
      'an occupant who is a number',
      statusOf({ occupants: [7] }),
      'Line 3: “status.rooms[0].occupants[0]” is not an object.',
    ],
    [
      'a peer of never',
      statusOf({ peers: [{ peer: 'x', state: 'live', since: null }] }),
      'Line 3: “status.rooms[0].peers[0].since” is not a time.',
    ],
    [
      'a sign of its own',
      line(8, { notes: [{ spec: 'x', what: 'y', sign: 'smoke' }] }),
      'Line 8: “notes[0].sign” is not one of bounce, silence, unanswered, gap, unlinked, restart, refused, netjoin, judged.',
    ],
    ['a probability of two', line(9, { loss: 2 }), 'Line 9: “loss” is not between 0 and 1.'],
    ['appends that are none', line(7, { events: {} }), 'Line 7: “events” is not a list.'],
  ])('%s', (_, spoil, message) => {
    expect(refusal(spoil)).toContain(message);
  });

  it('lines without end', () => {
    const { header, lines } = small();
    const [first] = lines;
    const more = Array.from(
      { length: 100_001 },
      (_, i) => `${JSON.stringify({ seq: i + 1, kind: 'omen', t: first?.['t'] })}\n`,
    );
    expect(refusalOf(`${JSON.stringify(header)}\n${more.join('')}`)).toBe(
      'It has more than 100,000 lines after the header.',
    );
  });

  it('a line without end, before it has come to it', () => {
    expect(() => readAll(`{"format":"${'x'.repeat(2_100_000)}`, 10_000)).toThrow('Line 1: it has more than');
  });

  it('a line that was torn off', () => {
    expect(refusalOf(written(small()).slice(0, -9))).toBe('The file was cut off: it ends in the middle of line 12.');
  });
});
