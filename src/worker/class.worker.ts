import * as Comlink from 'comlink';
import type { ClassListener, ClassLogin, ClassWorkerApi } from '../host/class-control.ts';
import { ClassClient, type Role } from './class-client.ts';
import { randomId } from './random-id.ts';
import { browserHost, XmppLink } from './xmpp-link.ts';

let link: XmppLink | undefined;
let client: ClassClient | undefined;

const none = { ok: false, error: 'this page is in no class' } as const;

function start({ websocket, jid, password }: ClassLogin, role: Role, listener: ClassListener) {
  link = new XmppLink({ service: websocket, account: { kind: 'user', jid }, password });
  client = new ClassClient({ link, newId: randomId, setTimer: browserHost.setTimer }, role, listener);
  return client.start();
}

const api: ClassWorkerApi = {
  teach: (login, code, key, listener) => start(login, { kind: 'teach', code, key }, listener),
  follow: (login, code, nick, listener) =>
    start(login, { kind: 'follow', code, nick, secret: randomId() + randomId() }, listener),
  show: async (state) => (await client?.show(state)) ?? none,
  answer: async (question, value) => (await client?.answer(question, value)) ?? none,
  play: async (who) => (await client?.play(who)) ?? none,
  say: async (text, to) => (await client?.say(text, to)) ?? none,
  release: async (who) => (await client?.release(who)) ?? none,
  async stop() {
    await client?.end();
    await link?.stop();
  },
};

Comlink.expose(api);
