import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { bodyOf, errorOf, message, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import type { ComponentEvents, Gateway } from '../../../src/server/real-server.ts';
import { errorCondition, errorText, fakeNetwork, type WireClient } from '../../support/server.ts';

const c = 'xmlns="jabber:client"';
const channel = 'channel.avalon.irc';
const vesaRooms = 'rooms.vesa.irc';
const real = 'real.example';
const visitor = 'iago@venice.lit/desk';

/** A component stream, as the real server has it. */
class Seat {
  readonly service: string;
  readonly events: ComponentEvents;
  readonly sent: Stanza[] = [];
  closed = false;
  unsentBytes = 0;

  constructor(service: string, events: ComponentEvents) {
    this.service = service;
    this.events = events;
  }
  says(from: string, to: string, body: string, id = body): void {
    this.events.stanza(message(jid(from), jid(to), { type: 'groupchat', id }, el('body', 'jabber:client', {}, body)));
  }
  /** What it was sent since the last look: addresses, and the body or the error. */
  take(): readonly string[] {
    return this.sent
      .splice(0)
      .map((stanza) => `${stanza.from} > ${stanza.to}: ${errorOf(stanza)?.condition ?? bodyOf(stanza) ?? stanza.name}`);
  }
}

/** Two services are components of one real server; the third is not. */
function atTheEdge() {
  const seats: Seat[] = [];
  const gateway: Gateway = {
    open: (_, service, events) => {
      const seat = new Seat(service, events);
      seats.push(seat);
      return {
        send: (stanza) => seat.sent.push(stanza),
        get unsentBytes() {
          return seat.unsentBytes;
        },
        close: () => {
          seat.closed = true;
        },
      };
    },
  };
  const made = fakeNetwork({ realServers: [{ domain: real, services: [channel, vesaRooms] }] }, gateway);
  /** The n-th stream of a service, which is up. */
  const seatOf = (service: string, n = 0): Seat => {
    const seat = seats.filter((one) => one.service === service)[n];
    if (seat === undefined) throw new Error(`no stream ${n} of ${service}`);
    seat.events.up();
    return seat;
  };
  return { ...made, seats, seatOf };
}

const says = (from: string, to: string, body: string) =>
  `<message ${c} from="${from}" to="${to}" type="groupchat" id="${body}"><body>${body}</body></message>`;
const brief = (client: WireClient) =>
  client.take().map((stanza) => `${stanza.attrs['from']}: ${errorCondition(stanza) ?? stanza.attrs['id']}`);

describe('A service that is a component of a real server', () => {
  it('is connected there as long as it is logged in here, once', () => {
    const { login, seats } = atTheEdge();
    expect(seats).toEqual([]);
    login('idle.avalon.irc');
    expect(seats).toEqual([]);
    const service = login(channel);
    expect(seats.map((seat) => [seat.service, seat.closed])).toEqual([[channel, false]]);
    // Another page takes over.
    login(channel);
    expect(seats.map((seat) => seat.closed)).toEqual([true, false]);
    expect(service.streamError).toBe('conflict');
  });

  it('says to domains that are not here what it says there, and to people here what it says here', () => {
    const { login, seatOf, host } = atTheEdge();
    const user = login('argl@avalon.irc/r');
    const service = login(channel);
    const seat = seatOf(channel);
    service.send(says(`r@${channel}/Nick`, visitor, 'there'), says(`r@${channel}/Nick`, 'argl@avalon.irc/r', 'here'));
    host.advance(0);
    expect(seat.take()).toEqual([`r@${channel}/Nick > ${visitor}: there`]);
    expect(brief(user)).toEqual([`r@${channel}/Nick: here`]);
  });

  it('is the only one who does: a person, a replica, another service are told that nobody is there', () => {
    const { login, seatOf, host } = atTheEdge();
    login(channel);
    const seat = seatOf(channel);
    for (const [address, from] of [
      ['argl@avalon.irc/r', 'argl@avalon.irc/r'],
      ['replica@vesa.irc/node', 'replica@vesa.irc'],
      ['idle.avalon.irc', 'x@idle.avalon.irc'],
    ] as const) {
      const client = login(address);
      client.send(says(from, visitor, 'hello'));
      host.advance(0);
      expect(brief(client)).toEqual([`${visitor}: remote-server-not-found`]);
    }
    expect(seat.take()).toEqual([]);
  });

  it('cannot speak in another name: the stream ends, and nothing of it leaves', () => {
    const { login, seatOf, host } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    service.send(says(`r@${vesaRooms}/Nick`, visitor, 'forged'));
    host.advance(0);
    expect(service.streamError).toBe('invalid-from');
    expect(seat.take()).toEqual([]);
    expect(seat.closed).toBe(true);
  });

  it('ends its stream there with a frame that is no element', () => {
    const { login, seatOf } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    service.send('<message/><message/>');
    expect(service.streamError).toBe('not-well-formed');
    expect(seat.closed).toBe(true);
  });

  it('hears what users of that server say', () => {
    const { login, seatOf, host, trace } = atTheEdge();
    const service = login(channel);
    seatOf(channel).says(visitor, `r@${channel}`, 'hello');
    host.advance(0);
    expect(brief(service)).toEqual([`${visitor}: hello`]);
    const hops = trace().flatMap((record) =>
      record.kind === 'hop' ? [`${record.leg} ${record.from} > ${record.to}`] : [],
    );
    expect(hops).toEqual([`link ${real} > avalon.irc`, `out avalon.irc > ${channel}`]);
  });

  it('hears nobody from there in the name of somebody here', () => {
    const { login, seatOf, host } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    for (const from of ['argl@avalon.irc/r', 'msa@vesa.irc/r', 'eris.irc', 'x@idle.avalon.irc/Nick']) {
      seat.says(from, `r@${channel}`, 'forged');
      host.advance(0);
      expect(brief(service)).toEqual([]);
      expect(seat.take()).toEqual([`r@${channel} > ${from}: not-allowed`]);
    }
    expect(host.lines.at(-1)).toMatch(/real\.example: a stanza from x@idle\.avalon\.irc\/Nick was refused/);
  });

  it('is sent no more while it does not read what it has', () => {
    const { login, seatOf, host } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    service.buffered = 9 * 1024 * 1024;
    seat.says(visitor, `r@${channel}`, 'hello');
    host.advance(0);
    expect(seat.take()).toEqual([`r@${channel} > ${visitor}: resource-constraint`]);
    service.buffered = 0;
    seat.says(visitor, `r@${channel}`, 'again');
    host.advance(0);
    expect(brief(service)).toEqual([`${visitor}: again`]);
  });

  it('rests while the server does not read what it says', () => {
    const { login, seatOf, network } = atTheEdge();
    login(channel);
    const seat = seatOf(channel);
    expect(network.worthWaiting()).toBe(0);
    seat.unsentBytes = 20 * 1024 * 1024;
    expect(network.worthWaiting()).toBe(seat.unsentBytes);
  });
});

describe('Two services that are components of real servers', () => {
  it('reach each other by these, and one stanza is known again when it comes back', () => {
    const { login, seatOf, host, trace } = atTheEdge();
    const [service, other] = [login(channel), login(vesaRooms)];
    const [seat, its] = [seatOf(channel), seatOf(vesaRooms)];
    service.send(says(`r@${channel}`, `q@${vesaRooms}`, 'copy'));
    host.advance(100);
    expect(brief(other)).toEqual([]);
    expect(seat.take()).toEqual([`r@${channel} > q@${vesaRooms}: copy`]);
    its.says(`r@${channel}`, `q@${vesaRooms}`, 'copy');
    host.advance(0);
    expect(brief(other)).toEqual([`r@${channel}: copy`]);
    const hops = trace().flatMap((record) => (record.kind === 'hop' ? [record] : []));
    expect(hops.map(({ leg, from, to }) => `${leg} ${from} > ${to}`)).toEqual([
      `in ${channel} > avalon.irc`,
      `link avalon.irc > ${real}`,
      `link ${real} > vesa.irc`,
      `out vesa.irc > ${vesaRooms}`,
    ]);
    // Each is the cause of the next.
    expect(hops.slice(1).map(({ cause }) => cause)).toEqual(hops.slice(0, -1).map(({ seq }) => seq));
  });

  it('reach a service that is none over the links here', () => {
    const { login, seatOf, host } = atTheEdge();
    const [service, idle] = [login(vesaRooms), login('idle.avalon.irc')];
    const seat = seatOf(vesaRooms);
    service.send(says(`q@${vesaRooms}`, 'x@idle.avalon.irc', 'near'));
    host.advance(100);
    expect(brief(idle)).toEqual([`q@${vesaRooms}: near`]);
    expect(seat.take()).toEqual([]);
  });
});

describe('The edge', () => {
  const edge = ['avalon.irc', real] as const;
  const linkOf = (records: ReturnType<ReturnType<typeof atTheEdge>['trace']>) =>
    records
      .filter((record) => record.kind === 'link' && record.server.includes(real) && record.server.includes(edge[0]))
      .at(-1);

  it('is a link of each server at which a component is, and of no other', () => {
    const { trace } = atTheEdge();
    const ends = trace().flatMap((record) =>
      record.kind === 'link' && record.server.includes(real) ? [record.server[0]] : [],
    );
    expect(ends).toEqual(['avalon.irc', 'vesa.irc']);
    expect(linkOf(trace())).toMatchObject({ state: 'up', latencyMs: 0 });
  });

  it.each([
    ['bounce', 'remote-server-timeout'],
    ['silent', undefined],
  ] as const)('is cut (%s) for both, and for nobody else', (state, condition) => {
    const { login, seatOf, host, network } = atTheEdge();
    const [service, other] = [login(channel), login(vesaRooms)];
    const [seat, its] = [seatOf(channel), seatOf(vesaRooms)];
    network.changeLink(jid(edge[0]), jid(edge[1]), { state });
    service.send(says(`r@${channel}/Nick`, visitor, 'out'));
    seat.says(visitor, `r@${channel}`, 'in');
    host.advance(0);
    expect(brief(service)).toEqual(condition ? [`${visitor}: ${condition}`] : []);
    expect(seat.take()).toEqual(condition ? [`r@${channel} > ${visitor}: ${condition}`] : []);
    its.says(visitor, `q@${vesaRooms}`, 'elsewhere');
    host.advance(0);
    expect(brief(other)).toEqual([`${visitor}: elsewhere`]);
    network.changeLink(jid(edge[0]), jid(edge[1]), { state: 'up' });
    seat.says(visitor, `r@${channel}`, 'healed');
    host.advance(0);
    expect(brief(service)).toEqual([`${visitor}: healed`]);
  });

  it('keeps what is sent before the first connection is up, in order', () => {
    const { login, seats, host } = atTheEdge();
    const service = login(channel);
    service.send(says(`r@${channel}`, visitor, '1'), says(`r@${channel}`, visitor, '2'));
    host.advance(0);
    expect(seats[0]?.sent).toEqual([]);
    seats[0]?.events.up();
    expect(seats[0]?.take()).toEqual([`r@${channel} > ${visitor}: 1`, `r@${channel} > ${visitor}: 2`]);
  });

  it('gives back what the server cannot be told while it is away, says why, and goes on when it is back', () => {
    const { login, seatOf, host, trace } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    seat.events.away('the connection was refused');
    service.send(says(`r@${channel}`, visitor, 'lost'));
    host.advance(0);
    const [bounced] = service.take();
    expect([errorCondition(bounced), errorText(bounced)]).toEqual([
      'remote-server-timeout',
      `${real} is not reached: the connection was refused`,
    ]);
    expect(linkOf(trace())).toMatchObject({ state: 'bounce', away: `${channel}: the connection was refused` });
    seat.events.up();
    service.send(says(`r@${channel}`, visitor, 'found'));
    host.advance(0);
    expect(seat.take()).toEqual([`r@${channel} > ${visitor}: found`]);
    expect(linkOf(trace())).toMatchObject({ state: 'up' });
    expect(linkOf(trace())).not.toHaveProperty('away');
  });

  it('answers no error with an error', () => {
    const { login, seatOf, host } = atTheEdge();
    const service = login(channel);
    const seat = seatOf(channel);
    seat.events.away('gone');
    service.send(`<message ${c} from="r@${channel}" to="${visitor}" type="error" id="e"/>`);
    host.advance(0);
    expect(service.take()).toEqual([]);
  });

  it('is not what something can be addressed to', () => {
    expect(() =>
      fakeNetwork(
        { realServers: [{ domain: 'vesa.irc', services: [channel] }] },
        {
          open: () => {
            throw new Error();
          },
        },
      ),
    ).toThrow('vesa.irc is there twice');
  });
});
