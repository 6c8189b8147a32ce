import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { WebSocket } from 'ws';
import { type Driver, startProgram } from './web-driver.ts';

const path = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((one) => existsSync(one));

/** Why no Firefox can be started here; undefined: one can. */
export const noFirefox = path === undefined ? 'firefox is not installed (apt-get install firefox-esr)' : undefined;

/** Nothing but the page: no first run, no reports, no updates. */
const preferences = {
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'remote.active-protocols': 1,
  'toolkit.telemetry.enabled': false,
};

/** Firefox without a window, by WebDriver BiDi, which needs no driver beside it. */
export async function startFirefox(): Promise<Driver> {
  if (path === undefined) throw new Error(noFirefox);
  const profile = mkdtempSync(`${tmpdir()}/netsplit-firefox-`);
  writeFileSync(
    `${profile}/user.js`,
    Object.entries(preferences)
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
      .join(''),
  );
  const arguments_ = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  // Its own user's home may not be there.
  const program = startProgram(path, arguments_, { HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' });
  const clean = async () => {
    await program.end();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    const [, address] = await program.says(/WebDriver BiDi listening on (ws:\/\/\S+)/);
    const { send, close } = await connect(`${address}/session`);
    const { capabilities } = await send('session.new', { capabilities: { alwaysMatch: {} } });
    const { contexts } = await send('browsingContext.getTree', {});
    const context = contexts[0].context;
    return {
      browser: `Firefox ${capabilities.browserVersion}`,
      goto: async (url) => void (await send('browsingContext.navigate', { context, url, wait: 'complete' })),
      async run(body) {
        const answer = await send('script.evaluate', {
          expression: `(async () => { ${body} })().then((value) => JSON.stringify(value))`,
          target: { context },
          awaitPromise: true,
        });
        if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text);
        return answer.result.type === 'string' ? JSON.parse(answer.result.value) : undefined;
      },
      perform: async (actions) => void (await send('input.performActions', { context, actions })),
      async close() {
        close();
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

async function connect(address: string) {
  const socket = new WebSocket(address);
  // biome-ignore lint/suspicious/noExplicitAny: the protocol's answers, each of another shape
  const waiting = new Map<number, { resolve: (result: any) => void; reject: (error: Error) => void }>();
  socket.on('message', (data) => {
    const { id, result, error, message } = JSON.parse(String(data));
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(`${error}: ${message}`));
  });
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser is gone'));
  });
  await once(socket, 'open');
  let ids = 0;
  return {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    send: (method: string, params: unknown): Promise<any> =>
      new Promise((resolve, reject) => {
        const id = ++ids;
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, method, params }));
      }),
    close: () => socket.close(),
  };
}
