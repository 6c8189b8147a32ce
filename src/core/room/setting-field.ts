import type { Field } from '../xep/xep0004.ts';
import type { RoomSettings } from './config.ts';

/** One field of the owner's form (XEP-0045 §10.2), and the setting behind it. */
export interface SettingField {
  readonly var: string;
  readonly type: NonNullable<Field['type']>;
  readonly label: string;
  readonly options?: Field['options'];
  write(settings: RoomSettings): readonly string[];
  /**
   * @param before  the settings as they are
   * @returns what is different with these values; undefined if the field does not take them
   */
  read(values: readonly string[], before: RoomSettings): Partial<RoomSettings> | undefined;
}
