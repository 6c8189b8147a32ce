import type { Occupant } from './event.ts';
import type { SettingField } from './setting-field.ts';

/** What a room is told of its protocol once and for all, so that it need not know which one it is. */
export interface Traits {
  /** What the room says of itself beside the features of XEP-0045 (§6.4). */
  readonly features: readonly string[];
  /** The protocol's own fields of the owner's form (§10.2). */
  readonly configFields: readonly SettingField[];
  /** Whether the room keeps its last changes, for nodes that missed some. */
  readonly keepsChanges: boolean;
  /** Whether the room gives its users their occupant ids (XEP-0421), and so keeps who has which. */
  readonly givesOccupantIds: boolean;
  /** Whether the room may write to this occupant by their own address, wherever they are in. */
  reaches(occupant: Occupant): boolean;
  /** Whether rank and stay of this occupant are for this room to decide. */
  decidesAbout(occupant: Occupant): boolean;
}
