import * as Comlink from 'comlink';
import type { LeaseState, LeaseWorkerApi } from '../host/control.ts';
import { Operator } from './operator.ts';
import { randomId } from './random-id.ts';
import { browserHost, XmppLink } from './xmpp-link.ts';

/** How often the lease is asked for: it lasts for two seconds. Another page's that has ended is found as soon. */
const askMs = 500;

let link: XmppLink | undefined;
let operator: Operator | undefined;
let isOver = false;

const api: LeaseWorkerApi = {
  async start({ websocket, jid, password, token }, listener) {
    link = new XmppLink({ service: websocket, account: { kind: 'user', jid }, password });
    operator = new Operator({ link, newId: randomId, setTimer: browserHost.setTimer });
    const asking = operator;
    let told: string | undefined;
    const tell = (state: LeaseState) => {
      const said = state.isOurs ? state.secret : '';
      if (said !== told) listener(state);
      told = said;
    };
    let cancel: () => void = () => undefined;
    const ask = async (): Promise<void> => {
      cancel();
      const answer = await asking.command('lease', { token });
      if (isOver) return;
      if (answer.ok) tell({ isOurs: true, secret: answer.fields['secret'] ?? '' });
      else if (answer.condition !== undefined) tell({ isOurs: false });
      cancel = browserHost.setTimer(askMs, () => void ask());
    };
    await link.start({
      stanza: (_via, stanza) => {
        if (stanza.name === 'iq') asking.receive(stanza);
      },
      up: () => void ask(),
      down: () => {
        cancel();
        asking.down();
      },
    });
  },
  async stop() {
    isOver = true;
    await operator?.command('lease', { release: 'true' });
    await link?.stop();
  },
};

Comlink.expose(api);
