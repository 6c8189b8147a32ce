import type { Group, Participant } from './participants.ts';

export interface Column extends Participant {
  readonly server: string;
  /** Its lifeline, in pixels from the left of the diagram. */
  readonly x: number;
  readonly width: number;
}

export interface PlacedGroup extends Group {
  /** Pixels from the left of the diagram. */
  readonly left: number;
  readonly width: number;
  readonly columns: readonly Column[];
}

export interface Columns {
  readonly groups: readonly PlacedGroup[];
  /** By participant. */
  readonly byId: ReadonlyMap<string, Column>;
  /** In pixels. */
  readonly width: number;
}

const serverWidth = 36;
const columnWidth = 68;
const collapsedWidth = 112;
const padding = 4;
/** Columns grow where there is room, but not until the arrows are too long to follow. */
const mostStretch = 1.8;

/**
 * Where the columns are: server beside server.
 *
 * @param room  pixels that there are; if they do not suffice, the diagram is wider
 */
export function placeColumns(groups: readonly Group[], room = 0): Columns {
  const natural = groups.reduce((sum, group) => sum + widthOf(group, 1), 0);
  const stretch = Math.min(mostStretch, Math.max(1, room / Math.max(1, natural)));
  const byId = new Map<string, Column>();
  let left = 0;
  const placed = groups.map((group) => {
    const width = widthOf(group, stretch);
    let x = left + padding;
    const columns = group.participants.map((participant): Column => {
      const own = columnOf(participant, group, stretch);
      const column = { ...participant, server: group.server, x: x + own / 2, width: own };
      x += own;
      byId.set(participant.id, column);
      return column;
    });
    const one = { ...group, left, width, columns };
    left += width;
    return one;
  });
  return { groups: placed, byId, width: left };
}

function columnOf({ kind }: Participant, { isCollapsed }: Group, stretch: number): number {
  return Math.floor((isCollapsed ? collapsedWidth : kind === 'server' ? serverWidth : columnWidth) * stretch);
}

function widthOf(group: Group, stretch: number): number {
  const inside = group.participants.reduce((sum, participant) => sum + columnOf(participant, group, stretch), 0);
  return inside + 2 * padding;
}
