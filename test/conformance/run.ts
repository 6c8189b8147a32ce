import { NS } from '../../src/core/xmpp/namespaces.ts';
import { childOf, childrenOf, el, escapeAttribute, serialize, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { RawClient } from './client.ts';
import { type Captures, difference } from './match.ts';
import { fill, readStanzas, type Script, ScriptError, type Step } from './script.ts';

/** A room service and the server whose users talk to it. */
export interface Seat {
  readonly name: string;
  readonly websocket: string;
  /** Domain of the users; any name and password is let in. */
  readonly host: string;
  readonly service: string;
}

/**
 * Plays a script on a seat. Accounts and rooms are this run's own, so scripts do not meet: `{host}`, `{service}`,
 * `{room}`, `{room2}`, `{name}` (a client's full JID) and `{name.bare}` are filled in.
 *
 * @throws ScriptError with script, line, and what came instead
 */
export async function play(script: Script, seat: Seat): Promise<void> {
  const dialogue = new Dialogue(script, seat);
  try {
    await dialogue.steps(script.steps);
  } finally {
    dialogue.end();
  }
}

let runs = 0;

/** `{ns.user}` and so on. */
const shortNames = {
  muc: NS.muc,
  user: NS.mucUser,
  admin: NS.mucAdmin,
  owner: NS.mucOwner,
  error: NS.stanzas,
  form: NS.dataForms,
  delay: NS.delay,
  info: NS.discoInfo,
  items: NS.discoItems,
  ping: NS.ping,
  sid: NS.sid,
  occupant: NS.occupantId,
  mam: 'urn:xmpp:mam:2',
  rsm: 'http://jabber.org/protocol/rsm',
  forward: 'urn:xmpp:forward:0',
  register: 'jabber:iq:register',
};

class Dialogue {
  readonly #script: Script;
  readonly #seat: Seat;
  readonly #values: Captures;
  readonly #clients = new Map<string, RawClient>();
  /** Clients whose stanzas the room may not have seen yet. */
  readonly #talked = new Set<string>();
  /** What each client was sent and the script has dealt with. */
  readonly #taken = new Map<string, readonly XmlElement[]>();
  readonly #addresses = new Map<string, string>();

  constructor(script: Script, seat: Seat) {
    this.#script = script;
    this.#seat = seat;
    const run = `${process.pid.toString(36)}-${++runs}`;
    this.#values = new Map([
      ...Object.entries(shortNames).map(([name, xmlns]) => [`ns.${name}`, xmlns] as const),
      ['host', seat.host],
      ['service', seat.service],
      ['room', `coven-${run}@${seat.service}`],
      ['room2', `heath-${run}@${seat.service}`],
    ]);
    for (const [name, declared] of script.clients) {
      const [account = '', resource = 'r'] = fill(declared, this.#values).split('/');
      const bare = account.replace('@', `-${run}@`);
      this.#addresses.set(name, `${bare}/${resource}`);
      this.#values.set(name, `${bare}/${resource}`).set(`${name}.bare`, bare);
    }
  }

  end(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async steps(steps: readonly Step[]): Promise<void> {
    for (const [i, step] of steps.entries()) {
      if (step.kind === 'differs') continue;
      const next = steps[i + 1];
      const differs = next?.kind === 'differs' && next.seats.includes(this.#seat.name);
      if (differs) {
        const before = new Map([...this.#taken].map(([who, stanzas]) => [who, stanzas.length]));
        await this.steps(next.steps);
        if (this.#agrees(step, before.get(step.who) ?? 0))
          throw new ScriptError(`${this.#script.file}:${next.line}: ${this.#seat.name} does not differ here any more`);
      } else
        await this.#step(step).catch((error: unknown) => {
          if (error instanceof ScriptError) throw error;
          const { file } = this.#script;
          const why = error instanceof Error ? error.message : String(error);
          throw new ScriptError(`${file}:${step.line} on ${this.#seat.name}: ${step.text}\n${why}`);
        });
    }
  }

  /** Whether what came instead would have done for the step as it stands: then its `differs` says too much. */
  #agrees(step: Exclude<Step, { kind: 'differs' }>, since: number): boolean {
    const came = (this.#taken.get(step.who) ?? []).slice(since);
    if (step.kind === 'receives nothing') return came.length === 0;
    if (step.kind !== 'receives') return false;
    const expected = readStanzas(step.xml, this.#values);
    const took = came.slice(0, expected.length);
    return took.length === expected.length && this.#mismatch(expected, took, step.inOrder) === undefined;
  }

  async #step(step: Exclude<Step, { kind: 'differs' }>): Promise<void> {
    if (step.kind === 'connects') {
      const client = new RawClient(this.#seat.websocket);
      this.#clients.set(step.who, client);
      return client.login(this.#addresses.get(step.who) as string, 'pw');
    }
    const client = this.#clients.get(step.who);
    if (client === undefined) throw new Error(`${step.who} is not connected`);
    switch (step.kind) {
      case 'disconnects':
        this.#clients.delete(step.who);
        return client.close();
      case 'joins': {
        const inner = fill(step.xml, this.#values);
        this.#say(step.who, `<presence to="${this.#at(step)}"><x xmlns="${NS.muc}">${inner}</x></presence>`);
        await client.until(() => entered(client.inbox), 'the subject of the room');
        client.inbox.length = 0;
        return;
      }
      case 'creates': {
        this.#say(step.who, `<presence to="${this.#at(step)}"><x xmlns="${NS.muc}"/></presence>`);
        await client.until(() => entered(client.inbox), 'the new room');
        const fields = step.fields.map(([name, value]) =>
          el(
            'field',
            NS.dataForms,
            { var: name },
            ...fill(value, this.#values)
              .split(/\s*,\s*/)
              .map((one) => el('value', NS.dataForms, {}, one)),
          ),
        );
        const type = el(
          'field',
          NS.dataForms,
          { var: 'FORM_TYPE' },
          el('value', NS.dataForms, {}, 'http://jabber.org/protocol/muc#roomconfig'),
        );
        const form = el('x', NS.dataForms, { type: 'submit' }, ...(fields.length > 0 ? [type, ...fields] : []));
        const room = fill(step.room, this.#values);
        const done = await client.ask(
          `<iq type="set" to="${room}">${serialize(el('query', NS.mucOwner, {}, form))}</iq>`,
        );
        if (done.attrs['type'] !== 'result') throw new Error(`the configuration was refused: ${serialize(done)}`);
        return this.#settle(step.who);
      }
      case 'sends':
        for (const stanza of readStanzas(step.xml, this.#values)) this.#say(step.who, serialize(stanza));
        return;
      case 'sends verbatim':
        return this.#say(step.who, fill(step.xml, this.#values, escapeAttribute));
      case 'receives':
        return this.#receives(step.who, client, readStanzas(step.xml, this.#values), step.inOrder);
      case 'receives nothing':
        await this.#settle(step.who, false);
        if (client.inbox.length > 0)
          throw new Error(`received\n${client.inbox.map((each) => serialize(each)).join('\n')}`);
        return;
      case 'forgets':
        return this.#settle(step.who);
    }
  }

  #at({ room, nick }: { readonly room: string; readonly nick: string }): string {
    return `${fill(room, this.#values)}/${nick}`;
  }

  #say(who: string, xml: string): void {
    this.#talked.add(who);
    this.#clients.get(who)?.send(xml);
  }

  /**
   * Everything that follows from what was sent so far has arrived at `who`: each who talked asks the room something and
   * has its answer, then `who` does. Rooms and streams keep order, so no clock is needed.
   */
  async #settle(who: string, forget = true): Promise<void> {
    const rooms = [...new Set(['room', 'room2'].map((name) => this.#values.get(name) as string))];
    const ask = (client: RawClient) =>
      Promise.all(rooms.map((room) => client.ask(`<iq type="get" to="${room}"><ping xmlns="${NS.ping}"/></iq>`)));
    for (const name of [...this.#talked, who]) {
      const client = this.#clients.get(name);
      if (client) await ask(client);
    }
    this.#talked.clear();
    const client = this.#clients.get(who);
    if (client && forget) this.#take(who, client.inbox.splice(0));
  }

  async #receives(who: string, client: RawClient, expected: readonly XmlElement[], inOrder: boolean): Promise<void> {
    await client
      .until(() => client.inbox.length >= expected.length, `${expected.length} stanzas`)
      .catch((error) => {
        throw new Error(
          `${error.message}; so far:\n${client.inbox.map((each) => serialize(each)).join('\n') || '(nothing)'}`,
        );
      });
    const came = client.inbox.splice(0, expected.length);
    this.#take(who, came);
    const mismatch = this.#mismatch(expected, came, inOrder);
    if (mismatch === undefined) return;
    throw new Error(`${mismatch}\nreceived\n${came.map((each) => serialize(each)).join('\n')}`);
  }

  #take(who: string, stanzas: readonly XmlElement[]): void {
    this.#taken.set(who, [...(this.#taken.get(who) ?? []), ...stanzas]);
  }

  /** @returns what was expected and did not come; captures are kept as far as stanzas match */
  #mismatch(expected: readonly XmlElement[], came: readonly XmlElement[], inOrder: boolean): string | undefined {
    const left = [...came];
    for (const stanza of expected) {
      const whys: string[] = [];
      const found = (inOrder ? left.slice(0, 1) : left).findIndex((actual) => {
        const captures = new Map(this.#values);
        const why = difference(stanza, actual, captures);
        if (why === undefined) for (const [name, value] of captures) this.#values.set(name, value);
        else whys.push(why);
        return why === undefined;
      });
      if (found < 0) return `expected\n${serialize(stanza, NS.client)}\nbut ${whys.join('; ')}`;
      left.splice(found, 1);
    }
    return undefined;
  }
}

/** Whether a join is over: the self-presence, then a subject (XEP-0045 §7.1). Errors end it, too. */
function entered(inbox: readonly XmlElement[]): boolean {
  const refused = inbox.find((stanza) => stanza.name === 'presence' && stanza.attrs['type'] === 'error');
  if (refused) throw new Error(`refused: ${serialize(refused)}`);
  const self = inbox.findIndex((stanza) => {
    const x = stanza.name === 'presence' ? childOf(stanza, 'x', NS.mucUser) : undefined;
    return x && childrenOf(x, 'status', NS.mucUser).some(({ attrs }) => attrs['code'] === '110');
  });
  return (
    self >= 0 &&
    inbox.slice(self).some((stanza) => childOf(stanza, 'subject', NS.client) && !childOf(stanza, 'body', NS.client))
  );
}
