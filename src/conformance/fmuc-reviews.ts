/** What holds of everything that a node of XEP-0289 says. */

import { bareOf, resourceOf } from '../core/xmpp/jid.ts';
import type { Review } from './check.ts';
import { hasFmuc, hasItem } from './like.ts';
import { forUserReview, noAnswerToErrors } from './reviews.ts';
import { Failed } from './script.ts';

export const fmucReviews = (role: 'joined' | 'joining'): readonly Review[] => [
  {
    id: `0289-${role}-stamped`,
    section: '5.1',
    requirement: 'Whatever a node tells another of a user has <fmuc from/> with the address of that user.',
    examine(exchanged, stage) {
      const about = exchanged
        .filter(({ sent, stanza }) => !sent && bareOf(stanza.to) === stage.node && bareOf(stanza.from) === stage.peer)
        .map(({ stanza }) => stanza)
        .filter(({ name, type, from }) => name !== 'iq' && type !== 'error' && resourceOf(from) !== '');
      const bad = about.filter((stanza) => !hasFmuc.fits(stanza));
      if (bad.length > 0) throw new Failed(`everything that is said of a user ${hasFmuc.words}`, bad.slice(0, 3));
      const bare = about.filter((stanza) => stanza.name === 'presence' && !hasItem.fits(stanza));
      if (bare.length > 0) throw new Failed(`every presence of a user ${hasItem.words}`, bare.slice(0, 3));
    },
  },
  forUserReview(`0289-${role}-for-users`, '5.1'),
  noAnswerToErrors(`0289-${role}-no-error-to-error`, '5'),
];
