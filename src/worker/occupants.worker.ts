import * as Comlink from 'comlink';
import type {
  Character,
  OccupantsListener,
  OccupantsWorkerApi,
  OccupantsWorkerConfig,
  Result,
} from '../host/control.ts';
import { CharacterSession } from './character.ts';
import { holdLock } from './lock.ts';
import { randomId } from './random-id.ts';
import { Watcher } from './watcher.ts';
import { browserHost, XmppLink } from './xmpp-link.ts';

const sessions = new Map<string, CharacterSession>();
/** Resolved once it is known whether this page plays the character. */
const decisions = new Map<string, Promise<void>>();
const ending = new AbortController();
let add: (character: Character) => void = () => undefined;
let watcher: Watcher | undefined;
let watcherLink: XmppLink | undefined;

const api: OccupantsWorkerApi = {
  async start(config, listener): Promise<Result> {
    add = (character) => {
      decisions.set(character.jid, new Promise((decided) => void play(character, config, listener, decided)));
    };
    for (const character of config.characters) add(character);
    const { jid, password } = config.watcher;
    const link = new XmppLink({ service: config.websocket, account: { kind: 'user', jid }, password });
    watcherLink = link;
    watcher = new Watcher({
      link,
      records: (batch) => listener.records(batch),
      trouble: (text) => listener.trouble(text),
      newId: randomId,
      setTimer: browserHost.setTimer,
    });
    try {
      return await watcher.start();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      listener.trouble(text);
      return { ok: false, error: text };
    }
  },
  async add(character) {
    add(character);
  },
  async act(who, act) {
    await decisions.get(who);
    const session = sessions.get(who);
    if (session !== undefined) return session.act(act);
    const known = decisions.has(who);
    return { ok: false, error: known ? `another page plays ${who}` : `${who} is not a character of this page` };
  },
  async configure(who, change) {
    await decisions.get(who);
    return sessions.get(who)?.configure(change) ?? { ok: false, error: `another page plays ${who}` };
  },
  async command(name, fields) {
    return watcher?.command(name, fields) ?? { ok: false, error: 'not started' };
  },
  ping: () => Promise.resolve(true),
  async stop() {
    ending.abort();
    await Promise.all([...[...sessions.values()].map((session) => session.stop()), watcherLink?.stop()]);
  },
};

/** Plays a character once no other page does. */
async function play(
  character: Character,
  config: OccupantsWorkerConfig,
  listener: OccupantsListener,
  decided: () => void,
): Promise<void> {
  const { jid: who, nick, room } = character;
  const waiting = () => {
    listener.occupant({ who, phase: 'elsewhere', nick, room, detail: 'another page plays this character' });
    decided();
  };
  try {
    await holdLock(`netsplit:occupant:${config.scenario}:${who}`, waiting, ending.signal);
  } catch {
    return;
  }
  const session = new CharacterSession(character, config.websocket, randomId, (report) => listener.occupant(report));
  sessions.set(who, session);
  session.start();
  decided();
}

Comlink.expose(api);
