import { describe, expect, it } from 'vitest';
import { readJoin, readMucUser, subjectChange, writeJoin } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { type Condition, type ErrorType, stanzaError } from '../../src/core/xmpp/errors.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, errorReply, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';

const shown = (stanza: Stanza) =>
  stanza.name === 'presence'
    ? `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]}${readMucUser(stanza.payloads)?.statuses.includes(110) ? ' (self)' : ''}`
    : (bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`);
const peerOf = (world: World, node: Jid) => world.status(node).peers.map(({ state, reason }) => [state, reason]);
const requests = (world: World) =>
  world.sent
    .map(({ stanza }) => stanza)
    .filter(
      ({ name, payloads, to }) =>
        name === 'presence' &&
        readFmuc(payloads)?.kind === 'from' &&
        readJoin(payloads) !== undefined &&
        bareOf(to) === rabbithole,
    );

/** Hamlet asks to enter, and elsinore asks rabbithole, which is silent. */
function asking(): { readonly world: World; readonly request: Stanza } {
  const world = new World(wonderland);
  world.send(joins(alice, `${rabbithole}/Alice`));
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.clear();
  world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), { id: 'j1' }, writeJoin({})));
  const [request] = requests(world);
  expect(request).toBeDefined();
  return { world, request: request as Stanza };
}

/** Rabbithole is a room that does not federate. */
function besideAPlainRoom(): World {
  const scenario = structuredClone(wonderland) as unknown as {
    nodes: { address: string; rooms: { distribution?: unknown }[] }[];
  };
  for (const node of scenario.nodes)
    if (node.address === rooms) for (const room of node.rooms) delete room.distribution;
  return new World(scenario as unknown as Scenario);
}

const answers = (world: World, request: Stanza, type: ErrorType, condition: Condition, text?: string) =>
  world.inject(denmark, rooms, errorReply(request, stanzaError(type, condition, text)) as Stanza);

describe('XEP-0289 §5.1: how a join ends that is not accepted', () => {
  it.each([
    ['cancel', 'not-allowed'],
    ['auth', 'forbidden'],
    ['auth', 'registration-required'],
    ['auth', 'not-authorized'],
    ['cancel', 'not-acceptable'],
    ['modify', 'bad-request'],
  ] as const)(
    'decision #180: %s %s ends the wait at once, with its reason; nobody is asked while the room is in use',
    (type, condition) => {
      const { world, request } = asking();
      expect(world.got(hamlet)).toEqual([]);
      answers(world, request, type, condition, 'Not with you.');
      expect(world.got(hamlet).map(shown)).toEqual([
        'available Hamlet (self)',
        'subject: ',
        `This room is not linked with ${rabbithole}: Not with you.`,
      ]);
      expect(world.got(hamlet)[0]?.id).toBe('j1');
      expect(peerOf(world, denmark)).toEqual([['rejected', 'Not with you.']]);

      world.cut('denmark.lit', 'wonderland.lit', undefined);
      world.clear();
      world.send(joins(ophelia, `${elsinore}/Ophelia`));
      world.advance(600_000);
      expect(requests(world)).toEqual([]);
      expect(world.got(ophelia).map(shown)).toEqual(['available Hamlet', 'available Ophelia (self)', 'subject: ']);

      world.send(leaves(hamlet, `${elsinore}/Hamlet`), leaves(ophelia, `${elsinore}/Ophelia`));
      world.clear();
      world.send(joins(ophelia, `${elsinore}/Ophelia`));
      expect(world.got(ophelia).map(shown)).toEqual([
        'available Alice',
        'available Ophelia (self)',
        'subject: This is the subject',
      ]);
    },
  );

  it('decision #180: the word to the user is the room’s own, and nobody keeps it', () => {
    const { world, request } = asking();
    answers(world, request, 'auth', 'forbidden');
    const word = world.got(hamlet).at(-1) as Stanza;
    expect([word.from, word.type, bodyOf(word)]).toEqual([
      elsinore,
      'groupchat',
      `This room is not linked with ${rabbithole}: forbidden`,
    ]);
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(
      world
        .got(ophelia)
        .map(shown)
        .some((line) => line.includes('not linked')),
    ).toBe(false);
  });

  it('decision #180: a user who may not enter when the wait is over is refused, and told nothing of the link', () => {
    const { world, request } = asking();
    world.send(presence(jid(ophelia), jid(`${elsinore}/Ophelia`), { id: 'j2' }, writeJoin({})));
    const user = bareOf(jid(ophelia));
    world.seat(denmark).node.apply({ kind: 'affiliationChanged', room: elsinore, user, affiliation: 'outcast' });
    answers(world, request, 'auth', 'forbidden');
    expect(world.got(ophelia).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
    expect(world.got(hamlet).map(shown).at(-1)).toContain('not linked');
  });

  it('decision #180: an error that says "wait" is tried again, as after a bounce', () => {
    const { world, request } = asking();
    answers(world, request, 'wait', 'resource-constraint');
    expect(world.got(hamlet).map(shown)).toEqual(['available Hamlet (self)', 'subject: ']);
    expect(peerOf(world, denmark)).toEqual([['split', undefined]]);
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(6_000);
    expect(peerOf(world, denmark)).toEqual([['live', undefined]]);
  });

  it('decision #180: an error that is not about the join, or from somebody else, ends nothing', () => {
    const { world, request } = asking();
    const forged = errorReply(request, stanzaError('auth', 'forbidden')) as Stanza;
    world.inject(denmark, rooms, { ...forged, id: 'guess' });
    world.inject(denmark, 'chat.evil.lit', { ...forged, from: jid('rabbithole@chat.evil.lit/Hamlet') });
    expect(world.got(hamlet)).toEqual([]);
    expect(peerOf(world, denmark)).toEqual([['joining', undefined]]);
  });

  it('decision #180: a room that does not federate has accepted nothing; no ghost of ours stays there', () => {
    const world = besideAPlainRoom();
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet).map(shown)).toEqual([
      'available Hamlet (self)',
      'subject: ',
      `This room is not linked with ${rabbithole}: it is a room that does not federate (XEP-0289)`,
    ]);
    expect(world.status(denmark).occupants.map(({ nick }) => nick)).toEqual(['Hamlet']);
    expect(world.status(rooms).occupants.map(({ nick }) => nick)).toEqual(['Alice']);
    world.clear();
    world.send(says(hamlet, elsinore, 'alone'), says(alice, rabbithole, 'alone, too'));
    expect(world.got(hamlet).map(shown)).toEqual(['alone']);
    expect(world.got(alice).map(shown)).toEqual(['alone, too']);
  });

  it('Example 3: the reason of a reject is told, kept in the status, and no longer than one can read', () => {
    const { world } = asking();
    const reject = (text: string) => presence(rabbithole, elsinore, {}, writeFmuc({ kind: 'reject', text }));
    world.inject(denmark, rooms, reject(`No cross-domain federation.${' '.repeat(2)}${'x'.repeat(2_000)}`));
    expect(bodyOf(world.got(hamlet).at(-1) as Stanza)).toContain(': No cross-domain federation.');
    expect(world.status(denmark).peers[0]?.reason).toHaveLength(500);
  });

  it('XEP-0045 §7.2.2: a user who waited and may not enter is answered with the id of their request', () => {
    const { world } = asking();
    const user = bareOf(jid(hamlet));
    world.seat(denmark).node.apply({ kind: 'affiliationChanged', room: elsinore, user, affiliation: 'outcast' });
    world.advance(10_000);
    const [answer] = world.got(hamlet);
    expect([answer?.id, answer && errorOf(answer)?.condition]).toEqual(['j1', 'forbidden']);
    expect(answer && payloadOf(answer, 'x', NS.muc)).toBeDefined();
  });

  it('decision #23: the same where their nick is taken on the joined node', () => {
    const world = new World(wonderland);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(presence(jid(hamlet), jid(`${elsinore}/Alice`), { id: 'j2' }, writeJoin({})));
    const [answer] = world.got(hamlet);
    expect([answer?.id, answer && errorOf(answer)?.condition]).toEqual(['j2', 'conflict']);
  });

  it('decision #24: nodes that lost one node do not all come back at the same moment', () => {
    const when = [1, 2, 3, 4].map((also) => {
      const world = new World(wonderland);
      world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
      for (let i = 0; i < also; i++) world.send(says(hamlet, elsinore, `${i}`));
      world.cut('denmark.lit', 'wonderland.lit', 'bounce');
      world.send(says(hamlet, elsinore, 'gone'));
      world.clear();
      let ms = 0;
      for (; requests(world).length === 0 && ms < 10_000; ms += 10) world.advance(10);
      return ms;
    });
    expect(new Set(when).size).toBeGreaterThan(1);
    for (const ms of when) expect(Math.abs(ms - 5_000)).toBeLessThanOrEqual(1_010);
  });
});
