// Visitors leaf through the catalogue: a steady number of them (closed load).

import { group } from 'k6';

import { pause } from './lib/pause.js';
import { SEARCH_WORDS, listProducts, pick, searchProducts, showProduct } from './lib/shop.js';

export const options = {
  scenarios: {
    browse: { executor: 'constant-vus', vus: 10, duration: '20s' },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
    'http_req_duration{name:GET /products}': ['p(95)<800'],
  },
};

export default function () {
  group('browse', () => {
    const page = listProducts(1 + Math.floor(Math.random() * 10));
    pause(0.5, 1);
    if (page !== null) {
      showProduct(pick(page.products).id);
      pause(0.3, 0.8);
    }
  });
  group('search', () => {
    const found = searchProducts(pick(SEARCH_WORDS));
    pause(0.3, 0.8);
    if (found !== null) {
      showProduct(pick(found.products).id);
      pause(0.3, 0.8);
    }
  });
}
