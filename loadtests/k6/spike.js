// Calm, then ten times the visitors within seconds, then calm again. Does the shop keep up, and does it recover?

import { browse, buy } from './lib/journey.js';
import { userOfThisVu } from './lib/users.js';

export const options = {
  scenarios: {
    spike: {
      executor: 'ramping-vus',
      startVUs: 10,
      stages: [
        { duration: '8s', target: 10 },
        { duration: '3s', target: 100 },
        { duration: '12s', target: 100 },
        { duration: '3s', target: 10 },
        { duration: '8s', target: 10 },
      ],
      gracefulRampDown: '10s',
    },
  },
  thresholds: {
    // A shop that is down needs no more load: give up early, but not over the first few answers.
    http_req_failed: ['rate<0.01', { threshold: 'rate<0.25', abortOnFail: true, delayAbortEval: '5s' }],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<1000', 'p(99)<2000'],
  },
};

export default function () {
  const product = browse();
  if (product !== null && Math.random() < 0.2) {
    buy(userOfThisVu(), product);
  }
}
