import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { initialRole, mayChangeAffiliation, mayChangeRole } from '../../../src/core/room/affiliation.ts';
import { type Affiliation, affiliations, type Role, roles } from '../../../src/core/xep/xep0045.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';

// Written from the XEP's tables and sentences, cell by cell, and not from the code: no ranks are compared here.

/** §5.2.2: rows are what the user is, columns what they become; who may do it. */
const affiliationTable: Record<Affiliation, Record<Affiliation, 'nobody' | 'admin' | 'owner'>> = {
  outcast: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  none: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  member: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  admin: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
  owner: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
};

describe('XEP-0045 §5.2.2 Changing Affiliations, for every actor', () => {
  for (const actor of affiliations) {
    for (const target of affiliations) {
      for (const wanted of affiliations) {
        const needs = affiliationTable[target][wanted];
        const may = actor === 'owner' || (actor === 'admin' && needs === 'admin');
        it(`${actor}: ${target} to ${wanted}: ${may ? 'yes' : 'no'}`, () => {
          const refusal = mayChangeAffiliation(actor, target, wanted);
          expect(refusal === undefined).toBe(may);
          // §9: who is no admin is told forbidden; §10.3, §10.6: who is no owner, too, where it is about making them.
          if (actor !== 'owner' && actor !== 'admin') expect(refusal?.condition).toBe('forbidden');
          else if (!may)
            expect(refusal?.condition).toBe(wanted === 'admin' || wanted === 'owner' ? 'forbidden' : 'not-allowed');
        });
      }
    }
  }
});

const inRoom = ['owner', 'admin', 'member', 'none'] as const;
const presentRoles = ['moderator', 'participant', 'visitor'] as const;
type Cell = 'yes' | 'forbidden' | 'not-allowed';

/** §5.1.3 with §8.2 to §8.4, §9.6 and §9.7, in the XEP's order of sentences. */
function roleCell(
  actor: { affiliation: Affiliation; role: Role },
  target: { affiliation: Affiliation; role: Role },
  wanted: Role,
): Cell {
  // §8: "MUST be denied if the <user@host> does not match … one of the moderators … <forbidden/>".
  if (actor.role !== 'moderator') return 'forbidden';
  const higher: Record<string, readonly Affiliation[]> = {
    owner: [],
    admin: ['owner'],
    member: ['owner', 'admin'],
    none: ['owner', 'admin', 'member'],
  };
  // §8.2 "a user cannot be kicked by a moderator with a lower affiliation"; §5.1.3 note *: nor unmade a moderator.
  if (higher[actor.affiliation]?.includes(target.affiliation)) return 'not-allowed';
  if (target.role === wanted) return 'yes';
  const isAdmin = actor.affiliation === 'admin' || actor.affiliation === 'owner';
  const targetIsAdmin = target.affiliation === 'admin' || target.affiliation === 'owner';
  if (wanted === 'none') return target.role === 'moderator' && !isAdmin ? 'not-allowed' : 'yes'; // §5.1.3, last row
  if (wanted === 'moderator') return isAdmin ? 'yes' : 'forbidden'; // §9.6
  if (targetIsAdmin) return 'not-allowed'; // §8.4 "by anyone"; §9.7 "only from … member or none"
  if (target.role === 'moderator') return isAdmin ? 'yes' : 'forbidden'; // §9.7 is for admins
  if (wanted === 'participant') return 'yes'; // §8.3
  // §8.4 "at or above the moderator's level"; read with §8.5 ("higher"), or a moderator without affiliation, whom the
  // table of §5.1.1 lets revoke voice, could do so from nobody.
  if (!isAdmin && target.affiliation === actor.affiliation && actor.affiliation !== 'none') return 'not-allowed';
  return 'yes';
}

describe('XEP-0045 §5.1.3 Changing Roles, for every actor and target', () => {
  for (const actorAffiliation of inRoom)
    for (const actorRole of presentRoles)
      for (const targetAffiliation of inRoom) {
        const actor = { affiliation: actorAffiliation, role: actorRole };
        it(`${actorAffiliation} ${actorRole} on ${targetAffiliation}`, () => {
          for (const targetRole of presentRoles)
            for (const wanted of roles) {
              const target = { affiliation: targetAffiliation, role: targetRole };
              const got = mayChangeRole(actor, target, wanted)?.condition ?? 'yes';
              expect([target, wanted, got]).toEqual([target, wanted, roleCell(actor, target, wanted)]);
            }
        });
      }
});

describe('XEP-0045 §5.1.2 Default Roles', () => {
  it.each([
    ['moderated', { moderated: true }, ['moderator', 'moderator', 'participant', 'visitor']],
    ['unmoderated', { moderated: false }, ['moderator', 'moderator', 'participant', 'participant']],
    ['members-only', { membersOnly: true }, ['moderator', 'moderator', 'participant', 'participant']],
  ] as const)('%s', (_kind, changes, expected) => {
    const config = { ...plainRoomConfig(jid('coven@chat.shakespeare.lit')), ...changes };
    expect(inRoom.map((affiliation) => initialRole(affiliation, config))).toEqual(expected);
  });
});
