// Logged-in customers fill carts and pay; their number rises, holds and falls (closed load in stages).
// setup() runs once per run, however many workers there are: what it returns reaches every VU.

import { check } from 'k6';

import { pause } from './lib/pause.js';
import { addItem, listProducts, logIn, openCart, pay, payEmptyCart, pick, showCart, showOrder } from './lib/shop.js';
import { userOfThisVu } from './lib/users.js';

export const options = {
  scenarios: {
    buy: {
      executor: 'ramping-vus',
      startVUs: 1,
      stages: [
        { duration: '8s', target: 12 },
        { duration: '10s', target: 12 },
        { duration: '4s', target: 1 },
      ],
      gracefulRampDown: '10s',
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: ['p(95)<800', 'p(99)<1500'],
    'http_req_duration{name:POST /carts}': ['p(95)<800'],
  },
};

export function setup() {
  const page = listProducts();
  if (page === null) {
    throw new Error('The product service gives no products, so there is nothing to buy.');
  }
  return { productIds: page.products.map((product) => product.id) };
}

// Init code runs once per VU, so this is the VU's own: it logs in at its first iteration and stays logged in.
let token = null;

export default function (data) {
  token = token || (logIn(userOfThisVu()) || { token: null }).token;
  const cart = token && openCart(token);
  if (!cart) {
    pause(0.5, 1);
    return;
  }
  pause(0.2, 0.5);
  if (Math.random() < 0.1) {
    payEmptyCart(token, cart.id);
  }
  fillAndPay(cart.id, data.productIds);
  pause(0.3, 0.8);
}

function fillAndPay(cartId, productIds) {
  addItem(token, cartId, pick(productIds));
  pause(0.3, 0.8);
  addItem(token, cartId, pick(productIds), 2);
  const filled = showCart(token, cartId);
  pause(0.3, 0.8);
  const order = pay(token, cartId);
  if (filled !== null && order !== null) {
    check(order, { 'the order costs what the cart did': (o) => o.total_cents === filled.total_cents });
    showOrder(token, order.id);
  }
}
