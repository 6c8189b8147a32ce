import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/sim/plan.ts';
import { isLong } from '../support/long.ts';
import { simulations } from '../support/simulations.ts';

/** Seeds that found mistakes of the core, or of a checker, with the steps they were found with, and what they found. */
const found: readonly (readonly [Mode, number, number, string])[] = [
  ['0281', 425, 120, 'the checker: a shadow that is asked for anew, under another id, was none that it knew'],
  ['0281', 467, 120, 'the checker: what was changed by an order that waited behind the one that was answered'],
  ['plain', 269, 120, 'a client believed to be in after a self-presence meant for its earlier session'],
  ['plain', 533, 120, 'the same, its join having been refused while the node was down'],
  ['plain', 910, 120, 'the same, after a change of nick that the node told of again (decision #50)'],
  ['plain', 1190, 120, 'the checker: an answer that a new stream had cut off was excused only once that showed'],
  ['plain', 3775, 120, 'the checker: a bounce in the middle of an answer to a join ended the answer'],
  ['plain', 5420, 120, 'the checker: what came to a new client of an answer to the one before counted as heard twice'],
  ['plain', 5451, 120, 'the checker: a new client that had asked for nothing was taken for one that is in'],
  ['plain', 6565, 120, 'the checker: the end of an earlier session, told late, was taken for the answer to a leave'],
  ['plain', 11998, 120, 'the checker: a rejoin under another nick was allowed no more stanzas than a change of nick'],
  ['plain', 12763, 120, 'the checker: an answer given again after a crash was none where a link swallowed its end'],
  ['0289pp', 487, 120, 'an answer to a join that took longer than 10 s over a slow link was given up, each time anew'],
  ['0289pp', 696, 120, 'the same'],
  ['0289pp', 2264, 120, 'a nick was given twice when one confusable with it, of another node, had gone'],
  ['0282', 206, 120, 'a client that lost track got nothing but itself from a split replica'],
  [
    '0282',
    300,
    120,
    'for those beside them, who joined past their replica under another nick stayed in, and words got lost',
  ],
  ['0282', 541, 120, 'a replica that was offered to, and whose request got lost, waited for ever'],
  ['0282', 864, 120, 'an enter refused by a nick that its user had no more was refused to nobody'],
  ['0282', 976, 120, 'who was kicked and did not know it was told by the primary, and then more by the replica'],
  ['0282', 1080, 120, 'a provisional user got of the room’s own history, and again once they were accepted'],
  ['0282', 1794, 120, 'an enter that got lost was not missed: nobody served its user'],
  ['0282', 1923, 120, 'statuses of a new configuration came straight from the primary, also to those who had left'],
  ['0282', 113, 120, 'a provisional user whom the primary had never missed was accepted without their rank'],
  [
    '0282',
    288,
    120,
    'a provisional user whom the primary knew under another nick was renamed again, and out for themselves',
  ],
  ['0282', 350, 120, 'to such a user it was they who left under that other nick'],
  ['0282', 876, 120, 'such a user was in twice, and out when the second of them was refused'],
  ['0282', 1357, 120, 'a change of rank was lost on the replica of somebody marked as away'],
  [
    '0282',
    1899,
    120,
    'who had left the primary, which had yet to hear of it, was let in provisionally, and told by both when they left again',
  ],
  [
    '0282',
    2196,
    120,
    'somebody provisional whom the primary knew under that nick, and whose JID said so, was in twice',
  ],
  [
    '0282',
    2440,
    120,
    'who came under a nick that somebody had left with, and changed at the primary before, was not let in',
  ],
  ['0282', 3675, 120, 'who was entered right before their replica crashed was shown a part of the room'],
  [
    '0282',
    2280,
    120,
    'who was out of a room that became members-only was told of before its place, and the replicas asked anew',
  ],
  ['0282', 4793, 120, 'what was said beside people came to them as news, where what the primary made of it got lost'],
  ['0282', 4247, 120, 'a provisional user who had come past the replica before stayed on its roster as nobody’s'],
  ['0282', 4019, 120, 'who left and came back under another nick was no more on the roster of their replica'],
  ['0282', 3346, 120, 'a provisional user whom the primary served itself never heard who had left the replica'],
  [
    '0282',
    6178,
    120,
    'the checker: an order of a hostile node while all was repeated was taken for the repetition’s doing',
  ],
  ['0282', 6929, 120, 'what was relayed while the primary still took the replica for split was said by it twice'],
  ['0282', 6764, 120, 'the checker: what was heard provisionally did not count once an earlier join was answered'],
  ['0282', 10284, 120, 'an answer that came slowly was asked for anew, which made it slower, for ever'],
  ['0282', 6543, 120, 'a refusal to serve somebody that got lost left them in at the primary'],
  ['0282', 11430, 120, 'the same'],
  ['0282', 12078, 120, 'the same'],
  ['0282', 9412, 120, 'the same, and they got history after the subject'],
  ['0282', 10081, 120, 'whom the primary served itself lost their nick to themselves at the netjoin, and was put out'],
  ['0282', 15295, 120, 'the same'],
  ['0282', 13811, 120, 'who came after something was said beside others never got it once it was accepted'],
];

