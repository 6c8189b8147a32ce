import { describe, expect, it } from 'vitest';
import { jid } from '../../src/core/xmpp/jid.ts';
import { bodyOf, errorReply, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { seats } from '../support/cast.ts';

const unavailable = ({ name, type }: Stanza) => name === 'presence' && type === 'unavailable';

describe.each(Object.keys(seats))('XEP-0045 §18.1.2 Ghost Users, decision #223, in the seat %s', (name) => {
  const nodeOf: Record<string, string> = {
    plain: 'conference.localhost',
    primary: 'channel.avalon.irc',
    replica: 'replica@vesa.yeggmaex.irc',
    fmuc: 'talk.denmark.lit',
  };

  it('who left while the node was down is out soon after its start, and nobody had to speak', () => {
    const seat = seats[name]?.();
    if (seat === undefined) return;
    const { world, owner, guest } = seat;
    const node = nodeOf[name];
    if (node === undefined) throw new Error(`where is the room of the seat ${name}?`);
    const log = world.crash(jid(node));
    world.boot(jid(node), log);
    world.clear();
    world.advance(29_000);
    const asked = () =>
      world.got(guest.jid).filter((stanza) => stanza.name === 'message' && stanza.type === 'groupchat');
    expect(asked()).toEqual([]);
    world.advance(2_000);
    const [question, ...more] = asked();
    expect([question?.from, more]).toEqual([guest.room, []]);
    world.clear();
    // RFC 6121 §8.5.3.2.1: so says the server of a session that is gone.
    const gone = errorReply(question as Stanza, { type: 'cancel', condition: 'service-unavailable' });
    world.send(gone as Stanza);
    expect(
      world
        .got(owner.jid)
        .filter(unavailable)
        .map(({ from }) => from),
    ).toEqual([`${owner.room}/${guest.nick}`]);
    // Who is there is shown nothing.
    expect(world.got(owner.jid).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual([]);
  });
});
