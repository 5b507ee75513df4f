// Pages send their events, mostly in batches, while somebody watches the report: arrivals rise and fall (open load).

import { check } from 'k6';
import exec from 'k6/execution';

import { pause } from './lib/pause.js';
import { anyProductId, pick, reportTop, sendEvents } from './lib/shop.js';

const TYPES = ['view', 'view', 'view', 'search', 'cart', 'purchase'];

export const options = {
  scenarios: {
    track: {
      executor: 'ramping-arrival-rate',
      startRate: 2,
      timeUnit: '1s',
      stages: [
        { duration: '8s', target: 20 },
        { duration: '8s', target: 20 },
        { duration: '4s', target: 2 },
      ],
      preAllocatedVUs: 20,
      maxVUs: 80,
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
    'http_req_duration{name:POST /events}': ['p(95)<800'],
  },
};

export default function () {
  const iteration = exec.scenario.iterationInTest;
  const events = iteration % 4 === 0 ? event('view') : Array.from({ length: 10 }, () => event(pick(TYPES)));
  sendEvents(events);
  pause(0.1, 0.4);
  if (iteration % 8 === 0) {
    const report = reportTop('view');
    check(report, { 'the report names products': (r) => r !== null && r.top.length > 0 });
  }
}

function event(type) {
  return { type, product_id: anyProductId() };
}
