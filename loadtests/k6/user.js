// People log in and look at their profile; one in ten registers first. They keep arriving whether or not the
// service keeps up (open load).

import exec from 'k6/execution';

import { pause } from './lib/pause.js';
import { logIn, register, showProfile } from './lib/shop.js';
import { userOfThisIteration } from './lib/users.js';

export const options = {
  scenarios: {
    log_in: {
      executor: 'constant-arrival-rate',
      rate: 8,
      timeUnit: '1s',
      duration: '20s',
      preAllocatedVUs: 20,
      maxVUs: 60,
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
    'http_req_duration{name:POST /login}': ['p(95)<800'],
  },
};

export default function () {
  const user = exec.scenario.iterationInTest % 10 === 9 ? newcomer() : userOfThisIteration();
  if (user === null) {
    return;
  }
  pause(0.3, 0.8);
  const session = logIn(user);
  if (session === null) {
    return;
  }
  pause(0.2, 0.5);
  showProfile(session.token);
}

// An address nobody has: a run may be repeated against the same shop, so the iteration's number is not enough.
function newcomer() {
  const email = `new.${Date.now()}.${exec.scenario.iterationInTest}@shop.example`;
  const password = `demo-${Math.floor(Math.random() * 1e9)}`;
  return register(email, password) === null ? null : { email, password };
}
