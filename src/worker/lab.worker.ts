import * as Comlink from 'comlink';
import type { PlainWorkerApi } from '../host/control.ts';
import { LabBranches, type LabWorkerApi } from '../sim/lab-branches.ts';
import { PlainRooms } from './plain-rooms.ts';

let branches: LabBranches | undefined;
let rooms: PlainRooms | undefined;

function opened(): LabBranches {
  if (branches === undefined) throw new Error('no scenario is open');
  return branches;
}

/** One worker for both: once it is loaded, the page needs nothing more from any server. */
const api: LabWorkerApi & PlainWorkerApi = {
  async open(scenario, seed) {
    branches = new LabBranches(scenario, seed);
    return { opening: branches.opening, news: branches.news() };
  },
  async run(how) {
    opened().run(how);
    return opened().news();
  },
  async act(act) {
    const why = opened().act(act);
    return { why, news: opened().news() };
  },
  async branch(lines) {
    const made = opened().branch(lines);
    return { ...made, news: opened().news() };
  },
  async select(branch) {
    opened().select(branch);
    return opened().news();
  },
  async remove(branch) {
    opened().remove(branch);
  },
  async compare(variant) {
    opened().compare(variant);
    return opened().news();
  },
  async done() {
    const { done, place: until } = opened();
    return { done, until };
  },
  async load(done, until) {
    const branch = opened().load(done, until);
    return { branch, news: opened().news() };
  },
  async ndjson() {
    return opened().ndjson();
  },
  async start(scenario) {
    rooms = new PlainRooms(scenario);
  },
  async take(inputs) {
    return rooms?.take(inputs) ?? [];
  },
};

Comlink.expose(api);
