import { isOwnUser } from '../core/distribution/scope.ts';
import { readJoin } from '../core/xep/xep0045.ts';
import { readDirectInvitation } from '../core/xep/xep0249.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { errorOf } from '../core/xmpp/stanza.ts';
import { inputOf } from './causes.ts';
import { type Occupants, servedHere } from './checkers/occupants.ts';
import { instancesOf, sourceIn } from './instances.ts';
import type { Checker } from './judge.ts';
import type { Violation } from './trace.ts';

/** S-p: nobody but owners enters at any instance without the room's password, which every instance has from the source. */
export const passwords: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace, world } = given;
  const { rooms, honest } = instancesOf(given);
  const { password = '' } = (world && sourceIn(world.plan.layout)) ?? {};
  return {
    kept(event, { node, room }, { cause }, i) {
      if (event.kind !== 'occupantEntered' || room !== rooms.get(node) || !honest.has(node)) return;
      const input = cause === undefined ? undefined : trace[cause];
      const [user] = servedHere(event.occupant);
      if (user === undefined || password === '' || event.occupant.affiliation === 'owner') return;
      exercised++;
      const said = input?.kind === 'out' ? readJoin(input.stanza.payloads)?.password : undefined;
      if (said !== password)
        violations.push({ invariant: 'S-p', what: `${user} is in at ${node} without its password`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * S-r: the source sends those users elsewhere whom its rule names, to the shadow of their own server, and invites them there
 * (XEP-0281 §3.5); where every one is to be sent, none enters.
 */
export const redirects: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace, world } = given;
  const { rooms, honest, source } = instancesOf(given);
  const rule = (world && sourceIn(world.plan.layout))?.distribution.redirect ?? 'always';
  const firsthost = source === undefined ? undefined : domainOf(source);
  /** Shadows that are linked, as the source thinks, since its last start; and since when they are in the state kept last. */
  const linked = new Set<Jid>();
  const since = new Map<Jid, number>();
  /** By what led to it: who is to be invited, to which service. */
  const due = new Map<number, { readonly user: Jid; readonly service: string; readonly at: number }>();
  let inside: Occupants = new Map();
  /** Sessions of this shadow's users at the source. */
  const theirs = (shadow: Jid) =>
    [...inside.values()].flatMap(servedHere).filter((user) => isOwnUser(shadow, user)).length;
  const wrong = (what: string, at: number) => violations.push({ invariant: 'S-r', what, at });
  return {
    other(record) {
      const isOff = record.kind === 'forgotten' && record.node === firsthost;
      const stops = record.kind === 'fault' && 'node' in record.fault && record.fault.node === firsthost;
      if (isOff || stops || (record.kind === 'phase' && record.phase === 'repeated')) linked.clear();
    },
    kept(event, { node, room, occupants }, _, i) {
      if (room !== source || node !== firsthost || !honest.has(node)) return;
      inside = occupants;
      if (event.kind === 'peerChanged') {
        const { peer, record } = event;
        if (record?.state !== 'live') linked.delete(peer);
        else if (record.since !== since.get(peer)) linked.add(peer);
        if (record !== undefined) since.set(peer, record.since);
      }
      const [user] = event.kind === 'occupantEntered' ? servedHere(event.occupant) : [];
      if (user === undefined || rule !== 'always') return;
      exercised++;
      const shadow = [...linked].find((peer) => isOwnUser(peer, user));
      if (shadow !== undefined) wrong(`${user} enters at the source, and ${shadow} is there`, i);
    },
    sent({ by, stanza, cause = -1 }, i) {
      if (by !== firsthost || !honest.has(by)) return;
      const invited = stanza.name === 'message' ? readDirectInvitation(stanza.payloads) : undefined;
      const promised = invited === undefined ? undefined : due.get(cause);
      if (promised !== undefined && promised.user === stanza.to && promised.service === domainOf(invited ?? by))
        due.delete(cause);
      const error = stanza.name === 'presence' && stanza.type === 'error' ? errorOf(stanza) : undefined;
      if (error?.condition !== 'redirect') return;
      exercised++;
      const service = error.to ?? '';
      const shadow = [...rooms].find(([address]) => address === service)?.[1];
      if (rule === 'never') wrong(`${stanza.to} is sent away, and nobody is to be`, i);
      else if (typeof rule === 'number' && shadow !== undefined && theirs(shadow) + 1 < rule)
        wrong(`${stanza.to} is sent away, and only ${theirs(shadow)} of their server are in`, i);
      else if (shadow === undefined || shadow === source || !isOwnUser(shadow, stanza.to))
        wrong(`${stanza.to} is sent to ${service}, which has no shadow for them`, i);
      if (inputOf(trace, i)?.from !== stanza.to) wrong(`${stanza.to} is sent away, and did not ask to enter`, i);
      due.set(cause, { user: stanza.to, service, at: i });
    },
    verdict() {
      for (const { user, at } of due.values()) wrong(`${user} is sent away and invited nowhere`, at);
      return { violations, exercised };
    },
  };
};

/** S-o: a client offers its user another room only if that is a shadow of the one that they asked for, or its source: S7. */
export const offers: Checker = (given) => ({
  verdict() {
    const { addresses, source } = instancesOf(given);
    const made = given.world?.offers ?? [];
    const violations = made.flatMap(({ user, room, from }): Violation[] => {
      const isTrue = from === source ? room !== source && addresses.has(room) : room === source && addresses.has(from);
      return isTrue ? [] : [{ invariant: 'S-o', what: `${user} asked for ${from} and is offered ${room}` }];
    });
    return { violations, exercised: made.length };
  },
});
