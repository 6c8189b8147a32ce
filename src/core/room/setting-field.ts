import { type Field, givenValues } from '../xep/xep0004.ts';
import type { RoomSettings } from './config.ts';

/** One field of the owner's form (XEP-0045 §10.2), and the setting behind it. */
export interface SettingField {
  readonly var: string;
  readonly type: NonNullable<Field['type']>;
  readonly label: string;
  readonly options?: Field['options'];
  /** What the field says without a value, where its type does not say it (`readSetting`). */
  readonly empty?: readonly string[];
  write(settings: RoomSettings): readonly string[];
  /**
   * @param before  the settings as they are
   * @returns what is different with these values; undefined if the field does not take them
   */
  read(values: readonly string[], before: RoomSettings): Partial<RoomSettings> | undefined;
}

/**
 * What a submitted field changes. Without a value (XEP-0004 §3.6) a text and a list of addresses are cleared, a boolean is
 * false (§3.3), and a choice between options stays as it is (decision #101).
 */
export function readSetting(
  field: SettingField,
  submitted: readonly string[],
  before: RoomSettings,
): Partial<RoomSettings> | undefined {
  const values = givenValues(submitted);
  if (values.length > 0) return field.read(values, before);
  const isChoice = field.type === 'list-single' || field.type === 'list-multi';
  if (isChoice && field.empty === undefined) return {};
  return field.read(field.empty ?? [], before);
}
