// A newsletter went out: many customers at once, briefly. Three in ten of them buy.

import { browse, buy } from './lib/journey.js';
import { userOfThisVu } from './lib/users.js';

export const options = {
  scenarios: {
    burst: { executor: 'constant-vus', vus: 100, duration: '20s' },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
    'http_req_duration{name:POST /login}': ['p(95)<800'],
  },
};

export default function () {
  const product = browse();
  if (product !== null && Math.random() < 0.3) {
    buy(userOfThisVu(), product);
  }
}
