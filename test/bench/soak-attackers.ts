/** One attacker of each kind, in a process of its own; each goes on until it is told to end, and comes again when it is cut off. */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Target } from './load.ts';
import type { AttackerKind } from './soak.ts';

export type AttackersCommand =
  | { readonly do: 'begin'; readonly target: Target; readonly kinds: readonly AttackerKind[] }
  | { readonly do: 'end' };

/** How often each was sent away: cut off, refused, or not let in. */
export type Repelled = Readonly<Record<string, number>>;

let target: Target;
let isOver = false;
const repelled: Record<string, number> = {};
const sockets = new Set<WebSocket | Socket>();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const open = () => `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${target.domain}" version="1.0"/>`;
const auth = (user: string, password: string) =>
  `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${Buffer.from(`\0${user}\0${password}`).toString('base64')}</auth>`;
const body = (room: string, text: string) =>
  `<message xmlns="jabber:client" to="${room}" type="groupchat" id="x"><body>${text}</body></message>`;
const closed = (socket: WebSocket) => socket.readyState === WebSocket.CLOSED || socket.readyState === WebSocket.CLOSING;

async function connected(): Promise<{ socket: WebSocket; ask(text: string, answer: RegExp): Promise<boolean> }> {
  const socket = new WebSocket(target.url, 'xmpp');
  sockets.add(socket);
  const texts: string[] = [];
  socket.on('message', (data) => {
    texts.push(String(data).slice(0, 300));
    if (texts.length > 20) texts.shift();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  await new Promise((resolve) => {
    socket.once('open', resolve);
    socket.once('close', resolve);
  });
  return {
    socket,
    async ask(text, answer) {
      texts.length = 0;
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
      for (let n = 0; n < 1000 && !closed(socket); n++) {
        if (texts.some((one) => answer.test(one))) return true;
        await pause(10);
      }
      return false;
    },
  };
}

/** @returns undefined: it was not let in */
async function inRoom(user: string, room: string): Promise<WebSocket | undefined> {
  const { socket, ask } = await connected();
  const isIn =
    (await ask(open(), /features/)) &&
    (await ask(auth(user, 'pw'), /<success/)) &&
    (await ask(open(), /features/)) &&
    (await ask(
      '<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>',
      /<jid>/,
    )) &&
    (await ask(
      `<presence xmlns="jabber:client" to="${room}/${user}"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`,
      /<subject/,
    ));
  if (isIn) return socket;
  socket.terminate();
  return undefined;
}

/** Sends the same again and again, as fast as it is read. */
function sender(user: string, room: string, text: string) {
  return async () => {
    const socket = await inRoom(user, room);
    while (socket !== undefined && !closed(socket) && !isOver) {
      while (socket.bufferedAmount < 1 << 20) socket.send(text);
      await pause(5);
    }
    socket?.terminate();
  };
}

function attacks(): Readonly<Record<AttackerKind, () => Promise<void>>> {
  const [first, second, third, fourth] = [0, 1, 2, 3].map((n) => `soak${n}@${target.rooms}`) as [
    string,
    string,
    string,
    string,
  ];
  return {
    'wide XML': sender('wide', first, body(first, '').replace('</message>', `${'<a/>'.repeat(50_000)}</message>`)),
    'small flood': sender('flood', second, body(second, 'x')),
    'large texts': sender('large', third, body(third, 'large '.repeat(20_000))),
    'slow reader': async () => {
      const socket = await inRoom('slow', fourth);
      socket?.pause();
      // Until it would be cut off; what it does not read it does not see.
      for (let n = 0; n < 30 && !isOver; n++) await pause(1000);
      socket?.terminate();
    },
    'log-in guesser': async () => {
      const { socket, ask } = await connected();
      await ask(open(), /features/);
      for (let n = 0; !closed(socket) && !isOver; n++) await ask(auth('u0', `guess${n}`), /<failure/);
      socket.terminate();
    },
    'half-open sockets': async () => {
      const { hostname, port } = new URL(target.url);
      const all = Array.from({ length: 300 }, () => connect(Number(port), hostname).on('error', () => undefined));
      for (const socket of all) sockets.add(socket);
      await Promise.race([
        pause(20_000),
        ...all.map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      ]);
      for (const socket of all) {
        socket.destroy();
        sockets.delete(socket);
      }
    },
  };
}

async function begin(command: Extract<AttackersCommand, { do: 'begin' }>): Promise<void> {
  target = command.target;
  const all = attacks();
  for (const kind of command.kinds) {
    const attack = all[kind];
    repelled[kind] = 0;
    void (async () => {
      while (!isOver) {
        await attack().catch(() => undefined);
        if (!isOver) repelled[kind] = (repelled[kind] ?? 0) + 1;
        await pause(200);
      }
    })();
  }
}

async function end(): Promise<Repelled> {
  isOver = true;
  for (const socket of sockets) {
    if (socket instanceof WebSocket) socket.terminate();
    else socket.destroy();
  }
  return repelled;
}

const commands = { begin, end } as unknown as Record<string, (c: AttackersCommand) => Promise<unknown>>;
const fail = (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) });
process.on('message', (command: AttackersCommand) => {
  Promise.resolve(commands[command.do]?.(command)).then((result) => process.send?.({ result }), fail);
});
process.on('disconnect', () => process.exit());
