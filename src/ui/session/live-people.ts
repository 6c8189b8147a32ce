import * as Comlink from 'comlink';
import { bareOf, type Jid, parseJid, partsOf } from '../../core/xmpp/jid.ts';
import type {
  Acted,
  Character,
  OccupantReport,
  OccupantsListener,
  OccupantsWorkerApi,
  OccupantsWorkerConfig,
  Result,
  RoomChange,
} from '../../host/control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { ownersOf } from '../../scenario/replicas.ts';
import { guestOf, randomSuffix } from './accounts.ts';
import { nextSeed } from './seed.ts';
import { type ActResult, refuse } from './session.ts';
import { within } from './within.ts';

/** Nothing the page asks of a worker takes longer; a call to a dead worker would never settle. */
const callMs = 30_000;
const stopMs = 2_000;

type Act = Parameters<OccupantsWorkerApi['act']>[1];

/** The worker with the sessions of the characters and of this page's guests, and with the page's own, which watches the trace. */
export class LivePeople {
  readonly #config: LiveConfig;
  readonly #websocket: string;
  readonly #characters: readonly Character[];
  /** Called with each stanza that a character handed to its stream: the n-th. */
  readonly #sent: (stream: string, n: number) => void;
  /** Whom this page has logged in besides: guests by the account's bare JID, further devices of a character by their full JID. */
  readonly #guests = new Map<string, Character>();
  /** By full JID: how far each session is. */
  readonly #reports = new Map<string, OccupantReport>();
  #worker: Worker | undefined;
  #api: Comlink.Remote<OccupantsWorkerApi> | undefined;

  constructor(
    config: LiveConfig,
    websocket: string,
    characters: readonly Character[],
    sent: (stream: string, n: number) => void,
  ) {
    this.#config = config;
    this.#websocket = websocket;
    this.#characters = characters;
    this.#sent = sent;
  }

  /** Settles when the page's own session watches the trace, or will not. */
  async start(listener: OccupantsListener): Promise<void> {
    const worker = new Worker(new URL('../../worker/occupants.worker.ts', import.meta.url), {
      type: 'module',
      name: 'occupants',
    });
    this.#worker = worker;
    let isHeard = false;
    // A worker that runs survives its own errors; one that was never heard has not even loaded.
    worker.addEventListener('error', ({ message }) =>
      listener.trouble({ kind: isHeard ? 'limited' : 'failed', text: `the page’s session: ${message}` }),
    );
    const api = Comlink.wrap<OccupantsWorkerApi>(worker);
    this.#api = api;
    const { operator, observer } = this.#config.credentials;
    const account = operator ?? observer;
    const seed = nextSeed();
    const start: OccupantsWorkerConfig = {
      ...(seed === undefined ? {} : { seed }),
      websocket: this.#websocket,
      characters: this.#characters,
      watcher: { jid: `${bareOf(account.jid as Jid)}/page-${randomSuffix()}`, password: account.password },
    };
    const followed: OccupantsListener = {
      records: (batch) => listener.records(batch),
      occupant: (report) => {
        isHeard = true;
        this.#reports.set(report.who, report);
        listener.occupant(report);
      },
      trouble: (trouble) => {
        isHeard = true;
        listener.trouble(trouble);
      },
      gone: () => listener.gone(),
    };
    await within<Result>(api.start(start, Comlink.proxy(followed)), callMs);
  }

  /**
   * @param who  may also be the bare JID of a guest account: joining with it makes a session of this page's own. Joining with
   *   another resource of a character's account makes a further device of theirs
   */
  async act(who: string, act: Act): Promise<Acted> {
    if (act.act === 'join') await this.#prepareDevice(who);
    const account = this.#config.credentials.guests.find(({ jid }) => jid === who);
    const jid = account ? await this.#admit(who, () => guestOf(this.#config.scenario, account)) : who;
    return this.#acted(await this.#call((api) => api.act(jid, act)));
  }

  /** Executes a command of the server's operator interface. */
  async command(name: string, fields: Record<string, string>): Promise<ActResult> {
    if (this.#config.credentials.operator === undefined)
      return refuse('only the page on the server’s own machine may change the network');
    return this.#call((api) => api.command(name, fields));
  }

  /**
   * Changes a room's configuration in the name of one of its owners: a character of this page, else an owner whose password
   * it has.
   *
   * @param runsNodes  only then the page may log in such an owner beside its characters
   */
  async configure(change: RoomChange, runsNodes: boolean): Promise<Acted> {
    const { scenario, credentials } = this.#config;
    const owners = ownersOf(scenario, change.room);
    const played = this.#characters.find(({ jid }) => owners.includes(bareOf(jid as Jid)));
    if (played) return this.#acted(await this.#call((api) => api.configure(played.jid, change)));
    const owner = owners.find((jid) => credentials.occupants[jid] !== undefined);
    if (owner === undefined || !runsNodes) return refuse(`this page plays no owner of ${change.room}`);
    const jid = await this.#admit(owner, () => ({
      ...guestOf(scenario, { jid: owner, password: credentials.occupants[owner] ?? '' }),
      nick: partsOf(owner as Jid).local || owner,
      room: change.room,
    }));
    return this.#acted(await this.#call((api) => api.configure(jid, change)));
  }

  async stop(): Promise<void> {
    const stopped = this.#api?.stop() ?? Promise.resolve();
    await within(
      stopped.catch(() => undefined),
      stopMs,
    );
    const api = this.#api;
    this.#api = undefined;
    api?.[Comlink.releaseProxy]();
    this.#worker?.terminate();
  }

  /** Logs a further device of a character in, if it is one; it will join under the nick that the user has by now. */
  async #prepareDevice(device: string): Promise<void> {
    const user = bareOf(device as Jid);
    const owner = this.#characters.find(({ jid }) => bareOf(jid as Jid) === user);
    if (!owner || parseJid(device) !== device || device === user) return;
    if (this.#characters.some(({ jid }) => jid === device) || this.#reports.get(device)?.phase === 'joined') return;
    await this.#admit(device, () => ({ ...owner, jid: device }));
    const others = [...this.#reports.values()].filter(({ who }) => bareOf(who as Jid) === user);
    const nick = others.find(({ phase }) => phase === 'joined')?.nick ?? owner.nick;
    await this.#call((api) => api.act(device, { act: 'nick', nick }));
  }

  /** Logs a session in, once. @returns the full JID of its session */
  async #admit(account: string, make: () => Character): Promise<string> {
    const known = this.#guests.get(account);
    if (known) return known.jid;
    const guest = make();
    this.#guests.set(account, guest);
    await this.#call((api) => api.add(guest).then((): Result => ({ ok: true })));
    return guest.jid;
  }

  #acted(result: Acted): Acted {
    if (result.ok) for (const { stream, n } of result.sent ?? []) this.#sent(stream, n);
    return result;
  }

  async #call(call: (api: Comlink.Remote<OccupantsWorkerApi>) => Promise<Acted>): Promise<Acted> {
    if (this.#api === undefined) return refuse('not started yet');
    const result = await within(
      call(this.#api).catch((error: unknown) => refuse(String(error))),
      callMs,
    );
    return result ?? refuse('the worker did not answer');
  }
}
