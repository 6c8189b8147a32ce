import { parseArgs } from 'node:util';
import { measureRooms, type RoomFigures, type Sizes } from './rooms.ts';
import { contenders } from './targets.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const sizes: Sizes = values.quick
  ? { growing: [10], storm: 100, floodMs: 1000, messages: 20 }
  : { growing: [10, 100], storm: 1000, floodMs: 3000, messages: 30 };
const rooms: RoomFigures[] = [];
for (const contender of contenders) {
  if (values.only !== undefined && !contender.name.includes(values.only)) continue;
  rooms.push(await measureRooms(contender, sizes, (line) => console.error(line)));
  console.error(JSON.stringify(rooms.at(-1), undefined, 1));
}
process.exit();
