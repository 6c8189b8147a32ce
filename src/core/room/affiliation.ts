/** Affiliations and roles, and who may change whose: XEP-0045 §5 with §8 to §10. */

import type { Affiliation, Role } from '../xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../xmpp/jid.ts';
import type { Change } from './change.ts';
import type { RoomConfig } from './config.ts';
import type { Actor, Occupant } from './event.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution } from './room-turn.ts';
import type { RoomView } from './state.ts';

/** Rank of an affiliation: a user may not act on one of a higher rank (XEP-0045 §5.2.1). */
export const rank: Readonly<Record<Affiliation, number>> = { owner: 4, admin: 3, member: 2, none: 1, outcast: 0 };

/** The role that a user gets on entering. XEP-0045 §5.1.2, "Default Roles". */
export function initialRole(affiliation: Affiliation, config: RoomConfig): Role {
  switch (affiliation) {
    case 'owner':
    case 'admin':
      return 'moderator';
    case 'member':
      return 'participant';
    case 'none':
      return config.moderated ? 'visitor' : 'participant';
    case 'outcast':
      return 'none';
  }
}

/** Whether a user may speak to all: not a visitor in a moderated room. XEP-0045 §7.4, §8.4. */
export function maySpeak(role: Role, config: RoomConfig): boolean {
  return role === 'moderator' || role === 'participant' || (role === 'visitor' && !config.moderated);
}

/**
 * Whether a moderator may give an occupant this role: the role table of XEP-0045 §5.1.3 with §8.2 to §8.4, §9.6, §9.7.
 * `none` is a kick.
 */
export function mayChangeRole(
  actor: { readonly affiliation: Affiliation; readonly role: Role },
  target: { readonly affiliation: Affiliation; readonly role: Role },
  role: Role,
): Refusal | undefined {
  if (actor.role !== 'moderator') return refusal('auth', 'forbidden', '0045#8.2', 'only moderators change roles');
  if (rank[target.affiliation] > rank[actor.affiliation])
    return refusal('cancel', 'not-allowed', '0045#8.2', 'their affiliation is higher than yours');
  if (target.role === role) return undefined;
  const admin = rank[actor.affiliation] >= rank.admin;
  const privileged = rank[target.affiliation] >= rank.admin;
  // §8.4 and §9.7: nobody takes voice or moderator status from an admin or owner. Their equals may kick them.
  if (role !== 'none' && role !== 'moderator' && privileged)
    return refusal('cancel', 'not-allowed', '0045#8.2', 'admins and owners keep their role');
  // §9.6, §9.7: only admins make and unmake moderators, and only admins kick one (§5.1.3).
  if (role === 'moderator' && !admin) return refusal('auth', 'forbidden', '0045#8.2', 'only admins make moderators');
  if (target.role === 'moderator' && !admin)
    return role === 'none'
      ? refusal('cancel', 'not-allowed', '0045#8.2', 'only admins kick moderators')
      : refusal('auth', 'forbidden', '0045#8.2', 'only admins unmake moderators');
  // §8.4: a user takes voice only from somebody of lower affiliation.
  if (
    role === 'visitor' &&
    !admin &&
    rank[target.affiliation] >= rank[actor.affiliation] &&
    target.affiliation !== 'none'
  )
    return refusal('cancel', 'not-allowed', '0045#8.2', 'their affiliation is not lower than yours');
  return undefined;
}

/** Whether a user may give another this affiliation: the table of XEP-0045 §5.2.2 with §9.1 to §9.5 and §10.3 to §10.8. */
export function mayChangeAffiliation(
  actor: Affiliation,
  target: Affiliation,
  affiliation: Affiliation,
): Refusal | undefined {
  if (rank[actor] < rank.admin)
    return refusal('auth', 'forbidden', '0045#9.1', 'only admins and owners change affiliations');
  if (actor === 'owner') return undefined;
  if (rank[affiliation] >= rank.admin)
    return refusal('auth', 'forbidden', '0045#9.1', 'only owners make admins and owners');
  if (rank[target] >= rank.admin)
    return refusal('cancel', 'not-allowed', '0045#9.1', 'only owners change admins and owners');
  return undefined;
}