/** The same, of plans with all that a run has, but for further sessions of one user. */
const whole: readonly (readonly [Mode, number, string])[] = [
  ['plain', 2167, 'the checker: a client whose join a link swallowed was in by what the room told of again'],
  ['plain', 6748, 'the checker: of several answers of one moment, each without its end, one was taken for the whole'],
  ['plain', 8119, 'the checker: a moderator who was gone before they were told so was to know no JIDs'],
  ['plain', 12105, 'the checker: somebody who was gone stayed in until the repetition wrote to them'],
  ['0289pp', 2163, 'who was banned while they waited for the joined node was let in when the wait was over'],
  ['0282', 391, 'a page that slept counted a ping as missed whose answer waited behind the timer'],
  [
    '0282',
    2598,
    'what a provisional user had heard beside them came again where it had been accepted before they were',
  ],
  ['0282', 6323, 'the same'],
  ['0282', 4386, 'the checker: an answer to a join was none where another node spoke in the middle of it'],
  ['0282', 6225, 'who was refused under a new nick stayed in at the primary under the one they had left'],
  ['0282', 4398, 'the checker: who was told of by another node while an answer came was not in it'],
  ['0282', 3577, 'the checker: what a replica kept of a split, and told nobody in a crash, is found in the history'],
  ['0282', 10367, 'the checker: a primary that served somebody past their replica had yet to hear that they left'],
  ['0282', 5307, 'a provisional user whom the primary told that they are not in stayed on the roster as nobody’s'],
  ['0282', 6895, 'the checker: a primary that lost its log was held to whom it had called live'],
  ['0282', 547, 'who left right before their replica crashed was never told so, and went on talking'],
  ['0282', 10645, 'a hostile primary told its replica to wait for its pings for decades'],
  ['0282', 1480, 'the checker: a primary that lost its log was held to what it had known'],
  ['0282', 2004619, 'an <enter/> that overtook the update before it was refused, and its user served by both nodes'],
  [
    '0282',
    2009449,
    'what was said during a split pushed what its users had seen before it out of the replica’s memory',
  ],
  [
    '0282',
    2003868,
    'the checker: the nick of one who had left a replica, and changed at the primary, was nobody’s to hold',
  ],
  [
    'plain',
    2008828,
    'the checker: what told a client that they are a moderator was swallowed behind the end of an earlier visit',
  ],
  [
    '0282',
    2006970,
    'a split replica asked again and again over a slow link, and ten minutes later its answers still came',
  ],
  ['0282', 1687, 'the checker: a replica that lost its log was held to an epoch it had known'],
  ['0282', 2001145, 'a refusal to serve somebody that got lost left them in at the primary'],
  ['0282', 2011129, 'the same'],
  ['0282', 7757, 'the same'],
  ['0282', 2002084, 'the checker: what a node had decided before it was handed a leave counted as decided after'],
  ['0282', 11685, 'the checker: a node was held to a leave of which it could not hear in its sleep'],
  ['0282', 2009562, 'a replica that was dismissed while it was cut off kept and relayed a provisional entry'],
  ['0282', 2001094, 'a leave that was told again after a crash put out who had come back since'],
  ['0282', 2009593, 'a join under another nick by who is in brought oneself before the others'],
  ['0282', 2010583, 'a join past the replica for a nick that is taken was moved to the primary, and not answered'],
  ['0282', 8950, 'a request for creation that came twice made a session of which the replica never heard'],
  ['0282', 15295, 'whom the primary served itself lost their nick to themselves at the netjoin, and was put out'],
  ['0282', 3346, 'who came past the replica never heard of the leave of somebody whom that had not served'],
  ['0282', 4379, 'who was in again after a split got once more what they had heard, where a room shows no history'],
  ['0282', 5096, 'the same'],
  ['0282', 6172, 'the same'],
  ['0282', 4458, 'the checker: what a primary had accepted before it lost its log reached somebody after that'],
  ['0282', 5850, 'the checker: the same, by a replica that slept'],
  [
    '0282',
    6618,
    'an entry of a roster that was told again entered who had asked since for a nick that is another’s by now',
  ],
  ['0282', 12955, 'the checker: a replica was held to a leave that its crash had taken from it'],
  ['0282', 10656, 'words of a second split came again to who had come between the two'],
  ['0282', 16741, 'a join of one who was in, whose answer got lost before a netjoin, was never answered'],
  [
    '0282',
    13123,
    'a hostile primary named a session of ours under another nick, and its own leave was somebody else’s',
  ],
  ['0282', 17933, 'whose join a crash took had their own presence, told again, for its answer, and lacked the others'],
];

