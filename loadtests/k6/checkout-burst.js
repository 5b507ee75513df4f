// A campaign went out: 40 customers fill carts and pay at the same time, briefly. What they do is checkout.js.

export { default, setup } from './checkout.js';

export const options = {
  scenarios: {
    burst: { executor: 'constant-vus', vus: 40, duration: '20s', gracefulStop: '10s' },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
  },
};
