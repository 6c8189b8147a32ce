import { jid } from '../core/xmpp/jid.ts';
import type { Protocol } from './protocol.ts';

/** XEP-0045 alone: one room, users of several servers. */
export const plain: Protocol = {
  layout(domains, base) {
    const [first] = domains;
    if (first === undefined) throw new RangeError('no domain');
    const room = jid(`hall@rooms.${first}`);
    return {
      nodes: [
        {
          kind: 'service',
          address: jid(`rooms.${first}`),
          server: first,
          rooms: [base(room)],
          openCreation: false,
          admins: [],
        },
      ],
      roomOf: () => room,
    };
  },
  mayBeHostile: () => [],
  tamper: (stanza) => [stanza],
  checkers: {},
};