/** The same, of the plans of today. */
const today: readonly (readonly [Mode, number, string])[] = [
  [
    '0282',
    218,
    'one of several sessions entered provisionally under another nick, and the others were out at their replica alone',
  ],
  ['0282', 288, 'the same, where the nick of before was given back to the sessions that stayed'],
  ['0282', 912, 'the checker: who changed their own rank changed that of a session under another nick'],
  ['0282', 1423, 'a replica without a moderator forgot one JID of an occupant, and kept the others'],
  ['0289pp', 907, 'of two nicks that became one the session that entered last was taken for the first'],
  ['0289pp', 1040, 'two sessions of one user that waited under two nicks had an occupant id each'],
  ['0289pp', 1455, 'who changed their mind while they waited left under a nick that was another session’s by then'],
  ['0289pp', 30, 'who came by another way while an answer was under way was in collision with themselves'],
  ['0289pp', 51, 'who asked in the name of a user who left meanwhile left one of two rooms without a word'],
  ['0289pp', 184, 'the checker: in a ring others may know a user whom a node does not show, or not'],
  ['0289pp', 919, 'words of one user overtook one another in a ring'],
  ['0289pp', 1494, 'two rooms that name each other had each let the other join, and heard nothing of each other'],
  ['0289pp', 1937, 'the same'],
  ['0289pr', 1172, 'a session that left before its change of nick came back stayed in at the primary for ever'],
  ['0281', 57, 'who was called otherwise because of a nick was so for ever'],
  ['0281', 31, 'a hostile shadow’s user became one of another server'],
  ['0281', 90, 'messages of one time stood in another order at each instance'],
  ['0281', 108, 'a user who came back to a shadow that had lost its log had two occupant ids'],
  ['0281', 166, 'what a shadow had accepted before it lost its log was asked for of nobody'],
  ['0281', 211, 'a change of rank of somebody who was in did not reach the other shadows'],
  ['0281', 322, 'who asked for something and was not in was written to as if they were'],
  ['0281', 474, 'a shadow’s new lists did not count for users of other shadows who were in'],
  ['0281', 489, 'what followed from the wish of a shadow’s user was not told to that shadow'],
  ['0281', 524, 'a shadow that was none any more never heard of it'],
  ['0281', 693, 'a shadow took the answer to a ping of one that had no link for its link'],
  ['0281', 725, 'what a source had accepted before it lost its log was refused because of its time'],
  ['0281', 73, 'the others did not hear of a shadow that greeted before its service had answered'],
  ['0281', 1361, 'the checker: with an owner’s order a nick got free, and its user was called by it again'],
  ['0281', 1473, 'what came back to a shadow that had lost its log, and no number with it, it told nobody of'],
  ['0281', 1490, 'the checker: a hostile shadow told a source that had lost its log of its past, with other ids'],
  ['0281', 1715, 'the same'],
  ['0281', 1804, 'the checker: a hostile shadow said that a user is another, who was known under another nick'],
  [
    '0281',
    797,
    'the checker: an order of a hostile node’s user, asked for by their shadow, came during the repetition',
  ],
];

