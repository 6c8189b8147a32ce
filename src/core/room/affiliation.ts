import type { Affiliation, Role } from '../xep/xep0045.ts';
import type { RoomConfig } from './config.ts';

/** The role someone gets on entering. XEP-0045 §5.1.2, "Default Roles". */
export function initialRole(affiliation: Affiliation, config: RoomConfig): Role {
  switch (affiliation) {
    case 'owner':
    case 'admin':
      return 'moderator';
    case 'member':
      return 'participant';
    case 'none':
      return config.moderated ? 'visitor' : 'participant';
    case 'outcast':
      return 'none';
  }
}

/** Whether someone may speak to all: not a visitor in a moderated room. XEP-0045 §7.4, §8.4. */
export function maySpeak(role: Role, config: RoomConfig): boolean {
  return role === 'moderator' || role === 'participant' || (role === 'visitor' && !config.moderated);
}
