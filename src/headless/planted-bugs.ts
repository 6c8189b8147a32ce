import type { Mode } from '../sim/plan.ts';
import type { Patch } from './sim-bundle.ts';

/**
 * A mistake that somebody could make, as a change to the source: the program has no switch for any of them. A simulator
 * that does not find them proves little when it finds nothing.
 */
export interface PlantedBug extends Patch {
  readonly name: string;
  /** Modes in which the changed code runs. */
  readonly modes: readonly Mode[];
}

const room = 'src/core/room/';
const primaryReplica = 'src/core/distribution/primary-replica/';
const fmuc = 'src/core/distribution/fmuc/';
const everywhere = ['plain', '0282', '0289pp', '0289pr'] as const;

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'history comes twice at enter',
    file: `${room}tell.ts`,
    find: "turn.send(stanza, spec ?? '0045#7.2.13');",
    replace: "for (const _ of [1, 2]) turn.send(stanza, spec ?? '0045#7.2.13');",
    modes: everywhere,
  },
  {
    name: 'self-presence before the others',
    file: `${room}tell.ts`,
    find: '  for (const other of room.occupants.values()) {\n    if (other.nick !== occupant.nick && seesPresence',
    replace:
      "  turn.send(presenceFor(room, occupant, occupant, { statuses }), '0045#7.2.2');\n  statuses = [];\n  for (const other of room.occupants.values()) {\n    if (other.nick !== occupant.nick && seesPresence",
    modes: everywhere,
  },
  {
    name: 'subject before history',
    file: `${room}tell.ts`,
    find: '  for (const stanza of selectHistory(',
    replace:
      "  turn.send(message(room.jid, occupant.jid, { type: 'groupchat' }, el('subject', NS.client)), '0045#7.2.15');\n  for (const stanza of selectHistory(",
    modes: everywhere,
  },
  {
    name: 'who leaves is not told',
    file: `${room}commit.ts`,
    find: '      tellLeaver(turn, change, spec);',
    replace: '',
    modes: everywhere,
  },
  {
    name: 'a message comes back without its id',
    file: `${room}checks.ts`,
    find: 'stanzaId: stanza.id,',
    replace: '',
    modes: everywhere,
  },
  {
    name: 'JIDs are for everybody',
    file: `${room}visibility.ts`,
    find: "return room.whois === 'anyone' || viewer.role === 'moderator';",
    replace: 'return true;',
    modes: everywhere,
  },
  {
    name: 'JID filter only at join',
    file: `${room}visibility.ts`,
    find: 'jid,\n    nick: item?.nick,',
    replace: "jid: type === 'unavailable' ? subject.jid : jid,\n    nick: item?.nick,",
    modes: everywhere,
  },
  {
    name: 'no strip',
    file: `${room}hygiene.ts`,
    find: 'if (reserved.has(payload.xmlns)) return true;',
    replace: '',
    modes: everywhere,
  },
  {
    name: 'strip after store',
    file: `${room}checks.ts`,
    find: 'lang: stanza.lang,\n    payloads: cleanPayloads(room.jid, stanza.payloads)',
    replace: 'lang: stanza.lang,\n    payloads: stanza.payloads',
    modes: everywhere,
  },
  {
    name: 'anybody changes roles',
    file: `${room}affiliation.ts`,
    find: "if (actor.role !== 'moderator') return",
    replace: 'if (actor === undefined) return',
    modes: everywhere,
  },
  {
    name: 'anybody sets the subject',
    file: `${room}checks.ts`,
    find: "if (role === 'moderator' || (role === 'participant' && config.changeSubject)) return undefined;",
    replace: 'if (role !== undefined) return undefined;',
    modes: everywhere,
  },
  {
    name: 'a subject with a thread is a subject change',
    file: 'src/core/xep/xep0045.ts',
    find: "if (name === 'body' || name === 'thread') return false;",
    replace: "if (name === 'body') return false;",
    modes: everywhere,
  },
  {
    name: 'visitors speak in a moderated room',
    file: `${room}checks.ts`,
    find: 'if (maySpeak(role, config)) return undefined;',
    replace: 'if (role !== undefined) return undefined;',
    modes: everywhere,
  },
  {
    name: 'two people, one nick',
    file: `${room}nick.ts`,
    find: 'const own = holder !== undefined && isOf(holder, session);',
    replace: 'const own = holder !== undefined;',
    modes: everywhere,
  },
  {
    name: 'a session is forgotten at a kick',
    file: `${room}tell.ts`,
    find: 'for (const session of localSessions(occupant)) tellSession',
    replace: 'for (const session of localSessions(occupant).slice(0, 1)) tellSession',
    modes: everywhere,
  },
  {
    name: 'a leave is told while a session remains',
    file: `${room}commit.ts`,
    find: 'tellOfSessions(turn, change.before, change.after, spec);',
    replace: "tellOthersOfLeave(turn, { ...change, kind: 'left', occupant: change.before }, spec);",
    modes: everywhere,
  },
  {
    name: 'history to all sessions where another one joins',
    file: `${room}tell.ts`,
    find: "    turn.send(stanza, spec ?? '0045#7.2.13');",
    replace:
      "    for (const { jid } of localSessions(room.occupants.get(occupant.nick) ?? occupant))\n      turn.send({ ...stanza, to: jid }, spec ?? '0045#7.2.13');",
    modes: everywhere,
  },
  {
    name: 'a private message goes to one session',
    file: `${room}receive.ts`,
    find: 'for (const session of everySession(target)) {',
    replace: 'for (const session of everySession(target).slice(0, 1)) {',
    modes: everywhere,
  },
  {
    name: 'a message goes to one session of each occupant',
    file: `${room}tell.ts`,
    find: 'if (viewer.provisional && !change.item.provisional) continue;',
    replace:
      'if (viewer.provisional && !change.item.provisional) continue;\n        if (viewer.jid !== localSessions(room.occupants.get(viewer.nick) ?? viewer)[0]?.jid) continue;',
    modes: everywhere,
  },
  {
    name: 'the leave of one session takes out all at the replica',
    file: `${primaryReplica}relaying.ts`,
    find: "turn.record({ kind: 'occupantChanged', occupant: servedElsewhere(occupant, occupant.jid, room.jid) });",
    replace:
      "const { sessions: _, ...alone } = occupant;\n    turn.record({ kind: 'occupantChanged', occupant: { ...alone, home: room.jid } });",
    modes: ['0282'],
  },
  {
    name: 'another node knows a user by the session that is shown',
    file: `${fmuc}stanzas.ts`,
    find: 'const payloads = [...said, fmucFrom(room, occupant.nick, asFirst(occupant).jid), item(room, occupant, parts)];',
    replace: 'const payloads = [...said, fmucFrom(room, occupant.nick, occupant.jid), item(room, occupant, parts)];',
    modes: ['0289pp'],
  },
  {
    name: 'different nick folding on two nodes',
    file: `${room}nick.ts`,
    find: 'const taken = !own && room.occupantsByShape(skeleton(nick))',
    replace:
      "const folded = room.jid.endsWith('s1.sim') ? nick : skeleton(nick);\n  const taken = !own && room.occupantsByShape(folded)",
    modes: ['0289pp'],
  },
  {
    name: 'n reused after reload without epoch bump',
    file: `${room}state.ts`,
    find: 'this.n = snapshot.n;',
    replace: 'this.n = 0;',
    modes: ['0282'],
  },
  {
    name: 'reflect before commit',
    file: 'src/sim/seat.ts',
    find: 'if (batch === undefined) return this.#release(handled);',
    replace: 'this.#release(handled);\n    handled.length = 0;\n    if (batch === undefined) return;',
    modes: everywhere,
  },
  {
    name: 'silence is never a split',
    file: 'src/core/distribution/keepalive.ts',
    find: '++this.#misses >= 2',
    replace: '++this.#misses >= 1e9',
    modes: ['0282'],
  },
  {
    name: 'no dedupe by place',
    file: `${primaryReplica}replica.ts`,
    find: 'if (epoch === room.epoch && n === room.n + 1) return true;',
    replace: 'if (epoch === room.epoch && n <= room.n + 1) return true;',
    modes: ['0282'],
  },
  {
    name: 'a gap is no gap',
    file: `${primaryReplica}replica.ts`,
    find: 'if (epoch === room.epoch && n === room.n + 1) return true;',
    replace: 'if (epoch === room.epoch && n > room.n) return true;',
    modes: ['0282'],
  },
  {
    name: 'any error is a split',
    file: `${primaryReplica}primary.ts`,
    find: '        return enterRefused(turn, replicas, replica, what.user, stanza);',
    replace:
      "{\n        const record = replicaPeer(turn.room, replica);\n        if (record?.state === 'live')\n          split(turn, replicas.of(turn, replica, record), record, 'bounce', 'an error');\n        return;\n      }",
    modes: ['0282'],
  },
  {
    name: 'a stanza that its author gave no id bounces unnoticed',
    file: 'src/core/distribution/link.ts',
    find: 'this.#outstanding.add(id, stanza.id);',
    replace: 'if (stanza.id !== undefined) this.#outstanding.add(id, stanza.id);',
    modes: ['0282'],
  },
  {
    name: 'split messages inserted in the past',
    file: `${room}state.ts`,
    find: 'if (event.past) return this.#rememberPast(event.item);',
    replace: 'if (event.past || event.item.split) return this.#rememberPast(event.item);',
    modes: ['0282'],
  },
  {
    name: 'no epoch check',
    file: `${primaryReplica}replica.ts`,
    find: 'if (epoch === room.epoch && n === room.n + 1) return true;',
    replace: 'if (n === room.n + 1) return true;',
    modes: ['0282'],
  },
  {
    name: 'enter without ticket',
    file: `${primaryReplica}tickets.ts`,
    find: 'return valid ? ticket : undefined;',
    replace: 'return valid ? ticket : { nick, join: {} };',
    modes: ['0282'],
  },
  {
    name: 'a leave has no place',
    file: `${primaryReplica}replica.ts`,
    find: 'if (epoch === room.epoch && (n === room.n || next)) return true;',
    replace: 'if (leave !== undefined || (epoch === room.epoch && n === room.n)) return true;',
    modes: ['0282'],
  },
  {
    name: 'via ignored',
    file: 'src/core/node/muc-node.ts',
    find: 'if (domainOf(received.from) !== via)',
    replace: 'if (via === undefined)',
    modes: ['0282'],
  },
  {
    name: 'timer-only liveness after a freeze',
    file: 'src/core/distribution/keepalive.ts',
    find: "return { kind: 'wait', ms: wakeMs };",
    replace: "return { kind: 'lost' };",
    modes: ['0282'],
  },
  {
    name: 'ban not looked at again at netjoin',
    file: `${room}checks.ts`,
    find: 'const no = mayEnter(room, from, nick, join);',
    replace:
      "const split = stanza.payloads.some(({ xmlns }) => xmlns === 'urn:xmpp:tmp:dmuc:0');\n  const no = split && room.affiliationOf(from) === 'outcast' ? undefined : mayEnter(room, from, nick, join);",
    modes: ['0282'],
  },
  {
    name: 'double delivery at enter',
    file: `${primaryReplica}live.ts`,
    find: "commit(turn, { kind: 'returned', occupant, join: asked, accepted }, { spec: '0282#4.5' });",
    replace:
      "commit(turn, { kind: 'returned', occupant, join: asked, accepted }, { spec: '0282#4.5' });\n    for (const item of room.history.slice(-1)) turn.send(delayedMessage(room.jid, item, jid), '0282#4.5');",
    modes: ['0282'],
  },
  {
    name: 'a replica’s log may lose its tail',
    file: 'src/sim/planner.ts',
    find: 'relaxed: 0,\n    hostileNode: prng',
    replace: 'relaxed: 3,\n    hostileNode: prng',
    modes: ['0282'],
  },
  {
    name: 'voice not looked at again at netjoin',
    file: `${primaryReplica}judge.ts`,
    find: 'const checked = checkGroupchat(room, theirs, stanza, turn.env);',
    replace: "const checked = checkGroupchat(room, { ...theirs, role: 'participant' }, stanza, turn.env);",
    modes: ['0282'],
  },
  {
    name: 'what was said before a split is forgotten',
    file: `${primaryReplica}asking.ts`,
    find: "tellAllUnknown(turn, session, 'the room is cut off from its primary, which may not have this');",
    replace: 'session.relays.clear();',
    modes: ['0282'],
  },
  {
    name: 'what a link swallowed counts as arrived',
    file: `${primaryReplica}outcomes.ts`,
    find: 'if (!relays.forget(relay) || outcome === undefined) continue;',
    replace: 'relays.forget(relay);\n    if (relay.n > 0) continue;',
    modes: ['0282'],
  },
  {
    name: 'chat states are refused while split',
    file: `${primaryReplica}apart.ts`,
    find: 'if (isWordless(stanza) && !(local && here.length > 0 && may(config.split.private))) return;',
    replace: '',
    modes: ['0282'],
  },
  {
    name: 'leave waits for the primary',
    file: `${primaryReplica}relaying.ts`,
    find: 'if (local) userLeft(turn, session, local, stanza, []);',
    replace: 'if (local && room.n < 0) userLeft(turn, session, local, stanza, []);',
    modes: ['0282'],
  },
  {
    name: 'roster shown before ready',
    file: `${primaryReplica}replica.ts`,
    find: 'return state.addOccupant(occupantOf(room, nick, user, stanza.payloads), dmuc);',
    replace:
      "const payloads = stanza.payloads.filter(({ xmlns }) => xmlns !== 'urn:xmpp:tmp:dmuc:0');\n        for (const { jid } of room.locals) turn.send({ ...stanza, to: jid, payloads }, '0282#4.3');\n        return state.addOccupant(occupantOf(room, nick, user, stanza.payloads), dmuc);",
    modes: ['0282'],
  },
  {
    name: 'gap at enter',
    file: `${primaryReplica}creation.ts`,
    find: 'room.history.length - created.maxstanzas)));',
    replace: 'room.history.length - created.maxstanzas), -1));',
    modes: ['0282'],
  },
  {
    name: 'JIDs go to every replica',
    file: `${primaryReplica}replicas.ts`,
    find: 'jids: this.mayHoldJids(room, replica)',
    replace: 'jids: true',
    modes: ['0282'],
  },
  {
    name: 'an author in an answer to a join is somebody else each time',
    file: 'src/core/distribution/resync.ts',
    find: 'if (known !== undefined) return known;',
    replace: '',
    modes: ['0289pp'],
  },
  {
    name: 'echo to the link of origin',
    file: `${fmuc}links.ts`,
    find: 'link && peer !== occupant.home && !passed.includes(peer)) links.push(link);',
    replace: 'link) links.push(link);',
    modes: ['0289pp'],
  },
  {
    name: 'any error is a lost link',
    file: `${fmuc}errors.ts`,
    find: 'return conflict(turn, links, link, side, stanza, then);',
    replace: "return then.lost('bounce', 'an error');",
    modes: ['0289pp'],
  },
  {
    name: 'no (by, id) dedupe at a rejoin',
    file: 'src/core/distribution/resync.ts',
    find: '!room.holds(item) && !(said.size > 0 && said.has(contentOf(item)))',
    replace: '!said.has(item.id)',
    modes: ['0289pp'],
  },
  {
    name: 'who comes by an answer has another occupant id each time',
    file: 'src/core/distribution/resync.ts',
    find: 'return room.occupantIdOf(user) ?? this.#ids.get(bareOf(user));',
    replace: 'return undefined;',
    modes: ['0289pp'],
  },
  {
    name: 'no dedupe on a link',
    file: 'src/core/distribution/link.ts',
    find: 'place.n <= this.#received) return',
    replace: 'place.n < 0) return',
    modes: ['0289pp'],
  },
  {
    name: 'a gap on a link is no gap',
    file: 'src/core/distribution/link.ts',
    find: "if (place.n > this.#received + 1) return 'gap';",
    replace: '',
    modes: ['0289pp'],
  },
  {
    name: 'a node speaks for anybody',
    file: `${fmuc}occupants.ts`,
    find: 'return home === peer || passesOn ?',
    replace: 'return home ?',
    modes: ['0289pp'],
  },
  {
    name: 'a claimed rank counts',
    file: `${fmuc}reading.ts`,
    find: '...rankOf(room, author),',
    replace: "...(role === 'none' ? rankOf(room, author) : { affiliation, role }),",
    modes: ['0289pp'],
  },
  {
    name: 'a node brings in anybody',
    file: `${fmuc}admission.ts`,
    find: 'return scopes.holds(room, peer, user, counts ? origin : peer);',
    replace:
      'return scopes !== undefined || counts ? user !== origin || peer !== origin || room !== undefined : false;',
    modes: ['0289pp'],
  },
  {
    name: 'a node brings in our own users',
    file: `${fmuc}scope.ts`,
    find: 'if (isOwnUser(room.jid, user)) return given === undefined && isOwnUser(peer, user);',
    replace: 'if (isOwnUser(room.jid, user)) return true;',
    modes: ['0289pp'],
  },
  {
    name: 'a node’s real addresses are kept',
    file: `${fmuc}reading.ts`,
    find: 'return withoutAddresses(said, author ?? from);',
    replace: 'return author === from ? withoutAddresses(said, author) : said;',
    modes: ['0289pp'],
  },
  {
    name: 'any node kicks',
    file: `${fmuc}moderation.ts`,
    find: 'if (links.trust.mayKick?.includes(peer)) {',
    replace: 'if (links.trust.mayKick?.includes(peer) !== null) {',
    modes: ['0289pp'],
  },
  {
    name: 'a replica shows what its users say before the echo',
    file: `${fmuc}replica-side.ts`,
    find: "if (this.reach(turn.room) === 'joined') return this.#hold(turn, change, stanza);",
    replace: "if (this.reach(turn.room) === 'joined') return 'commit';",
    modes: ['0289pr'],
  },
  {
    name: 'a replica lets its users in before the echo',
    file: `${fmuc}replica-side.ts`,
    find: "if (change.kind === 'entered') return this.#enters(turn, change);",
    replace: "if (change.kind === 'entered' && this.reach(turn.room) === 'joined') return 'commit';",
    modes: ['0289pr'],
  },
  {
    name: 'a late echo is dropped',
    file: `${fmuc}replica-side.ts`,
    find: 'if (!isEntry) this.awaited.keepLate(asked, turn.env.now);',
    replace: 'if (!isEntry) return;',
    modes: ['0289pr'],
  },
  {
    name: 'an echo is shown twice',
    file: `${fmuc}replica-side.ts`,
    find: 'if (asked) this.#happens(turn, asked);',
    replace:
      "if (asked?.wish.kind === 'change' && asked.wish.change.kind === 'message') for (const _ of [1, 2]) commit(turn, asked.wish.change);\n    else if (asked) this.#happens(turn, asked);",
    modes: ['0289pr'],
  },
  {
    name: 'an echo of any node counts',
    file: `${fmuc}replica-side.ts`,
    find: 'if (peer !== this.primary) return false;',
    replace: '',
    modes: ['0289pr'],
  },
  {
    name: 'any number of things may wait for an echo',
    file: `${fmuc}awaited.ts`,
    find: 'return this.#waiting.full || count >= userMax;',
    replace: 'return false;',
    modes: ['0289pr'],
  },
  {
    name: 'an echo of presence is a collision',
    file: `${fmuc}fmuc-node.ts`,
    find: '    if (this.#replica?.takesEcho(turn, peer, author, stanza) ||',
    replace:
      "    const own = turn.room.occupantByJid(author);\n    if (peer === this.#replica?.primary && stanza.name === 'presence' && own?.home === undefined && own)\n      return turn.send(errorReply({ ...stanza, from: author, to: (turn.room.jid + '/' + own.nick) as Jid }, stanzaError('cancel', 'conflict')), 'decision#23');\n    if (this.#replica?.takesEcho(turn, peer, author, stanza) ||",
    modes: ['0289pr'],
  },
  {
    name: 'who waits for an echo is not told that the link is gone',
    file: `${fmuc}replica-side.ts`,
    find: "else if (wish.kind === 'change') this.#refuseChange(turn, wish, lost);",
    replace: '',
    modes: ['0289pr'],
  },
];
