/** What holds of everything that a node says, whatever the protocol. */
import type { Jid } from '../core/xmpp/jid.ts';
import { bareOf, domainOf, partsOf } from '../core/xmpp/jid.ts';
import type { Review } from './check.ts';
import { forUsers } from './like.ts';
import { Failed } from './script.ts';
import type { Stage } from './stage.ts';

/** Whether an address of ours is that of a person: nodes are bare, or occupants of a node. */
function isPerson(address: Jid, { setting, node }: Stage): boolean {
  if (partsOf(address).local === '') return false;
  const domain = domainOf(address);
  return (
    (domain === setting.users || domain === setting.domain) && address.endsWith('/kit') && bareOf(address) !== node
  );
}

export function forUserReview(id: string, section: string): Review {
  return {
    id,
    section,
    requirement: 'What only nodes tell each other reaches no user.',
    examine(exchanged, stage) {
      const bad = exchanged.filter(
        ({ sent, stanza }) => !sent && stanza.type !== 'error' && isPerson(stanza.to, stage) && !forUsers.fits(stanza),
      );
      if (bad.length > 0)
        throw new Failed(
          'nothing for users with a payload of nodes',
          bad.slice(0, 3).map(({ stanza }) => stanza),
        );
    },
  };
}

export function noAnswerToErrors(id: string, section: string): Review {
  return {
    id,
    section,
    requirement: 'An error, or the result of an iq, is never answered with an error (RFC 6120 §8.3.1).',
    examine(exchanged) {
      // By id: a stanza without one cannot be known again.
      const final = new Set<string>();
      for (const { sent, stanza } of exchanged) {
        const { name, type, id: known } = stanza;
        if (known === undefined) continue;
        const isFinal = type === 'error' || (name === 'iq' && type === 'result');
        if (!isFinal) continue;
        const key = sent
          ? `${stanza.from} ${stanza.to} ${name} ${known}`
          : `${stanza.to} ${stanza.from} ${name} ${known}`;
        if (sent) final.add(key);
        else if (type === 'error' && final.has(key))
          throw new Failed('no error in answer to an error or to a result', [stanza]);
      }
    },
  };
}
