/** What an owner may say of other nodes in the room's configuration form. */
import type { SettingField } from '../../room/setting-field.ts';
import { bareOf, type Jid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';

/** Nodes that a room can name in one field. */
const nodesMax = 100;

/** Decision #175. A domain stands for all rooms there. */
const blocked: SettingField = {
  var: `{${NS.ext}}fmuc_blocked_nodes`,
  type: 'jid-multi',
  label: 'Blocked Rooms and Services',
  write: ({ blockedNodes }) => blockedNodes,
  read(values) {
    const lines = values.flatMap((value) => value.split('\n')).filter((value) => value.trim() !== '');
    const found = new Set<Jid>();
    for (const line of lines) {
      const node = parseJid(line.trim());
      if (node === undefined) return undefined;
      found.add(bareOf(node));
    }
    return found.size <= nodesMax ? { blockedNodes: [...found] } : undefined;
  },
};

export const fmucFields: readonly SettingField[] = [blocked];
