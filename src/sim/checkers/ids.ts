import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { payloadOf } from '../../core/xmpp/stanza.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';
import type { View } from '../view.ts';

/**
 * G16 (XEP-0421): whatever somebody says bears their occupant id, and for each reader it is the same one at every visit and in
 * all of the author's sessions, live or from the history, until a node loses its log. What the room has not accepted yet has no stanza-id, and is no part of
 * this; nor is what a node accepted before it lost its log and others pass on later.
 */
export const occupantIds: Checker = ({ world, people }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const known = new Map<View, Map<Jid, string>>();
  /** Which node accepted what: by stanza-id. */
  const accepted = new Map<string, Jid>();
  const ofBefore = new Set<string>();
  // A hostile node invents what its people say, and who they are.
  const hostile = world?.plan.hostileNode !== undefined;
  // Whoever is in by two instances of XEP-0281 may have an id by each: they need not know of each other who that is.
  const severalRooms = new Set(
    people.flatMap(({ jid, room }) =>
      people.some((other) => bareOf(other.jid) === bareOf(jid) && other.room !== room) ? [bareOf(jid)] : [],
    ),
  );
  const forgets = (node: Jid) => {
    known.clear();
    for (const [id, at] of accepted) if (at === node) ofBefore.add(id);
  };
  return {
    other(record) {
      if (record.kind === 'forgotten') forgets(record.node);
    },
    kept(event, { node }) {
      // A shadow that is none any more, and may be one again.
      if (event.kind === 'roomDestroyed') forgets(node);
      if (event.kind === 'messageAccepted' && !accepted.has(event.item.id)) accepted.set(event.item.id, node);
    },
    heard({ i, view, said, stanza }) {
      const session = people[said?.user ?? -1]?.jid;
      const author = session && bareOf(session);
      const word = payloadOf(stanza, 'stanza-id', NS.sid)?.attrs['id'];
      if (hostile || author === undefined || severalRooms.has(author) || word === undefined || ofBefore.has(word))
        return;
      exercised++;
      const id = payloadOf(stanza, 'occupant-id', NS.occupantId)?.attrs['id'];
      const ids = known.get(view) ?? new Map<Jid, string>();
      known.set(view, ids);
      const before = ids.get(author);
      if (id !== undefined) ids.set(author, id);
      if (id !== undefined && (before === undefined || before === id)) return;
      const what = `to ${view.person.jid} ${author} is ${id ?? 'nobody'}${before === undefined ? '' : `, and was ${before}`}`;
      violations.push({ invariant: 'G16', what, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};
