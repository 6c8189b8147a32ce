import { describe, expect, it } from 'vitest';
import { sectionName } from '../../../src/conformance/report.ts';
import type { Role } from '../../../src/conformance/setting.ts';
import { readDmuc } from '../../../src/core/xep/xep0282.ts';
import { stanzaError, writeError } from '../../../src/core/xmpp/errors.ts';
import { bareOf, domainOf, jid, occupantJid, resourceOf } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { bodyOf, make, payloadOf, type Stanza, withParts, withPayloads } from '../../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { type Deviation, kitDomain, kitUsers } from '../../support/kit.ts';
import { tryOurs } from '../../support/kit-peers.ts';

// One of our own nodes, whose stanzas are altered on their way: a peer that does one thing wrong.

const ourNode = jid(`conformance@${kitDomain}`);
const toNode = ({ to }: Stanza) => bareOf(to) === ourNode || bareOf(to) === jid(`theroom@${kitDomain}`);
const toPerson = ({ to }: Stanza) => to.endsWith('/kit');
const isSaid = (stanza: Stanza) => stanza.type === 'groupchat' && bodyOf(stanza) !== undefined;
const isOld = ({ payloads }: Stanza) => payloads.some(({ name }) => name === 'delay');
const isGone = ({ name, type }: Stanza) => name === 'presence' && type === 'unavailable';

const without = (stanza: Stanza, name: string, xmlns: string) =>
  withPayloads(
    stanza,
    stanza.payloads.filter((payload) => payload.name !== name || payload.xmlns !== xmlns),
  );
const also = (stanza: Stanza, payload: XmlElement) => withPayloads(stanza, [...stanza.payloads, payload]);
/** The same deep inside. */
const mapped = (stanza: Stanza, change: (element: XmlElement) => XmlElement): Stanza => {
  const walk = (element: XmlElement): XmlElement => {
    const changed = change(element);
    return { ...changed, children: changed.children.map((child) => (typeof child === 'string' ? child : walk(child))) };
  };
  return withPayloads(stanza, stanza.payloads.map(walk));
};
const renamed = (stanza: Stanza, nick: string) => withParts(stanza, { from: occupantJid(bareOf(stanza.from), nick) });

/** Alters what fits. */
const when = (fits: (stanza: Stanza) => boolean, alter: (stanza: Stanza) => readonly Stanza[]): Deviation => ({
  sends: (stanza) => (fits(stanza) ? alter(stanza) : [stanza]),
});

interface Planted {
  readonly what: string;
  readonly role: Role;
  readonly extension?: boolean;
  readonly deviation: Deviation;
  /** What has to be played for it to show, beside those who find it. */
  readonly with?: readonly string[];
  /** Who finds it, and of which section that is. */
  readonly found: Readonly<Record<string, string>>;
}

