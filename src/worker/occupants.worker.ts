import * as Comlink from 'comlink';
import type { Character, OccupantsWorkerApi, Result } from '../host/control.ts';
import { CharacterSession } from './character.ts';
import { randomId } from './random-id.ts';
import { seededIds } from './seeded-id.ts';
import { Watcher } from './watcher.ts';
import { browserHost, XmppLink } from './xmpp-link.ts';

const sessions = new Map<string, CharacterSession>();
let add: (character: Character) => void = () => undefined;
let watcher: Watcher | undefined;
let watcherLink: XmppLink | undefined;

const api: OccupantsWorkerApi = {
  async start(config, listener): Promise<Result> {
    add = (character) => {
      const newId = config.seed === undefined ? randomId : seededIds(`${config.seed} ${character.jid}`);
      const session = new CharacterSession(character, config.websocket, newId, (report) => listener.occupant(report));
      sessions.set(character.jid, session);
      session.start();
    };
    for (const character of config.characters) add(character);
    const { jid, password } = config.watcher;
    const link = new XmppLink({ service: config.websocket, account: { kind: 'user', jid }, password });
    watcherLink = link;
    watcher = new Watcher({
      link,
      records: (batch) => listener.records(batch),
      trouble: (trouble) => listener.trouble(trouble),
      gone: () => listener.gone(),
      newId: randomId,
      setTimer: browserHost.setTimer,
    });
    try {
      return await watcher.start();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      listener.trouble({ kind: 'failed', text });
      return { ok: false, error: text };
    }
  },
  async add(character) {
    add(character);
  },
  async act(who, act) {
    return sessions.get(who)?.act(act) ?? { ok: false, error: `${who} is not a character of this page` };
  },
  async configure(who, change) {
    return sessions.get(who)?.configure(change) ?? { ok: false, error: `${who} is not a character of this page` };
  },
  async command(name, fields) {
    return watcher?.command(name, fields) ?? { ok: false, error: 'not started' };
  },
  ping: () => Promise.resolve(true),
  async stop() {
    await Promise.all([...[...sessions.values()].map((session) => session.stop()), watcherLink?.stop()]);
  },
};

Comlink.expose(api);
