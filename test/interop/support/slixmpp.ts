import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RoomClient } from './client.ts';

const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('./slixmpp-client.py', import.meta.url));

/** Why there is no slixmpp here; undefined: there is. */
export const noSlixmpp: string | undefined =
  spawnSync(python, ['-c', 'import slixmpp']).status === 0
    ? undefined
    : 'slixmpp is not installed (apt-get install python3-slixmpp)';

/** A client with slixmpp, in a process of its own. The password is "pw". */
export class SlixmppClient implements RoomClient {
  readonly software = 'slixmpp';
  readonly account: string;
  readonly #room: string;
  readonly #port: number;
  readonly #resource: string;
  #child: ChildProcessWithoutNullStreams;
  #answers: AsyncIterator<string>;
  #errors = '';

  private constructor(account: string, room: string, port: number, resource: string) {
    this.account = account;
    this.#room = room;
    this.#port = port;
    this.#resource = resource;
    [this.#child, this.#answers] = this.#start();
  }

  #start(): [ChildProcessWithoutNullStreams, AsyncIterator<string>] {
    const child = spawn(python, ['-u', script, `${this.account}/${this.#resource}`, this.#room, String(this.#port)]);
    child.stderr.on('data', (data) => {
      this.#errors += data;
    });
    return [child, createInterface(child.stdout)[Symbol.asyncIterator]()];
  }

  /** @param port  of the server, for clients over TCP without TLS on the loopback interface */
  static async login(account: string, room: string, port: number, resource = 'slixmpp'): Promise<SlixmppClient> {
    const client = new SlixmppClient(account, room, port, resource);
    await client.#answer();
    return client;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`slixmpp has ended:\n${this.#errors}`);
    const answer = JSON.parse(value) as { readonly is?: unknown; readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.is;
  }

  async #do<T = void>(action: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify({ do: action, ...parameters })}\n`);
    return (await this.#answer()) as T;
  }

  enter = (nick: string) => this.#do('enter', { nick });
  leave = () => this.#do('leave');
  say = (text: string) => this.#do('say', { text });
  tell = (nick: string, text: string) => this.#do('tell', { nick, text });
  rename = (nick: string) => this.#do('rename', { nick });
  setSubject = (text: string) => this.#do('set_subject', { text });
  kick = (nick: string, reason: string) => this.#do('kick', { nick, reason });
  ban = ({ jid }: { readonly nick: string; readonly jid: string }, reason: string) => this.#do('ban', { jid, reason });
  configure = (changes: Readonly<Record<string, string>>) => this.#do('configure', { changes });
  configuration = () => this.#do<Record<string, string>>('configuration');
  texts = () => this.#do<string[]>('texts');
  privateTexts = (nick: string) => this.#do<string[]>('private_texts', { nick });
  occupants = () => this.#do<string[]>('occupants');
  subject = () => this.#do<string>('subject');
  /** Messages that came back as errors: from whom, and why. */
  refusals = () => this.#do<{ readonly from: string; readonly condition: string }[]>('refusals');
  /** All stanzas of the room so far, as slixmpp writes them. */
  seen = () => this.#do<string[]>('seen');
  /** Any stanza, as text. */
  send = (xml: string) => this.#do('send_text', { xml });
  /** Another availability. */
  show = (show: string, status: string) => this.#do('show', { show, status });
  removal = async () => (await this.#do<string | null>('removal')) ?? undefined;

  async reload(nick: string): Promise<void> {
    await this.stop();
    [this.#child, this.#answers] = this.#start();
    await this.#answer();
    await this.#do('reload', { nick });
  }

  complaints(): readonly string[] {
    return (
      this.#errors
        .split('\n')
        .filter((line) => /^(ERROR|CRITICAL|Traceback)|^\S*Error/.test(line))
        // It says so whenever it ends.
        .filter((line) => !line.includes('Task was destroyed'))
    );
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'close');
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(late);
  }
}