const planted: readonly Planted[] = [
  {
    what: 'a message on the link without <fmuc/>',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [without(stanza, 'fmuc', NS.fmuc)],
    ),
    found: { '0289-joined-message-out': '§5.2', '0289-joined-stamped': '§5.1' },
  },
  {
    what: 'a message on the link from another occupant',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [renamed(stanza, 'Somebody')],
    ),
    found: { '0289-joined-message-out': '§5.2', '0289-joined-history': '§5.1' },
  },
  {
    what: 'two copies of a message on the link',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza) && !isOld(stanza),
      (stanza) => [stanza, stanza],
    ),
    found: { '0289-joined-message-out': '§5.2' },
  },
  {
    what: 'an answer to a join that never ends',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && payloadOf(stanza, 'subject', NS.client) !== undefined,
      () => [],
    ),
    found: { '0289-joined-join': '§5.1', '0289-joined-order': '§5.1' },
  },
  {
    what: 'a join that has no answer',
    role: 'joined',
    deviation: { takes: (stanza) => bareOf(stanza.from) !== ourNode },
    found: { '0289-joined-join': '§5.1', '0289-joined-shown': '§5.1' },
  },
  {
    what: 'lost history',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza) && isOld(stanza),
      () => [],
    ),
    found: { '0289-joined-history': '§5.1' },
  },
  {
    what: 'history without the times',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [without(stanza, 'delay', NS.delay)],
    ),
    found: { '0289-joined-history': '§5.1' },
  },
  {
    what: 'an error in answer to an error',
    role: 'joined',
    deviation: {
      hears: (stanza) =>
        stanza.type === 'error'
          ? [
              make(stanza.name, stanza.to, stanza.from, { id: stanza.id, type: 'error' }, [
                writeError(stanzaError('cancel', 'bad-request')),
              ]),
            ]
          : [],
    },
    with: ['0289-joined-message-in'],
    found: { '0289-joined-no-error-to-error': '§5' },
  },
  {
    what: 'payloads of nodes for users',
    role: 'joined',
    deviation: when(
      (stanza) => toPerson(stanza) && isSaid(stanza),
      (stanza) => [also(stanza, el('fmuc', NS.fmuc, { from: stanza.to }))],
    ),
    found: { '0289-joined-message-in': '§5.2', '0289-joined-for-users': '§5.1' },
  },
  {
    what: 'no <left/>',
    role: 'joined',
    deviation: when(
      (stanza) =>
        toNode(stanza) && resourceOf(stanza.from) === '' && stanza.name === 'presence' && stanza.type === undefined,
      () => [],
    ),
    found: { '0289-joined-left': '§5.4', '0289-joined-after-left': '§5.4' },
  },
  {
    what: 'an echo where nobody waits for one',
    role: 'joined',
    deviation: {
      hears: (stanza) =>
        bareOf(stanza.from) === ourNode && isSaid(stanza)
          ? [withParts(stanza, { from: occupantJid(stanza.to, resourceOf(stanza.from)), to: ourNode })]
          : [],
    },
    found: { '0289-joined-no-echo': '§5.2' },
  },
  {
    what: 'an error in the place of <reject/>',
    role: 'joined',
    deviation: when(
      ({ to, name }) => to.startsWith('stranger-') && name === 'presence',
      (stanza) => [withParts(stanza, { type: 'error', payloads: [writeError(stanzaError('auth', 'forbidden'))] })],
    ),
    found: { '0289-joined-reject': '§5.1' },
  },
  {
    what: 'a private message for the whole room',
    role: 'joined',
    deviation: when(
      (stanza) => toPerson(stanza) && stanza.type === 'chat',
      (stanza) => [stanza, withParts(stanza, { to: jid(stanza.to.replace('alice', 'bob')), type: 'groupchat' })],
    ),
    found: { '0289-joined-private-in': '§5.6' },
  },
  {
    what: 'a leave of a local user that the other node does not hear of',
    role: 'joined',
    deviation: when(
      (stanza) => toNode(stanza) && isGone(stanza),
      () => [],
    ),
    found: { '0289-joined-leave-out': '§5.4' },
  },
  {
    what: 'a place that is left out',
    role: 'joined',
    extension: true,
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [
        mapped(stanza, (one) =>
          one.name === 's' && one.xmlns === NS.ext
            ? { ...one, attrs: { ...one.attrs, n: String(Number(one.attrs['n']) + 1) } }
            : one,
        ),
      ],
    ),
    found: { '0289-joined-places': 'decision 60' },
  },
  {
    what: 'a request to join without the join of XEP-0045',
    role: 'joining',
    deviation: when(toNode, (stanza) => [without(stanza, 'x', NS.muc)]),
    found: { '0289-joining-request': '§5.1' },
  },
  {
    what: 'what was told in the answer, sent back',
    role: 'joining',
    deviation: {
      hears: (stanza) =>
        stanza.from.startsWith(`${ourNode}/Alice`)
          ? [withParts(stanza, { from: occupantJid(bareOf(stanza.to), resourceOf(stanza.from)), to: ourNode })]
          : [],
    },
    found: { '0289-joining-nothing-back': '§5.1', '0289-joining-message-in': '§5.2' },
  },
  {
    what: 'an occupant of the other node who is not shown',
    role: 'joining',
    deviation: when(
      (stanza) => toPerson(stanza) && resourceOf(stanza.from).startsWith('Alice'),
      () => [],
    ),
    found: { '0289-joining-relayed': '§5.1', '0289-joining-message-in': '§5.2' },
  },
  {
    what: '<enter/> without the update before it',
    role: 'primary',
    extension: true,
    deviation: when(
      (stanza) =>
        toNode(stanza) &&
        stanza.name === 'presence' &&
        stanza.type === undefined &&
        readDmuc(stanza.payloads)?.enter === undefined,
      () => [],
    ),
    found: { '0282-primary-enter': '§4.5', '0282-primary-roster': '§4.3' },
  },
  {
    what: 'addresses for a replica without moderators',
    role: 'primary',
    extension: true,
    deviation: when(
      (stanza) => toNode(stanza) && stanza.name === 'presence',
      (stanza) => [
        mapped(stanza, (one) =>
          one.name === 'item' && one.xmlns === NS.mucUser
            ? { ...one, attrs: { ...one.attrs, jid: 'secret@peer.lit/x' } }
            : one,
        ),
      ],
    ),
    with: ['0282-primary-enter'],
    found: { '0282-primary-jids': '§4.7' },
  },
  {
    what: 'a copy for each user behind the replica',
    role: 'primary',
    extension: true,
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [stanza, stanza],
    ),
    found: { '0282-primary-message': '§4.9' },
  },
  {
    what: 'a broadcast without the time',
    role: 'primary',
    extension: true,
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [
        mapped(stanza, (one) => ({
          ...one,
          children: one.children.filter((child) => typeof child === 'string' || child.name !== 'delay'),
        })),
      ],
    ),
    found: { '0282-primary-delay': '§4.9', '0282-primary-history': '§4.4' },
  },
  {
    what: 'a kick with the code of a ban',
    role: 'primary',
    extension: true,
    deviation: when(isGone, (stanza) => [
      mapped(stanza, (one) =>
        one.name === 'status' && one.attrs['code'] === '307' ? { ...one, attrs: { code: '301' } } : one,
      ),
    ]),
    found: { '0282-primary-kick': '§4.6' },
  },
  {
    what: 'a bounce that nobody takes notice of',
    role: 'primary',
    extension: true,
    deviation: { takes: (stanza) => stanza.type !== 'error' },
    found: { '0282-primary-split': '§4.11.1.1', '0282-primary-probes': '§4.11.1.1' },
  },
  {
    what: 'a replica for whoever asks',
    role: 'primary',
    extension: true,
    deviation: when(
      ({ to, type }) => to.startsWith('stranger-') && type === 'error',
      (stanza) => [withParts(stanza, { type: 'result', payloads: [] })],
    ),
    found: { '0282-primary-create-stranger': 'decision 5' },
  },
  {
    what: 'a dmuc element for users',
    role: 'replica',
    extension: true,
    deviation: when(
      (stanza) => toPerson(stanza) && isSaid(stanza),
      (stanza) => [also(stanza, el('x', NS.dmuc2))],
    ),
    found: { '0282-replica-message': '§4.9', '0282-replica-for-users': '§4.9' },
  },
  {
    what: 'a relay in the name of the replica',
    role: 'replica',
    extension: true,
    deviation: when(
      (stanza) => domainOf(stanza.from) === kitUsers && toNode(stanza) && isSaid(stanza),
      (stanza) => [withParts(stanza, { from: jid(`replica@${kitUsers}`) })],
    ),
    found: { '0282-replica-relay': '§4.8' },
  },
  {
    what: 'a user who is served and did not ask',
    role: 'replica',
    extension: true,
    deviation: {
      hears: (stanza) => {
        const user = readDmuc(stanza.payloads)?.enter;
        return user?.startsWith('victim') ? [withParts(stanza, { to: user })] : [];
      },
    },
    found: { '0282-replica-unasked': '§4.5' },
  },
  {
    what: 'an order of entering that begins with oneself',
    role: 'replica',
    extension: true,
    deviation: when(
      (stanza) => toPerson(stanza) && resourceOf(stanza.from) === 'Wumpus' && stanza.name === 'presence',
      () => [],
    ),
    found: { '0282-replica-enter': '§4.5' },
  },
  {
    what: 'a split that the replica does not see',
    role: 'replica',
    extension: true,
    deviation: { takes: (stanza) => stanza.type !== 'error' || stanza.to.startsWith('replica') === false },
    found: { '0282-replica-split': '§4.11.1.2' },
  },
  {
    what: 'a shadow that is not configured',
    role: 'source',
    deviation: when(
      (stanza) => payloadOf(stanza, 'config', NS.dmuc1) !== undefined,
      () => [],
    ),
    found: { '0281-source-replicate': '§3.2' },
  },
  {
    what: 'a roster without nicks',
    role: 'source',
    deviation: when(toNode, (stanza) => [
      mapped(stanza, (one) =>
        one.name === 'item' && one.xmlns === NS.dmuc1 ? { ...one, attrs: { affiliation: 'none' } } : one,
      ),
    ]),
    found: { '0281-source-roster': '§3.2' },
  },
  {
    what: 'a message from the bare room',
    role: 'source',
    deviation: when(
      (stanza) => toNode(stanza) && isSaid(stanza),
      (stanza) => [withParts(stanza, { from: bareOf(stanza.from) })],
    ),
    found: { '0281-source-message-out': '§3.6' },
  },
  {
    what: 'a shadow that does not say whose it is',
    role: 'shadow',
    deviation: when(
      ({ payloads }) => payloads.some(({ xmlns }) => xmlns === NS.discoInfo),
      (stanza) => [
        mapped(stanza, (one) => (one.attrs['var'] === 'dmuc-source' ? { ...one, attrs: { var: 'source' } } : one)),
      ],
    ),
    found: { '0281-shadow-source-field': '§3.3' },
  },
  {
    what: 'a service that does not say what it can',
    role: 'shadow',
    deviation: when(
      ({ payloads }) => payloads.some(({ xmlns }) => xmlns === NS.discoInfo),
      (stanza) => [
        mapped(stanza, (one) => (one.attrs['var'] === NS.dmuc1 ? { ...one, attrs: { var: 'nothing' } } : one)),
      ],
    ),
    found: { '0281-shadow-feature': '§4' },
  },
  {
    what: 'a forged occupant: somebody who is not in, in the roster of the shadow',
    role: 'shadow',
    deviation: {
      hears: (stanza) =>
        stanza.from.startsWith('stranger-') && payloadOf(stanza, 'roster', NS.dmuc1)
          ? [
              make(
                'presence',
                occupantJid(stanza.to, eveIn(stanza)),
                jid(`firstwitch-${eveIn(stanza).slice(4)}@${kitUsers}/kit`),
                {},
                [],
              ),
            ]
          : [],
    },
    found: { '0281-shadow-roster-forged': '§3.2' },
  },
];

function eveIn(stanza: Stanza): string {
  const [item] = payloadOf(stanza, 'roster', NS.dmuc1)?.children ?? [];
  return item === undefined || typeof item === 'string' ? '' : (item.attrs['name'] ?? '');
}

describe('The kit finds what is wrong with a peer', () => {
  it.each(planted.map((one) => [`${one.role}: ${one.what}`, one] as const))(
    '%s',
    (_, { role, extension = false, deviation, found, with: more = [] }) => {
      const only = (id: string) => id in found || more.includes(id);
      const results = tryOurs({ role, extension }, { deviation, only });
      const failed = results.filter(({ id, verdict }) => id in found && verdict.kind === 'failed');
      expect(Object.fromEntries(failed.map((result) => [result.id, sectionName(result)]))).toEqual(found);
    },
  );
});
