// The shop's built-in accounts, held once in memory for all VUs, and which of them a VU is.

import exec from 'k6/execution';
import { SharedArray } from 'k6/data';

const users = new SharedArray('users', () => JSON.parse(open('../data/users.json')));

// One account per VU. idInTest is unique across all workers of a run (idInInstance is not), so no two VUs share an
// account until there are more VUs than accounts.
export function userOfThisVu() {
  return users[(exec.vu.idInTest - 1) % users.length];
}

// Another account at every iteration, each once before any comes again; unique across workers as well.
export function userOfThisIteration() {
  return users[exec.scenario.iterationInTest % users.length];
}
