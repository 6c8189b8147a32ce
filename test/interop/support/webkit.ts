import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Driver, freePort, startProgram } from './web-driver.ts';

/** Why no WebKit can be started here; undefined: one can. */
export const noWebKit = ['WebKitWebDriver', 'Xvfb']
  .filter((program) => spawnSync('which', [program]).status !== 0)
  .map((program) => `${program} is not installed (apt-get install webkit2gtk-driver xvfb)`)[0];

/** WebKitGTK by its own driver (WebDriver over HTTP), on a display that nobody sees. */
export async function startWebKit(): Promise<Driver> {
  if (noWebKit !== undefined) throw new Error(noWebKit);
  const home = mkdtempSync(`${tmpdir()}/netsplit-webkit-`);
  const display = startProgram('Xvfb', ['-displayfd', '1', '-screen', '0', '1440x1000x24', '-nolisten', 'tcp']);
  const undo: (() => unknown)[] = [() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }), display.end];
  const clean = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const [, number] = await display.says(/^(\d+)\n/m);
    const port = await freePort();
    const driver = startProgram('WebKitWebDriver', [`--port=${port}`], {
      DISPLAY: `:${number}`,
      HOME: home,
      XDG_CACHE_HOME: home,
      XDG_DATA_HOME: home,
      GDK_BACKEND: 'x11',
      // There is no graphics card.
      LIBGL_ALWAYS_SOFTWARE: '1',
      WEBKIT_DISABLE_DMABUF_RENDERER: '1',
    });
    undo.push(driver.end);
    const base = `http://127.0.0.1:${port}/session`;
    await answering(`http://127.0.0.1:${port}/status`);
    const { sessionId, capabilities } = await ask('POST', base, {
      capabilities: { alwaysMatch: { timeouts: { script: 60_000 } } },
    });
    const session = `${base}/${sessionId}`;
    return {
      browser: `${capabilities.browserName} (WebKitGTK) ${capabilities.browserVersion}`,
      goto: async (url) => void (await ask('POST', `${session}/url`, { url })),
      async run(body) {
        const { error, json } = await ask('POST', `${session}/execute/async`, {
          script: `const done = arguments[0];
            (async () => { ${body} })().then((value) => done({ json: JSON.stringify(value) ?? 'null' }), (error) => done({ error: String(error) }));`,
          args: [],
        });
        if (error !== undefined) throw new Error(error);
        return JSON.parse(json);
      },
      perform: async (actions) => void (await ask('POST', `${session}/actions`, { actions })),
      async close() {
        await ask('DELETE', session).catch(() => undefined);
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the protocol's answers, each of another shape
async function ask(method: string, url: string, body?: unknown): Promise<any> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: { error?: string; message?: string } | null };
  if (!response.ok) throw new Error(`${value?.error}: ${value?.message}`);
  return value;
}

/** Waits until somebody listens there. */
async function answering(url: string): Promise<void> {
  for (const end = Date.now() + 15_000; ; await new Promise((next) => setTimeout(next, 50))) {
    const there = await fetch(url).then(
      () => true,
      () => false,
    );
    if (there) return;
    if (Date.now() > end) throw new Error(`nobody listens at ${url}`);
  }
}
