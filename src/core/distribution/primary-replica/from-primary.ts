/** What a stanza of the primary is; what is done about it is replica.ts. */
import type { RoomView } from '../../room/state.ts';
import {
  type Created,
  isOffer,
  type Position,
  type Ready,
  readCreated,
  readDestroy,
  readPosition,
  readReady,
  readStanding,
  type Standing,
} from '../../xep/sync.ts';
import { type MucUser, readMucUser } from '../../xep/xep0045.ts';
import { isPing } from '../../xep/xep0199.ts';
import type { Delay } from '../../xep/xep0203.ts';
import { type Dmuc, readDmuc } from '../../xep/xep0282.ts';
import type { Condition } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import { childOf } from '../../xmpp/xml.ts';
import type { CatchUp } from './catch-up.ts';
import type { InitialState } from './initial-state.ts';
import type { Phase, PhaseOf } from './phase.ts';

/** Which iq of ours an error is about. */
export type Asked = 'request' | 'sounding' | 'settling' | 'ping';

export type FromPrimary =
  /** It is for one of our users, not for us: what our own server could not pass on, or nothing that concerns us. */
  | { readonly kind: 'users' }
  /** §4.11.1.2. Only an error about an iq of our own is believed (decision #10). */
  | { readonly kind: 'error'; readonly about: Asked | undefined; readonly condition: Condition }
  /** §4.10. `standing`: where the primary is. */
  | { readonly kind: 'ping' | 'result'; readonly standing: Standing | undefined }
  /** Results of what we asked: creation or netjoin, a ping behind it, what was relayed of a split, our `<destroy/>`. */
  | { readonly kind: 'created'; readonly created: Created }
  | { readonly kind: 'sounded' }
  | { readonly kind: 'settled'; readonly place: Position | undefined }
  | { readonly kind: 'destroyed' }
  /** The end of the answer that is coming in, or of another one. */
  | { readonly kind: 'ready'; readonly now: PhaseOf<'syncing'>; readonly ready: Ready }
  | { readonly kind: 'otherReady' }
  /** Decision #40. */
  | { readonly kind: 'destroy' }
  | { readonly kind: 'request' }
  | { readonly kind: 'offer' }
  /** §4.3: somebody who is in, and not shown before all have come. */
  | {
      readonly kind: 'occupant';
      readonly state: InitialState;
      readonly nick: string;
      readonly user: MucUser;
      readonly dmuc: Dmuc | undefined;
    }
  /** §4.4: what was said, and the subject. */
  | {
      readonly kind: 'past';
      readonly state: InitialState;
      readonly nick: string;
      readonly dmuc: Dmuc;
      readonly delay: Delay;
    }
  /** Decision #41: one of our users, as the primary has them. */
  | { readonly kind: 'user'; readonly answer: CatchUp; readonly nick: string; readonly jid: Jid }
  /** §4.5 to §4.7. */
  | {
      readonly kind: 'presence';
      readonly nick: string;
      readonly user: MucUser | undefined;
      readonly dmuc: Dmuc | undefined;
    }
  /** §4.9; with no type, it is the room's own word on its configuration or its lists (decisions #15, #53). */
  | { readonly kind: 'message'; readonly nick: string; readonly dmuc: Dmuc; readonly position: Position }
  /** Nothing that a primary sends now. */
  | { readonly kind: 'unexpected' }
  /** No presence of anybody, or of an answer one that says nothing. */
  | { readonly kind: 'nothing' };

/** How the replica stands with its primary when the stanza comes. */
export interface Relation {
  readonly room: RoomView;
  readonly self: Jid;
  readonly now: Phase;
  /** Whether this id is the one of the keepalive's ping in flight. */
  isPing(id: string | undefined): boolean;
}

export function classify(stanza: Stanza, relation: Relation): FromPrimary {
  // The router vouched that it comes from the primary's domain; it must also be meant for us.
  if (bareOf(stanza.to) !== relation.self) return { kind: 'users' };
  if (stanza.type === 'error') return classifyError(stanza, relation);
  switch (stanza.name) {
    case 'iq':
      return classifyIq(stanza, relation);
    case 'presence':
      return classifyPresence(stanza, relation.now);
    case 'message':
      return classifyMessage(stanza, relation.now);
  }
}

