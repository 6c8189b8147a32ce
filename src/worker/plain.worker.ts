import * as Comlink from 'comlink';
import type { PlainWorkerApi } from '../host/control.ts';
import { PlainRooms } from './plain-rooms.ts';

let rooms: PlainRooms | undefined;

const api: PlainWorkerApi = {
  async start(scenario) {
    rooms = new PlainRooms(scenario);
  },
  async take(inputs) {
    return rooms?.take(inputs) ?? [];
  },
};

Comlink.expose(api);
