import { describe, expect, it } from 'vitest';
import { writePassed } from '../../src/core/xep/instances.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { nodeLimits } from '../../src/core/xmpp/size.ts';
import { errorOf, iq, type Stanza, stanzaFrame } from '../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';
import { coven, wonderland } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// Decision #120, where another node has other limits than ours: what its users ask and answer (XEP-0045 §17.4) may grow beyond
// what a server takes from a node, as what our own users say.

const large = el('query', 'jabber:iq:version', {}, '&'.repeat(130_000));

/** Our room with a user, and one of another node. */
interface Setting {
  readonly node: Jid;
  readonly room: Jid;
  readonly user: string;
  readonly peer: Jid;
  readonly theirs: string;
  readonly world: () => World;
  /** A question as that node passes it on. */
  readonly asked: (question: XmlElement) => XmlElement;
}

const fmuc: Setting = {
  node: jid('rooms.wonderland.lit'),
  room: jid('rabbithole@rooms.wonderland.lit'),
  user: 'alice@wonderland.lit/p',
  peer: jid('elsinore@talk.denmark.lit'),
  theirs: 'hamlet@denmark.lit/p',
  world: () => new World(wonderland),
  asked: (question) => el('fmuc', NS.fmuc, { from: 'hamlet@denmark.lit/p' }, question),
};
const instances: Setting = {
  node: jid('rooms.macbeth.lit'),
  room: jid('theroom@rooms.macbeth.lit'),
  user: 'somewitch@macbeth.lit/mobile',
  peer: jid('theroom@conference.marlowe.lit'),
  theirs: 'faustus@marlowe.lit/study',
  world: () => {
    const world = new World(coven);
    world.advance(60_000);
    return world;
  },
  asked: writePassed,
};

function inside({ world: make, user, room, theirs, peer }: Setting): World {
  const world = make();
  world.send(joins(user, `${room}/Us`), joins(theirs, `${peer}/Them`));
  world.clear();
  return world;
}

/** All that nodes sent is what a server takes. */
function expectTaken(world: World): void {
  const sent = world.sent.filter((one) => world.senderOf(one) !== undefined);
  expect(sent.every(({ stanza }) => parseElement(stanzaFrame(stanza), nodeLimits).ok)).toBe(true);
}
const answers = (stanzas: readonly Stanza[]) =>
  stanzas.map((stanza) => [stanza.from, stanza.id, stanza.type, errorOf(stanza)?.condition, errorOf(stanza)?.text]);
const tooLong = expect.stringMatching(/bytes long as it is sent on/) as unknown;

describe.each([
  ['XEP-0289', fmuc],
  ['XEP-0281', instances],
])('XEP-0045 §17.4 by %s: iqs of users of another node', (_, setting) => {
  const { node, room, user, peer, theirs, asked } = setting;
  const domain = peer.slice(peer.indexOf('@') + 1);

  it('decision #120: in place of a result that is too large the user who asked gets the refusal', () => {
    const world = inside(setting);
    world.lose(({ to }) => to === theirs);
    world.send(iq(jid(user), jid(`${room}/Them`), { type: 'get', id: 'v' }, el('query', 'jabber:iq:version')));
    const question = world.to(peer).find(({ name }) => name === 'iq') as Stanza;
    world.clear();
    world.inject(node, domain, iq(question.to, question.from, { type: 'result', id: question.id }, large));
    expect(answers(world.got(user))).toEqual([[`${room}/Them`, 'v', 'error', 'policy-violation', tooLong]]);
    expectTaken(world);
  });

  it('decision #120: a question that is too large reaches nobody, and whoever asked is told', () => {
    const world = inside(setting);
    const question = iq(jid(`${peer}/Them`), jid(`${room}/Us`), { type: 'get', id: 'v' }, asked(large));
    world.inject(node, domain, question);
    expect(world.got(user)).toEqual([]);
    expect(answers(world.got(`${peer}/Them`))).toEqual([[`${room}/Us`, 'v', 'error', 'policy-violation', tooLong]]);
    expectTaken(world);
  });
});