function classifyError(stanza: Stanza, { now, isPing }: Relation): FromPrimary {
  const condition = errorOf(stanza)?.condition ?? 'undefined-condition';
  return { kind: 'error', about: stanza.name === 'iq' ? askedUnder(stanza.id, now, isPing) : undefined, condition };
}

function askedUnder(id: string | undefined, { request, settling }: Phase, isPing: Relation['isPing']) {
  if (id === undefined) return undefined;
  if (id === request?.id && (request.state === 'open' || request.state === 'lost')) return 'request';
  if (id === request?.probe) return 'sounding';
  if (isPing(id)) return 'ping';
  return id === settling?.id ? 'settling' : undefined;
}

function classifyIq(stanza: Stanza, relation: Relation): FromPrimary {
  const { room, now } = relation;
  if (isPing(stanza)) {
    const ping = payloadOf(stanza, 'ping', NS.ping);
    return { kind: 'ping', standing: readStanding(ping && childOf(ping, 's', NS.ext)) };
  }
  if (stanza.type === 'result') return classifyResult(stanza, relation);
  const ready = stanza.type === 'set' ? readReady(stanza.payloads) : undefined;
  if (ready) {
    const isDue = now.phase === 'syncing' && stanza.id === `ready-${now.answer.created.session}`;
    return isDue ? { kind: 'ready', now, ready } : { kind: 'otherReady' };
  }
  const destroy = stanza.type === 'set' ? readDestroy(stanza.payloads) : undefined;
  return { kind: destroy?.epoch === room.epoch ? 'destroy' : 'request' };
}

function classifyResult(stanza: Stanza, { now }: Relation): FromPrimary {
  const { id } = stanza;
  const { request, settling, destroying } = now;
  const s = payloadOf(stanza, 's', NS.ext);
  const created = askedUnder(id, now, () => false) === 'request' ? readCreated(stanza.payloads) : undefined;
  if (created) return { kind: 'created', created };
  if (id !== undefined && id === settling?.id) return { kind: 'settled', place: readPosition(s) };
  if (id !== undefined && id === destroying) return { kind: 'destroyed' };
  if (id !== undefined && id === request?.probe) return { kind: 'sounded' };
  return { kind: 'result', standing: readStanding(s) };
}

function classifyPresence(stanza: Stanza, now: Phase): FromPrimary {
  const nick = resourceOf(stanza.from);
  if (nick === '' || (stanza.type !== undefined && stanza.type !== 'unavailable')) return { kind: 'nothing' };
  const user = readMucUser(stanza.payloads);
  const dmuc = readDmuc(stanza.payloads);
  const answer = now.phase === 'syncing' ? now.answer : undefined;
  if (answer?.mode === 'full') {
    const isIn = stanza.type === undefined && user !== undefined;
    return isIn ? { kind: 'occupant', state: answer, nick, user, dmuc } : { kind: 'nothing' };
  }
  if (answer && dmuc?.enter && dmuc.position === undefined) return { kind: 'user', answer, nick, jid: dmuc.enter };
  if (answer === undefined && now.phase !== 'live') return { kind: 'unexpected' };
  return { kind: 'presence', nick, user, dmuc };
}

function classifyMessage(stanza: Stanza, now: Phase): FromPrimary {
  if (isOffer(stanza.payloads)) return { kind: 'offer' };
  const nick = resourceOf(stanza.from);
  const dmuc = readDmuc(stanza.payloads);
  const isGroupchat = stanza.type === 'groupchat';
  const answer = now.phase === 'syncing' ? now.answer : undefined;
  if (answer?.mode === 'full') {
    if (!isGroupchat || dmuc?.delay === undefined) return { kind: 'unexpected' };
    return { kind: 'past', state: answer, nick, dmuc, delay: dmuc.delay };
  }
  if ((answer === undefined && now.phase !== 'live') || !dmuc?.position) return { kind: 'unexpected' };
  if (isGroupchat && !dmuc.delay) return { kind: 'unexpected' };
  return { kind: 'message', nick, dmuc, position: dmuc.position };
}