/**
 * The occupants whom a new affiliation of `user` concerns. §9.2: the ban of a domain concerns those of its users who have no
 * affiliation of their own.
 */
function concernedBy(
  room: RoomView,
  { traits }: Distribution,
  user: Jid,
  affiliation: Affiliation,
): readonly Occupant[] {
  const concerns = (jid: Jid) =>
    bareOf(jid) === user ||
    (affiliation === 'outcast' && domainOf(jid) === user && !room.affiliations.has(bareOf(jid)));
  return [...room.occupants.values()].filter(
    (occupant) => occupant.jid !== undefined && concerns(occupant.jid) && traits.mayRemove(occupant),
  );
}

/**
 * What those inside are told of who did something to a user, and why (§8.2, §9.1): the nick. Of somebody who has none here
 * it is the address, if all may see addresses.
 */
export function toldOf({ whois }: RoomView, { actor, actorJid, reason }: Actor): Actor {
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(actor !== undefined || actorJid === undefined || whois !== 'anyone' ? {} : { actorJid }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * What follows when a user gets an affiliation. If they are banned, their reserved nick is free (§9.1). Their occupants
 * are out with 301 (banned), out with 321 (no longer a member of a members-only room, §9.4), or get the role that goes with
 * it.
 */
export function changesOfAffiliation(
  room: RoomView,
  distribution: Distribution,
  user: Jid,
  affiliation: Affiliation,
  by: Actor = {},
): readonly Change[] {
  const before = room.affiliationOf(user);
  const isCopied = distribution.traits.listsAreCopied === true;
  const why = Object.keys(by).length === 0 ? {} : { by };
  if (before === affiliation) {
    // §9.8: what is so already is no change. A ban may get another reason, which is news to nobody inside.
    const isNews = by.reason !== undefined && by.reason !== room.bans.get(user)?.reason;
    return isNews && room.affiliations.get(user) === 'outcast'
      ? [{ kind: 'affiliated', user, affiliation, absent: false, placed: isCopied, ...why }]
      : [];
  }
  const told = toldOf(room, by);
  const status = affiliation === 'outcast' ? 301 : affiliation === 'none' && room.config.membersOnly ? 321 : undefined;
  const concerned = concernedBy(room, distribution, user, affiliation).filter(
    (occupant) => status !== undefined || distribution.traits.decidesAbout(occupant),
  );
  const placed = isCopied || concerned.length === 0 || before === 'outcast' || affiliation === 'outcast';
  const changes: Change[] = [{ kind: 'affiliated', user, affiliation, absent: concerned.length === 0, placed, ...why }];
  if (affiliation === 'outcast' && room.reservedNicks.has(user))
    changes.push({ kind: 'registered', user, nick: undefined });
  for (const occupant of concerned) {
    if (status !== undefined)
      changes.push({
        kind: 'left',
        occupant: { ...occupant, affiliation },
        parts: { statuses: [status], item: told, payloads: [] },
      });
    else {
      const role = roleAfter(room, occupant, before, affiliation);
      changes.push({ kind: 'presence', occupant: { ...occupant, affiliation, role }, parts: { item: told } });
    }
  }
  return changes;
}

/** §5.1.3: a role rises with an affiliation. How far it falls with one the XEP leaves to us: to the room's default. */
function roleAfter(room: RoomView, occupant: Occupant, before: Affiliation, affiliation: Affiliation): Role {
  const role = initialRole(affiliation, room.config);
  if (rank[affiliation] >= rank.admin) return 'moderator';
  if (rank[before] >= rank.admin) return role === 'visitor' ? 'participant' : role;
  return affiliation === 'member' && occupant.role === 'visitor' ? 'participant' : occupant.role;
}