/** The same, with the variety that networks have now. */
const varied: readonly (readonly [Mode, number, string])[] = [
  [
    '0282',
    755,
    'a primary that lost its log, and whose clock was set back, was of an epoch that its replica did not believe',
  ],
  ['0282', 822, 'and so nobody behind that replica heard a word again'],
  ['0282', 1531, 'the checker: a replica whose clock was set forward asked for what the primary could not know'],
  ['0281', 227, 'the checker: two orders were carried out together, and the first was held against the second'],
  [
    '0281',
    286,
    'a user whom a room gave an id since it lost its log had the one of before again, by what others told of them',
  ],
  ['0281', 355, 'a room that lost its log, and whose clock was set back, did not ask for its own messages'],
  ['0281', 627, 'the checker: a shadow’s user asked from a session that the source does not know'],
  ['0281', 886, 'the checker: a shadow was to know the bans of other servers'],
  ['0281', 1793, 'the checker: what a hostile shadow had said it told only in the repetition'],
  ['0281', 1486, 'the last part of a roster came twice, and took out whoever was in the others'],
  ['0281', 2046, 'a room that lost its log was not offered what stood behind a gap elsewhere'],
  ['0281', 3478, 'a client whose room was gone believed to be in'],
  ['0281', 3852, 'a room that lost its log asked no second instance for what the first did not have'],
  ['0281', 3882, 'a wish of a split that was lost on its way to the source was never told again'],
  ['0281', 3918, 'two services without a room answered each other’s leaves for ever'],
  ['0281', 4361, 'what a hostile shadow said without a place stood last, and spoiled the time of what came after'],
  ['0289pp', 975, 'whose nick another node gives to somebody banned here was not told that they are not shown there'],
  ['0289pp', 1386, 'a user whom two rooms named at once was given two occupant ids'],
  ['0281', 4563, 'a room that had lost its log claimed what it had not got back, and the source never asked for it'],
  ['0281', 966, 'an admin of a hostile shadow who no longer says who they are stayed a moderator'],
  [
    '0289pp',
    7814,
    'a word from before a start of its author’s node came last, by the slower way, and was shown as if it were new',
  ],
  [
    '0289pr',
    2929,
    'a node was told that a device of a user was refused who waited, and not that the user was: it held them for in',
  ],
  [
    '0289pr',
    4167,
    'the checker: an echo came in time, and the clock of the node had been set forward by hours meanwhile',
  ],
  ['0281', 7439, 'the checker: a room whose log is gone does not know whom it had banned'],
  ['0289pp', 5375, 'a node without users lost those who had come by one link when it left another, and did not say so'],
  ['0289pp', 5517, 'the checker: a hostile node took the last users away for whom one node had joined another'],
  ['0289pp', 3421, 'a session that has another’s nick now was left out of an answer, and the other had its old nick'],
  [
    '0289pp',
    9299,
    'somebody known by an old nick, which another has now, was put out by the answer that told their new one',
  ],
  ['0289pp', 6687, 'a spare link stayed away when the other ended by a room’s own rules, and none was looked at'],
  ['0289pp', 5609, 'a hostile node told of what a user had said whose own node was linked'],
  ['0289pp', 4004, 'the checker: nobody knew better than a hostile node what was said where it could be the way'],
];

/** They take longer than all that is found sooner: every ninth is enough for each day. */
const some = <T>(all: readonly T[]) => all.filter((_, i) => isLong || i % 9 === 2);

describe('What the simulator found stays mended', () => {
  const run = simulations();

  it.each(some(found))('%s, seed %i, %i steps: %s', async (mode, seed, events) => {
    // No run had a swizzle, a primary that is hostile or loses its log, or several sessions when they were found.
    const only = new Set(Array.from({ length: events }, (_, step) => step));
    const calm = new Set(['primary', 'devices'] as const);
    expect((await run(seed, { mode, events, only, calm })).violations).toEqual([]);
  });

  it.each(some(whole))('%s, seed %i, where everybody has one session: %s', async (mode, seed) => {
    const calm = new Set(['devices'] as const);
    expect((await run(seed, { mode, events: 120, calm })).violations).toEqual([]);
  });

  it.each(some(varied))('%s, seed %i, varied: %s', async (mode, seed) => {
    expect((await run(seed, { mode, events: 120 })).violations).toEqual([]);
  });

  it.each(some(today))('%s, seed %i, with all that a run has: %s', async (mode, seed) => {
    // They were found before there was more variety.
    const calm = new Set(['variety'] as const);
    expect((await run(seed, { mode, events: 120, calm })).violations).toEqual([]);
  });
});
