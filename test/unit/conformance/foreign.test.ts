import { describe, expect, it } from 'vitest';
import { partFor } from '../../../src/conformance/parts.ts';
import type { Result } from '../../../src/conformance/setting.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { settingOf, tryOut } from '../../support/kit.ts';
import { worldOf } from '../../support/kit-peers.ts';
import { Openfire, type OpenfireSettings } from '../../support/openfire.ts';

const forum = 'forum@conference.openfire.lit';

/** Of an Openfire as it was seen on the wire: what it does that XEP-0289 does not say. */
function faults(role: 'joined' | 'joining', settings: OpenfireSettings = {}): Readonly<Record<string, string>> {
  const world = worldOf();
  // Owners are whoever the tester has made one; here they are known by their nicks.
  const moderators = Array.from({ length: 60 }, (_, n) => `Owner-${n}`);
  world.host(new Openfire(forum, { moderators, ...settings }));
  const setting = settingOf({ protocol: '0289', role, peer: jid(forum), extension: false });
  const results: readonly Result[] = tryOut(world, partFor('0289', role), setting);
  expect(results.filter(({ verdict }) => verdict.kind === 'passed').length).toBeGreaterThan(10);
  return Object.fromEntries(
    results.flatMap(({ id, section, verdict }) => (verdict.kind === 'failed' ? [[id, section] as const] : [])),
  );
}

describe('The kit finds what is known of Openfire', () => {
  it('as the joined node: two announcements, no presence and no nicks of others, private messages for all, kicks in another’s name', () => {
    expect(faults('joined')).toEqual({
      // It names an occupant of the room where the author’s address belongs.
      '0289-joined-history': '5.1',
      '0289-joined-history-limit': '5.1',
      '0289-joined-enter-out': '5.3',
      '0289-joined-presence': '5.3',
      '0289-joined-nick': '5.3',
      '0289-joined-private-in': '5.6',
      '0289-joined-private-out': '5.6',
      '0289-joined-forged': '7',
      '0289-joined-client-payload': '7',
      '0289-joined-kick-out': '5.5',
      '0289-joined-for-users': '5.1',
    });
  });

  it('as the joining node: no history, messages for an occupant, and users who wait for ever', () => {
    expect(faults('joining', { outbound: jid('conformance@kit.lit') })).toEqual({
      '0289-joining-history': '5.1',
      '0289-joining-message-out': '5.2',
      '0289-joining-enter-out': '5.3',
      '0289-joining-presence': '5.3',
      '0289-joining-nick': '5.3',
      '0289-joining-private-in': '5.6',
      '0289-joining-private-out': '5.6',
      '0289-joining-forged': '7',
      '0289-joining-unreachable': '2',
      '0289-joining-silence': '2',
      '0289-joining-for-users': '5.1',
    });
  });
});
