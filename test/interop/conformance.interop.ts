import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KitServer, startKitServer } from './support/kit.ts';
import { noProsody } from './support/prosody.ts';

/** All of it takes ten minutes, and `npm test` has the same scripts against our rooms elsewhere: in unit/conformance. */
const isFast = process.env['INTEROP'] === 'fast';
const affiliations = [{ jid: 'owner@peer.lit', affiliation: 'owner' }];
const kit = 'kit.lit';
const node = `conformance@${kit}`;
const patience = 300_000;
const room = (name: string) => `${name}@rooms.peer.lit`;

describe.skipIf(isFast || noProsody !== undefined)(
  `npm run conformance against our own component on Prosody${noProsody ? ` (skipped: ${noProsody})` : ''}`,
  () => {
    let server: KitServer;
    beforeAll(async () => {
      server = await startKitServer();
    });
    afterEach(() => server.endPeers());
    afterAll(() => server?.stop());

    /** Nothing failed, and so many passed. */
    async function passes(least: number, ...args: readonly string[]) {
      const { status, output, json, junit } = await server.run(...args);
      if (process.env['KIT_DEBUG']) console.log(output);
      expect(output).toMatch(/\b0 failed\b/);
      expect(status).toBe(0);
      expect(json().runs[0].counts).toMatchObject({ failed: 0 });
      expect(json().runs[0].counts.passed).toBeGreaterThanOrEqual(least);
      expect(junit()).toContain('failures="0"');
    }

    it('XEP-0289: joining a room, and messages', { timeout: patience }, async () => {
      await server.rooms('fmuc', {
        rooms: [
          {
            ...{ jid: room('rabbithole'), whois: 'anyone', affiliations },
            distribution: { kind: 'fmuc', allowedNodes: [node] },
          },
        ],
      });
      const role = ['--protocol', '0289', '--role', 'joined', '--peer', room('rabbithole')];
      await passes(10, ...role, '--only', '5.1,5.2');
    });

    for (const extension of [false, true]) {
      const flag = extension ? '--extension' : '--no-extension';
      const how = extension ? 'with our extension' : 'by the XEP alone';
      it(`XEP-0289, ${how}: a room that is joined, and one that joins`, { timeout: patience }, async () => {
        await server.rooms('fmuc', {
          rooms: [
            {
              ...{ jid: room('rabbithole'), whois: 'anyone', affiliations },
              distribution: { kind: 'fmuc', allowedNodes: [node] },
            },
            {
              ...{ jid: room('elsinore'), whois: 'anyone', affiliations, changeSubject: true },
              distribution: { kind: 'fmuc', outbound: `other@${kit}` },
            },
          ],
        });
        await passes(25, '--protocol', '0289', '--peer', `joined=${room('rabbithole')}`, flag);
        await passes(
          22,
          '--protocol',
          '0289',
          '--role',
          'joining',
          '--peer',
          room('elsinore'),
          '--node',
          'other',
          flag,
        );
      });

      it(`XEP-0281, ${how}: a source and a shadow`, { timeout: patience }, async () => {
        await server.rooms('source', {
          rooms: [
            {
              ...{ jid: room('coven'), whois: 'anyone', affiliations },
              distribution: { kind: 'source', peerhosts: [kit] },
            },
          ],
          hosting: { firsthosts: [kit] },
        });
        await passes(18, '--protocol', '0281', '--role', 'source', '--peer', room('coven'), flag);
        await passes(18, '--protocol', '0281', '--role', 'shadow', '--peer', 'rooms.peer.lit', flag);
      });
    }

    it('XEP-0282: a primary', { timeout: patience }, async () => {
      await server.rooms('primary', {
        rooms: [
          {
            ...{ jid: room('wallops'), affiliations },
            distribution: { kind: 'primary', replicas: [{ jid: node, serves: [kit] }] },
          },
        ],
      });
      await passes(28, '--protocol', '0282', '--role', 'primary', '--peer', room('wallops'), '--extension');
    });

    it('XEP-0282: a replica', { timeout: patience }, async () => {
      await server.replica();
      await passes(
        20,
        '--protocol',
        '0282',
        '--role',
        'replica',
        '--peer',
        'replica@peer.lit',
        '--node',
        'wallops',
        '--extension',
      );
    });

    it('a room that does not federate fails, with a status that says so', { timeout: patience }, async () => {
      await server.rooms('plain', { rooms: [{ jid: room('plain'), affiliations }] });
      const { status, output, junit } = await server.run(
        ...['--protocol', '0289', '--role', 'joined', '--peer', room('plain')],
        ...['--only', '0289-joined-join', '--timeout', '1'],
      );
      expect(status).toBe(1);
      expect(output).toMatch(/failed {7}0289-joined-join: [\s\S]*expected {2}[\s\S]*came {6}/);
      expect(junit()).toContain('<failure ');
    });

    it('a secret that the server does not have ends it, and says what is wrong', { timeout: patience }, async () => {
      const { status, output } = await server.run(
        '--protocol',
        '0289',
        '--role',
        'joined',
        '--peer',
        room('plain'),
        '--users',
        'unknown.lit',
      );
      expect(status).toBe(2);
      expect(output).toMatch(/unknown\.lit/);
    });
  },
);
