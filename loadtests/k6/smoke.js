// Does everything answer? A few passes over all four services, about ten seconds; run it before anything bigger.

import { browse, buy, readReport } from './lib/journey.js';
import { showProfile, logIn } from './lib/shop.js';
import { userOfThisIteration } from './lib/users.js';

export const options = {
  scenarios: {
    smoke: { executor: 'shared-iterations', vus: 2, iterations: 4, maxDuration: '60s' },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800'],
    iterations: ['count>0'],
  },
};

export default function () {
  const user = userOfThisIteration();
  const session = logIn(user);
  if (session !== null) {
    showProfile(session.token);
  }
  const product = browse();
  if (product !== null) {
    buy(user, product);
  }
  readReport();
}
