import type { Affiliation, JoinRequest } from '../xep/xep0045.ts';
import { assertNever } from '../xmpp/errors.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { RoomSettings } from './config.ts';
import type { Actor, Happening, HistoryItem, Invitation, Occupant, Subject } from './event.ts';
import { isKept } from './keeping.ts';
import type { PresenceParts } from './visibility.ts';

/**
 * Something that may happen to a room. A check gives it, a distribution decides about it, and `commit` records it, tells
 * this node's own users, and spreads it to the peers.
 */
export type Change =
  /** `statuses`: beside 110, to the user who enters: 201 for a room just created, 210 for a nick the room changed. */
  | {
      readonly kind: 'entered';
      readonly occupant: Occupant;
      readonly join: JoinRequest;
      readonly statuses: readonly number[];
    }
  /** A user who is in asked to enter again: they lost track and need everything once more (XEP-0045 §17.3). */
  | {
      readonly kind: 'returned';
      readonly occupant: Occupant;
      readonly join: JoinRequest;
      /** Leaves out what was said while this node was cut off and is not accepted yet: it comes to them once it is. */
      readonly accepted?: boolean;
    }
  /**
   * Presence, role or affiliation of a user who is in. `join`: they asked to enter with it, as in `returned`. `reach`: only
   * whether they are cut off has changed, and to the node beyond the cut that is no news. `before`: another session of theirs
   * is shown now, and others hear of it only if that looks different.
   */
  | {
      readonly kind: 'presence';
      readonly occupant: Occupant;
      readonly parts?: PresenceParts;
      readonly reach?: true;
      readonly join?: JoinRequest | undefined;
      readonly before?: Occupant;
    }
  /** One of several sessions of a user is gone: `occupant`, as that session saw it; who was in, and who stays. */
  | {
      readonly kind: 'sessionLeft';
      readonly occupant: Occupant;
      readonly before: Occupant;
      readonly after: Occupant;
      readonly parts: PresenceParts;
    }
  /** `alone`: nobody else is told, because everybody goes (§10.9, §11.2). */
  | { readonly kind: 'left'; readonly occupant: Occupant; readonly parts: PresenceParts; readonly alone?: boolean }
  /**
   * `statuses`: in the new presence, to the user who is renamed: 210 where it was not their wish. `join`: as in `presence`;
   * they get their own new presence at its place in the answer to the join.
   */
  | {
      readonly kind: 'renamed';
      readonly before: Occupant;
      readonly after: Occupant;
      readonly statuses?: readonly number[];
      readonly join?: JoinRequest | undefined;
    }
  /** An owner changed the configuration. `statuses`: what the occupants are told of it (§10.2.1). */
  | { readonly kind: 'configured'; readonly changes: Partial<RoomSettings>; readonly statuses: readonly number[] }
  /** A user (bare JID) or a whole domain has another affiliation (§9, §10.3 to §10.8); `none` takes it off every list. */
  | {
      readonly kind: 'affiliated';
      readonly user: Jid;
      readonly affiliation: Affiliation;
      readonly by?: Actor | undefined;
      /** It concerns nobody who is in, so no presence tells of it. */
      readonly absent: boolean;
      /** Other nodes must hear of it beside the presences that follow, so it has a position in the sequence. */
      readonly placed: boolean;
    }
  /** A user (bare JID) has reserved this nick (§7.10), or, without a nick, has none any more. */
  | { readonly kind: 'registered'; readonly user: Jid; readonly nick: string | undefined }
  /** Somebody who is in invites a user (§7.8.2), who is sent this. */
  | { readonly kind: 'invited'; readonly invitation: Invitation; readonly stanza: Stanza }
  /** It was declined, or came back: nobody is invited by it any more. */
  | { readonly kind: 'uninvited'; readonly invitation: Invitation }
  /** `late`: it was said a while ago. Users get a message with its time (XEP-0203), and a subject as of now. */
  | { readonly kind: 'message'; readonly occupant: Occupant; readonly item: HistoryItem; readonly late?: boolean }
  | {
      readonly kind: 'subject';
      readonly occupant: Occupant;
      readonly subject: Subject;
      readonly item: HistoryItem;
      readonly late?: boolean;
    }
  /** The room is gone (§10.9); everybody has left before. */
  | { readonly kind: 'destroyed' };

/** A change of one kind. */
export type ChangeOf<K extends Change['kind']> = Extract<Change, { kind: K }>;

/**
 * What the log keeps of a change.
 *
 * @param n  its position in the room's sequence; undefined: it has none
 * @returns undefined where nothing is different afterwards
 */
export function eventOf(change: Change, n: number | undefined): Happening | undefined {
  switch (change.kind) {
    case 'entered':
      return { kind: 'occupantEntered', n, occupant: change.occupant };
    case 'returned':
      return undefined;
    case 'presence':
      return { kind: 'occupantChanged', n, occupant: change.occupant };
    case 'sessionLeft':
      return { kind: 'occupantChanged', n, occupant: change.after };
    case 'left': {
      const { occupant, parts } = change;
      const leaving = {
        affiliation: occupant.affiliation,
        ...parts.item,
        ...(parts.statuses === undefined ? {} : { statuses: parts.statuses }),
        ...(parts.payloads === undefined ? {} : { payloads: parts.payloads }),
      };
      return { kind: 'occupantLeft', n, nick: occupant.nick, leaving };
    }
    case 'renamed': {
      const { before, after } = change;
      const session = before.sessions && before.jid ? { session: before.jid } : {};
      return { kind: 'nickChanged', n, nick: before.nick, newNick: after.nick, presence: after.presence, ...session };
    }
    case 'configured':
      return { kind: 'roomConfigured', n, changes: change.changes };
    case 'affiliated':
      return {
        kind: 'affiliationChanged',
        n: change.placed ? n : undefined,
        user: change.user,
        affiliation: change.affiliation,
        ...(change.by === undefined ? {} : { by: change.by }),
      };
    case 'registered':
      return { kind: 'nickReserved', user: change.user, nick: change.nick };
    case 'invited':
      return { kind: 'invited', invitation: change.invitation };
    case 'uninvited':
      return { kind: 'invitationEnded', invitation: change.invitation };
    case 'message': {
      const { item } = change;
      // What several rooms count is kept in one order on all of them.
      if (isKept(item.payloads)) return { kind: 'messageAccepted', n, item, ...(item.order ? { past: true } : {}) };
      return { kind: 'positionPassed', n, passed: { by: item.by, id: item.id, ...orderOf(item) } };
    }
    case 'subject': {
      const { subject, item, late } = change;
      return {
        kind: 'subjectChanged',
        n,
        subject,
        ...(item.id === '' ? {} : { item }),
        past: late || item.order ? true : undefined,
      };
    }
    case 'destroyed':
      return { kind: 'roomDestroyed' };
    default:
      return assertNever(change);
  }
}

function orderOf({ order }: HistoryItem): Pick<HistoryItem, 'order'> {
  return order === undefined ? {} : { order };
}
