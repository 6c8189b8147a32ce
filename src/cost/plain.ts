/**
 * A plain room (XEP-0045): one node, and each user elsewhere is reached over the link of their own server. In the terms: K servers,
 * N occupants, nₛ of them on server s, and F = N − n₀ of them elsewhere than the room.
 */

import { stanzaLength } from '../core/xmpp/stanza.ts';
import { type Design, sumOver } from './design.ts';
import { authorsIn, changersIn, elsewhereIn, historyMax, occupantsOf, pastOf } from './network.ts';
import { Samples } from './samples.ts';
import { nothing, sendingMs, sum, times } from './traffic.ts';

export const plain: Design = {
  id: 'plain',

  /**
   * §7.2: the first of each server enters, server after server. The one of server s, with s others in, of whom s − 1 are elsewhere:
   * 1 request, s − 1 copies of their presence, the s of the others and their own (110), 1 subject. Over all servers
   * Σ (2s + 2) = (K − 1)(K + 2). The one on the room's own server crosses no link.
   */
  linking(network) {
    const samples = new Samples(network);
    const far = network.occupants.length - 1;
    return sum(
      times(far, samples.enters()),
      times(far ** 2, samples.shown()),
      times(far, samples.shown(true)),
      times(far, samples.subject()),
    );
  },

  /**
   * §7.2: the others enter, server after server. With P in, F′ of them elsewhere, one more on the room's server costs F′ copies of
   * their presence; one elsewhere costs 1 request, F′ copies, the P presences of the others and their own, and 1 subject.
   * The m of a server: m (3 + F′ + P) + m (m − 1).
   */
  joins(network) {
    const samples = new Samples(network);
    let [inside, elsewhere] = [network.occupants.length, network.occupants.length - 1];
    return sumOver(network.occupants, (here, server) => {
      const more = here - 1;
      const [before, away] = [inside, elsewhere];
      inside += more;
      if (server === 0) return times(more * away, samples.shown());
      elsewhere += more;
      return sum(
        times(more, samples.enters()),
        times(more * (away + before) + more * (more - 1), samples.shown()),
        times(more, samples.shown(true)),
        times(more, samples.subject()),
      );
    });
  },

  /** §7.4: F copies of each message; of an author elsewhere, 1 to the room before that. */
  messages(network) {
    const samples = new Samples(network);
    const authors = authorsIn(network);
    return sum(
      times(network.messages - (authors[0] ?? 0), samples.says()),
      times(network.messages * elsewhereIn(network), samples.copy()),
    );
  },

  /**
   * §7.14, §7.2, §7.6: a round of somebody elsewhere is 1 request and F copies for the leave; 1 request, F − 1 copies, N presences,
   * the history and the subject for the entry; 1 request and 2 F copies for the nick. Of somebody on the room's server: F, F and 2 F.
   */
  churn(network) {
    const samples = new Samples(network);
    const [all, far] = [occupantsOf(network), elsewhereIn(network)];
    const near = changersIn(network)[0] ?? 0;
    const away = network.churn - near;
    return sum(
      times(near * far, samples.gone()),
      times(near * 2 * far, samples.shown()),
      times(near * far, samples.renamed()),
      times(away, samples.leaves()),
      times(away, samples.gone(true)),
      times(away * (far - 1), samples.gone()),
      times(away, samples.enters()),
      times(away * (far - 1 + all - 1), samples.shown()),
      times(away, samples.shown(true)),
      times(away * pastOf(network), samples.copy(true)),
      times(away, samples.subject()),
      times(away, samples.renames()),
      times(away * (far - 1), samples.renamed()),
      times(away, samples.renamed(true)),
      times(away * (far - 1), samples.shown()),
      times(away, samples.shown(true)),
    );
  },

  /** A room does not ask whether its users are there. */
  upkeep: () => nothing,

  /**
   * The room has taken the m users of the server for gone, and all enter again: m requests, for the i-th of them the N − m + i − 1
   * of the others and their own, the history and the subject; and each is shown to the i − 1 who are back.
   * m (3 + N − m + H) + m (m − 1).
   */
  resync(network) {
    const { occupants, missed, messages } = network;
    if (occupants.length < 2) return nothing;
    const samples = new Samples(network);
    const back = occupants.at(-1) ?? 0;
    const past = Math.min(historyMax, messages + missed);
    return sum(
      times(back, samples.enters()),
      times(back * (occupantsOf(network) - back) + back * (back - 1), samples.shown()),
      times(back, samples.shown(true)),
      times(back * past, samples.copy(true)),
      times(back, samples.subject()),
    );
  },

  /**
   * The way to the room (of an author elsewhere), 1 ms of its log, and the last of the copies on the fullest link:
   * latency + nₛ · bytes / bandwidth.
   */
  lastDeliveryMs(network, author) {
    const samples = new Samples(network);
    const { latencyMs, bytesPerSecond } = network.link;
    const fullest = Math.max(0, ...network.occupants.slice(1));
    const there = author === 0 ? 0 : latencyMs + sendingMs(stanzaLength(samples.says()), bytesPerSecond);
    const back = fullest === 0 ? 0 : latencyMs + sendingMs(fullest * stanzaLength(samples.copy()), bytesPerSecond);
    return there + 1 + back;
  },
};
