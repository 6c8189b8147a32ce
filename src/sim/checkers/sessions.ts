import { bareOf, type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { NS } from '../../core/xmpp/namespaces.ts';
import { bodyOf, payloadOf, stanzaText } from '../../core/xmpp/stanza.ts';
import { isPrivateText, privateText } from '../bodies.ts';
import type { Checker } from '../judge.ts';
import { isSelf } from '../stanzas.ts';
import type { Violation } from '../trace.ts';
import { lost, type View } from '../view.ts';
import { has, type Occupants, servedHere } from './occupants.ts';
import { lastEntry, lastWord, ownWords } from './words.ts';

/**
 * G17 (XEP-0045 §7.2.8): somebody is in as long as one of their sessions is. When one goes, nobody else is told of a leave;
 * when they go, each session is told so by the node that serves it; and what is said to all is told to each session or to none.
 */
export const severalSessions: Checker = (given) => {
  const checks = [endsForAll(given), staysInWithOne(given), heardByEach(given)];
  return {
    kept: (event, place, record, i) => {
      for (const { kept } of checks) kept?.(event, place, record, i);
    },
    sent: (record, i) => {
      for (const { sent } of checks) sent?.(record, i);
    },
    verdict() {
      const verdicts = checks.map(({ verdict }) => verdict());
      return {
        violations: verdicts.flatMap(({ violations }) => violations),
        exercised: verdicts.reduce((sum, { exercised }) => sum + exercised, 0),
      };
    },
  };
};

const wrong = (what: string, at: number): Violation => ({ invariant: 'G17', what, at });

/** Whoever is out by what a node decides is told so in each session that the node served; and so is a session that goes alone. */
const endsForAll: Checker = ({ trace, untold, world }) => {
  /** By the append that has it, who is yet to be told. */
  const waiting = new Map<number, Set<Jid>>();
  let exercised = 0;
  const decides = (node: Jid) => world?.seats.get(node)?.config.kind === 'service';
  // Whom the primary serves from now on a replica learns from the answer to its request.
  const asked = (cause: number | undefined) => {
    const record = cause === undefined ? undefined : trace[cause];
    return record?.kind === 'out' && record.stanza.name !== 'iq' && record.stanza.type !== 'error';
  };
  return {
    kept(event, { node, occupants }, { cause }, i) {
      if (node === world?.plan.hostileNode || untold.has(i)) return;
      let gone: readonly Jid[] = [];
      // Under another nick, somebody whom a replica had let in itself goes on.
      if (event.kind === 'occupantLeft' && !occupants.get(event.nick)?.provisional)
        gone = servedHere(occupants.get(event.nick));
      else if (event.kind === 'occupantChanged' && decides(node))
        gone = servedHere(occupants.get(event.occupant.nick)).filter((jid) => !has(event.occupant, jid));
      else if (event.kind === 'occupantChanged' && asked(cause)) {
        const here = servedHere(event.occupant);
        gone = servedHere(occupants.get(event.occupant.nick)).filter((jid) => !here.includes(jid));
      }
      if (gone.length === 0) return;
      exercised += gone.length;
      waiting.set(i, new Set([...(waiting.get(i) ?? []), ...gone]));
    },
    sent({ stanza, cause }) {
      if (cause !== undefined && stanza.type === 'unavailable' && isSelf(stanza)) waiting.get(cause)?.delete(stanza.to);
    },
    verdict() {
      const violations = [...waiting].flatMap(([i, jids]) =>
        [...jids].map((jid) => wrong(`${jid} is out and was not told so`, i)),
      );
      return { violations, exercised };
    },
  };
};

/** Nobody is told of a leave by who is still in by another session. */
const staysInWithOne: Checker = ({ people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const users = new Set(people.map(({ jid }) => jid));
  /** By room and node, who is in. */
  const inside = new Map<string, Occupants>();
  /** By append, whose nick was free after one of its events. */
  const freed = new Map<number, Set<string>>();
  return {
    kept(event, { node, room, occupants }, _, i) {
      inside.set(`${node} ${room}`, occupants);
      const free = freed.get(i) ?? new Set();
      if (event.kind === 'occupantLeft' || event.kind === 'nickChanged') free.add(event.nick);
      else if (event.kind === 'stateReplaced') for (const nick of occupants.keys()) free.add(nick);
      else return;
      freed.set(i, free);
    },
    sent(record, i) {
      const { by, stanza, cause } = record;
      if (
        stanza.name !== 'presence' ||
        stanza.type !== 'unavailable' ||
        isSelf(stanza) ||
        by === world?.plan.hostileNode
      )
        return;
      if (!users.has(stanza.to)) return;
      exercised++;
      const nick = resourceOf(stanza.from);
      if (cause !== undefined && freed.get(cause)?.has(nick)) return;
      if (inside.get(`${by} ${bareOf(stanza.from)}`)?.has(nick))
        violations.push(wrong(`${by} tells of a leave by who is in: ${stanzaText(stanza)}`, i));
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** What is said to all comes live to every session that a node serves, once, or to none of them. */
const heardByEach: Checker = ({ world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  /** By append with messages: who is in, and how often each of them was told each message. */
  const told = new Map<number, { readonly inside: readonly Jid[]; readonly words: Map<string, Map<Jid, number>> }>();
  return {
    kept(event, { node, occupants }, _, i) {
      if (event.kind !== 'messageAccepted' || node === world?.plan.hostileNode || told.has(i)) return;
      // Whom a replica let in itself hears only what is said beside them.
      const inside = [...occupants.values()].flatMap((one) => (one.provisional ? [] : servedHere(one)));
      told.set(i, { inside, words: new Map() });
    },
    sent({ stanza, cause, spec }) {
      // What the room says to one user is no message of all.
      if (ownWords.has(spec)) return;
      const words = cause === undefined || stanza.type !== 'groupchat' ? undefined : told.get(cause)?.words;
      const body = words && bodyOf(stanza);
      // What comes late is for those who have not heard it yet.
      if (words === undefined || body === undefined || payloadOf(stanza, 'delay', NS.delay)) return;
      const times = words.get(body) ?? new Map<Jid, number>();
      words.set(body, times);
      times.set(stanza.to, (times.get(stanza.to) ?? 0) + 1);
    },
    verdict() {
      for (const [i, { inside, words }] of told)
        for (const [body, times] of words) {
          exercised++;
          const all = inside.map((jid) => times.get(jid) ?? 0);
          if (all.every((one) => one <= 1 && one === all[0])) continue;
          const what = inside.map((jid, k) => `${jid} ${all[k]} times`).join(', ');
          violations.push(wrong(`"${body}" was told to ${what}`, i));
        }
      return { violations, exercised };
    },
  };
};

/**
 * G18 (§7.5): when everything is healed, a private message to the nick of somebody who is in reaches each of their sessions,
 * once.
 */
export const lastPrivateWords: Checker = (given) => {
  const { trace, views, contested, world } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const sent: {
    readonly i: number;
    readonly by: Jid;
    readonly to: string;
    readonly text: string;
    readonly id: string | undefined;
  }[] = [];
  const got = new Map<string, number>();
  return {
    said({ by, stanza }, i) {
      const text = stanza.type === 'chat' ? bodyOf(stanza) : undefined;
      if (text !== undefined && isLast(text)) sent.push({ i, by, to: resourceOf(stanza.to), text, id: stanza.id });
    },
    got({ view, stanza }) {
      const text = stanza.type === 'chat' ? bodyOf(stanza) : undefined;
      if (text === undefined || !isPrivateText(text)) return;
      const key = `${view.person.jid} ${text}`;
      got.set(key, (got.get(key) ?? 0) + 1);
    },
    verdict() {
      if (world === undefined) return { violations, exercised };
      const inside = views.filter(({ person }) => {
        const user = world.users.get(person.jid);
        return user?.online && user.half.state().phase === 'joined';
      });
      // Where a link lost the news that they are out, or under another nick, users believe what is not so.
      const sure = inside.filter((view) => !lost(trace, view, lastEntry(view), isSelf));
      for (const { by, to, text, id, i } of sent) {
        const author = sure.find(({ person }) => person.jid === by);
        if (author === undefined || isRefused(author, id) || contested.has(bareOf(by))) continue;
        for (const { person } of sure) {
          if (contested.has(bareOf(person.jid))) continue;
          if (world.users.get(person.jid)?.half.state().nick !== to) continue;
          exercised++;
          const times = got.get(`${person.jid} ${text}`) ?? 0;
          if (times !== 1)
            violations.push({ invariant: 'G18', what: `${person.jid} got "${text}" of ${by} ${times} times`, at: i });
        }
      }
      return { violations, exercised };
    },
  };
};

/** The text of the private message that the n-th person sends when all is well again. */
export const lastPrivateText = (n: number): string => privateText(lastWord(3) + n);

function isLast(text: string): boolean {
  return isPrivateText(text) && Number(text.split(' ')[1]) >= lastWord(3);
}

function isRefused({ seen }: View, id: string | undefined): boolean {
  return seen.some(({ stanza }) => stanza.name === 'message' && stanza.type === 'error' && stanza.id === id);
}
