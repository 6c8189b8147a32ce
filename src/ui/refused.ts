import type { Model } from './fold/model.ts';
import type { OccupantView } from './fold/people.ts';
import type { Refusal, Refused } from './fold/refusals.ts';
import { shortName } from './words.ts';

const leads: Record<Refused, string> = {
  message: 'not said',
  private: 'not delivered',
  subject: 'subject not set',
  entry: 'not let in',
  nick: 'nick not changed',
  presence: 'presence not shown',
  kicking: 'nobody kicked',
  kick: 'kicked',
  ban: 'banned',
  rank: 'put out: only members may be in',
  'members-only': 'put out: the room is for members only now',
  shutdown: 'put out: the service ends',
  destroyed: 'put out: the room is no more',
};

/** What a condition means to whoever is not let in, or is not called as they wish. */
const atTheDoor: Readonly<Record<string, string>> = {
  conflict: 'somebody has this nick',
  forbidden: 'they are banned',
  'item-not-found': 'there is no such room',
  'not-acceptable': 'not under this nick',
  'not-authorized': 'the password is missing or wrong',
  'registration-required': 'only members may enter',
  'service-unavailable': 'the room is full',
};
const inside: Readonly<Record<string, string>> = {
  forbidden: 'they have no voice, or no right to',
  'item-not-found': 'nobody is called that',
  'not-acceptable': 'they are not in the room',
  'not-allowed': 'it is not allowed here',
  'not-authorized': 'it is not theirs to do',
  'policy-violation': 'too much at once',
  'resource-constraint': 'there is no room for it now',
  'service-unavailable': 'it is not to be had here',
};

/** How somebody was refused, in a few words: "not let in: only members may enter". */
export function refusalInWords({ refusals }: Model, refusal: Refusal): string {
  const what = refusals.whatOf(refusal);
  const { condition, text } = refusal;
  if (condition === 'unanswered') return 'no answer: whether it was said is not known';
  // Who was not reached may have got it all the same.
  const lead = condition === 'remote-server-timeout' ? 'out of reach' : leads[what];
  const known = what === 'entry' || what === 'nick' ? atTheDoor : inside;
  const why = text ?? (condition === undefined ? undefined : (known[condition] ?? condition.replaceAll('-', ' ')));
  return why === undefined ? lead : `${lead}: ${why}`;
}

/** How somebody was refused last, on any of their devices. */
export function refusalOf({ refusals, paused }: Model, { jid, devices }: Pick<OccupantView, 'jid' | 'devices'>) {
  const refusal = refusals.of([jid, ...devices.map((device) => device.jid)]);
  // What waits on a paused link will be answered.
  return paused && refusal?.condition === 'unanswered' ? undefined : refusal;
}

/** As it is read out. */
export function refusalSentence(model: Model, refusal: Refusal): string {
  return `${shortName(model, refusal.who)}, ${refusalInWords(model, refusal)}.`;
}
