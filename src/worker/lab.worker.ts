import * as Comlink from 'comlink';
import { LabBranches, type LabWorkerApi } from '../sim/lab-branches.ts';

let branches: LabBranches | undefined;

function opened(): LabBranches {
  if (branches === undefined) throw new Error('no scenario is open');
  return branches;
}

const api: LabWorkerApi = {
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
  async deeds() {
    return opened().deeds;
  },
};

Comlink.expose(api);
