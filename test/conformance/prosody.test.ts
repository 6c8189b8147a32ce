import { afterAll, beforeAll, describe, it } from 'vitest';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { defaultConfig } from '../../src/headless/component-config.ts';
import { ComponentLink } from '../../src/headless/component-link.ts';
import { nodeServerHost } from '../../src/headless/node-host.ts';
import { Driver } from '../../src/host/driver.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import { noProsody, type Prosody, startProsody } from '../interop/support/prosody.ts';
import { isLong } from '../support/long.ts';
import { play, type Seat } from './run.ts';
import { ScriptError } from './script.ts';
import { allScripts } from './scripts.ts';

const host = 'england.lit';
const ours = jid('rooms.england.lit');
const theirs = 'conference.england.lit';

// Whoever names a password is let in; Prosody's own rooms as the XEP has them: locked until configured, with an archive.
const extra = `
authentication = "insecure"
insecure_open_authentication = "Yes please, I know what I'm doing!"
Component "${theirs}" "muc"
  modules_enabled = { "muc_mam" }
  muc_room_locking = true
  restrict_room_creation = false
`;

describe.skipIf(noProsody !== undefined)(`conformance scripts on Prosody${noProsody ? `: ${noProsody}` : ''}`, () => {
  const scripts = allScripts();
  let prosody: Prosody;
  let driver: Driver;

  beforeAll(async () => {
    prosody = await startProsody({ hosts: { [host]: {} }, components: { [ours]: 'secret' }, extra });
    const { now, setTimer, randomId: newId } = nodeServerHost();
    driver = new Driver({
      address: ours,
      node: createMucNode(defaultConfig(ours)),
      store: new MemoryStore(),
      link: new ComponentLink({ host: '127.0.0.1', port: prosody.componentPort, domain: ours, secret: 'secret' }),
      host: { now, setTimer, newId },
      report: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    await driver.start(() => undefined);
  }, 30_000);
  afterAll(async () => {
    await driver?.stop();
    await prosody?.stop();
  });

  const seat = (name: string, service: string): Seat => ({ name, service, host, websocket: prosody.websocket });

  describe('our rooms as a component', () => {
    it.concurrent.each(scripts.map((script) => [script.title, script] as const))('%s', (_title, script) =>
      play(script, seat('component', ours)),
    );
  });

  // Calibration: what an implementation that is much used says to the same scripts.
  describe.runIf(isLong)("Prosody's own rooms", () => {
    it.concurrent.each(scripts.map((script) => [script.title, script] as const))('%s', async (_title, script) => {
      const reason = script.differs.get('prosody');
      const outcome = await play(script, seat('prosody', theirs)).catch((error: unknown) => error);
      if (reason === undefined && outcome !== undefined) throw outcome;
      if (reason !== undefined && !(outcome instanceof ScriptError))
        throw new Error(`${script.file} succeeds, and says that it cannot: ${reason}`);
    });
  });
});
